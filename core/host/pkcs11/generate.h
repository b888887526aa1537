/* SPDX-License-Identifier: Apache-2.0 */
/* New keys on the token. */
#ifndef SIGNET_HOST_PKCS11_GENERATE_H
#define SIGNET_HOST_PKCS11_GENERATE_H

#include "host/pkcs11/module.h"
#include "wire/write.h"

/* C_GenerateKeyPair, and what the token made is read back: `out` is the private key with its public
 * half in spki. A key that is not what was asked for is deleted again; what cannot be deleted, or
 * read back, is named in the status by id and label. Freed with wire_object_free, also on failure.
 */
bool generate_key(struct module *m, const struct wire_new_key *k, struct wire_object *out,
                  struct wire_status *s);

#endif
