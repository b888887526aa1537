/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and certificates of a token. */
#ifndef SIGNET_HOST_PKCS11_OBJECTS_H
#define SIGNET_HOST_PKCS11_OBJECTS_H

#include "host/pkcs11/attributes.h"

/* Private keys, public keys and certificates that the session may see, or `certificates` alone: at
 * most `most` of all objects, from the one with number `first` on; `first` 0 lists them anew. One
 * that cannot be read in full is there, with its problem. For one thread. */
bool objects_page(struct module *m, CK_SLOT_ID slot, bool certificates, uint32_t first,
                  uint32_t most, struct wire_objects *out, struct wire_status *s);

/* Reads one object; false, with nothing to free, when it is of another class. */
bool object_read(const struct object_ref *o, struct wire_object *out);

/* Handles of the objects that match; *handles is the caller's to free. */
bool objects_search(struct module *m, CK_SESSION_HANDLE session, CK_ATTRIBUTE *match,
                    CK_ULONG match_count, CK_OBJECT_HANDLE **handles, size_t *count,
                    struct wire_status *s);

#endif
