/* SPDX-License-Identifier: Apache-2.0 */
/* Records: what operations emit about modules, tokens, objects and certificates. Keys are lower
 * case with hyphens; times are ISO 8601 in UTC; what the token does not tell is null. Each returns
 * a new reference, NULL when memory ran out. */
#ifndef SIGNET_OP_RECORD_H
#define SIGNET_OP_RECORD_H

#include <jansson.h>
#include <openssl/x509.h>

#include "token/inventory.h"

json_t *record_module(const struct inventory_module *m);

/* Every field and flag of CK_TOKEN_INFO and CK_SLOT_INFO; mechanisms with key sizes where
 * `mechanisms`. */
json_t *record_token(const struct inventory *inv, const struct token *t, bool mechanisms);

/* What a list shows of an object: its names, its group (token/objects.h), its size; of a key the
 * judgement, of a certificate the days left. */
json_t *record_object_brief(const struct wire_slot *slot, const struct wire_object *o);

/* The same, the URIs of its partners by public key, and every attribute that matters to a signer;
 * of a certificate all of it. */
json_t *record_object(const struct wire_slot *slot, const struct wire_objects *all,
                      const struct wire_object *o);

/* A certificate in full. */
json_t *record_certificate(X509 *x);

/* A string that may be NULL: null then. Takes the memory. */
json_t *record_take(char *text);

/* Text from outside, such as a path, safe to print. */
json_t *record_text(const char *text);

/* The certificate of an object; NULL when it has none. The caller frees it. */
X509 *record_x509(const struct wire_object *o);

#endif
