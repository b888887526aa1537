/* SPDX-License-Identifier: Apache-2.0 */
/* A token made new. */
#ifndef SIGNET_HOST_PKCS11_INIT_H
#define SIGNET_HOST_PKCS11_INIT_H

#include "host/pkcs11/module.h"
#include "wire/write.h"

/* One C_InitToken (PKCS#11 2.40 section 5.5): a token that is initialised wants its present SO PIN
 * for that, a fresh one gets it. `out` is the slot as it is then. Freed with wire_slot_free, also
 * on failure. */
bool token_init(struct module *m, const struct wire_init_token *t, struct wire_slot *out,
                struct wire_status *s);

#endif
