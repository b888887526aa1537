/* SPDX-License-Identifier: Apache-2.0 */
/* The objects of one token: keys, certificates, and which belong together (by public key). */
#ifndef SIGNET_TOKEN_OBJECTS_H
#define SIGNET_TOKEN_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "token/uri.h"
#include "wire/message.h"

/* True when both public keys are known and equal. */
bool objects_same_key(const struct wire_object *a, const struct wire_object *b);

/* True when they have the same public key, or, where one side's is not known, the same CKA_ID. */
bool objects_belong(const struct wire_object *a, const struct wire_object *b);

/* The first certificate (or private key) that has the same public key as `o`; NULL for none. Where
 * a private key's public half cannot be known, an equal CKA_ID decides, and *by_id says so (may be
 * NULL). */
const struct wire_object *objects_certificate_of(const struct wire_objects *all,
                                                 const struct wire_object *o, bool *by_id);
const struct wire_object *objects_private_key_of(const struct wire_objects *all,
                                                 const struct wire_object *o, bool *by_id);
const struct wire_object *objects_public_key_of(const struct wire_objects *all,
                                                const struct wire_object *o, bool *by_id);

/* The one object of `class` that the URI means. ERROR_MISSING when there is none (lists what there
 * is), ERROR_USAGE when it means several different keys (lists them). With CKO_PRIVATE_KEY, a token
 * that shows no private keys before login is searched by its public keys and certificates, and one
 * of these is returned: it has the public key. */
const struct wire_object *objects_find(const struct wire_objects *all, const struct wire_slot *slot,
                                       const struct token_uri *uri, CK_OBJECT_CLASS class,
                                       struct error *e);

/* The same with the text of a URI, a hexadecimal id, or a label. */
const struct wire_object *objects_find_named(const struct wire_objects *all,
                                             const struct wire_slot *slot, const char *name,
                                             CK_OBJECT_CLASS class, struct error *e);

#endif
