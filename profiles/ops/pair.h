/* SPDX-License-Identifier: Apache-2.0 */
/* Keys with a code-signing certificate on a token: what a profile is made of. */
#ifndef SIGNET_PROFILES_OPS_PAIR_H
#define SIGNET_PROFILES_OPS_PAIR_H

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

/* Every certificate for code signing that is valid now, the one that expires last first. */
bool pairs_find(const struct token *t, const struct wire_objects *all, struct pairs *out,
                struct error *e);
void pairs_free(struct pairs *p);

#endif
