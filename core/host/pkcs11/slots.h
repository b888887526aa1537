/* SPDX-License-Identifier: Apache-2.0 */
/* Slots, tokens and mechanisms, as the module tells them. */
#ifndef SIGNET_HOST_PKCS11_SLOTS_H
#define SIGNET_HOST_PKCS11_SLOTS_H

#include "host/pkcs11/module.h"

/* Every slot, with a token or without. A slot that cannot be read is there with its problem. Waits
 * up to a second for a token that is not ready right after C_Initialize. */
bool slots_read(struct module *m, struct wire_slots *out, struct wire_status *s);

/* One slot. False when the module does not know it. */
bool slot_read(struct module *m, CK_SLOT_ID id, struct wire_slot *out, struct wire_status *s);

/* The token's flags alone. */
bool slot_token_flags(struct module *m, CK_SLOT_ID id, CK_FLAGS *flags);

#endif
