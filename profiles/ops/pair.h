/* SPDX-License-Identifier: Apache-2.0 */
/* Keys with a code-signing certificate on a token: what a profile is made of. */
#ifndef SIGNET_PROFILES_OPS_PAIR_H
#define SIGNET_PROFILES_OPS_PAIR_H

#include <jansson.h>
#include <openssl/x509.h>

#include "base/error.h"
#include "token/inventory.h"
#include "token/objects.h"

struct pair {
    const struct wire_object *certificate;
    X509 *x;
    char *key_uri; /* of the private key, with the token's label and serial and the key's id */
    char *pin;     /* "sha256:…" */
};

struct pairs {
    struct pair *pair;
    size_t count;
};

/* Every certificate for code signing that is valid now, the one that expires last first. `key` (may
 * be NULL): of this key alone. */
bool pairs_find(const struct token *t, const struct wire_objects *all,
                const struct wire_object *key, struct pairs *out, struct error *e);
void pairs_free(struct pairs *p);

/* ERROR_USAGE: there are several; lists them. ERROR_MISSING: there is none; says why those that are
 * there will not do. Returns false. */
bool pairs_ask(const struct pairs *p, const struct token *t, const struct wire_objects *all,
               struct error *e);

/* The certificate that "sha256:…" means, valid or not. NULL: none, no error is set. The caller
 * frees it. */
X509 *pair_certificate(const struct wire_objects *all, const char *pin);

/* True when the object is known to have the certificate's public key. */
bool pair_same_key(const struct wire_object *o, const X509 *x);

/* The private key of a certificate that is not on the token, by its public key; NULL: not there, or
 * hidden. */
const struct wire_object *pair_key_of(const struct wire_objects *all, const X509 *x);

/* The URI of a private key by one of the objects that speak for it. New; freed by the caller. */
char *pair_key_uri(const struct token *t, const struct wire_object *o);

/* Name, fingerprint and end of a certificate, for records. */
json_t *pair_record(X509 *x);

#endif
