/* SPDX-License-Identifier: Apache-2.0 */
/* The objects of one token: keys, certificates, and which belong together (by public key). */
#ifndef SIGNET_TOKEN_OBJECTS_H
#define SIGNET_TOKEN_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cancel.h"
#include "base/error.h"
#include "token/host.h"
#include "token/uri.h"
#include "wire/message.h"

/* While the objects of a token arrive: those that are here, and in so_far->total how many there
 * are. */
struct objects_parts {
    void (*part)(void *data, const struct wire_objects *so_far);
    void *data;
};

/* Reads all objects of a token, page by page, each with its own deadline. A private key that does
 * not tell its public half (EC has no point there) borrows it from the public key object, else the
 * certificate, with its CKA_ID. The objects are grouped. `parts` may be NULL. Freed with
 * wire_objects_free. */
bool objects_read(struct host *h, CK_SLOT_ID slot, const struct objects_parts *parts,
                  struct cancel *cancel, struct wire_objects *out, struct error *e);

/* Reads certificates alone, the first `most` of them, in one page: quick also where there are
 * thousands of keys. out->total says how many there are. Freed with wire_objects_free. */
bool objects_read_certificates(struct host *h, CK_SLOT_ID slot, uint32_t most,
                               struct cancel *cancel, struct wire_objects *out, struct error *e);

/* Puts objects of one key side by side, private key, public key, certificates, and gives them one
 * `group`: keys first, then what has none. One that does not tell its public key goes to the first
 * with its CKA_ID. False: ERROR_MEMORY. objects_read does it; the functions below rely on it. */
bool objects_group(struct wire_objects *all, struct error *e);

/* True when both public keys are known and equal. */
bool objects_same_key(const struct wire_object *a, const struct wire_object *b);

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
 * of these is returned: it has the public key. A URI that names one of these by its type means its
 * private key then. */
const struct wire_object *objects_find(const struct wire_objects *all, const struct wire_slot *slot,
                                       const struct token_uri *uri, CK_OBJECT_CLASS class,
                                       struct error *e);

/* The same with the text of a URI, a hexadecimal id, or a label. */
const struct wire_object *objects_find_named(const struct wire_objects *all,
                                             const struct wire_slot *slot, const char *name,
                                             CK_OBJECT_CLASS class, struct error *e);

#endif
