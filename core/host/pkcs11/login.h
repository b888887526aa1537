/* SPDX-License-Identifier: Apache-2.0 */
/* What spends tries. Each function calls the module once for it, whatever comes back. */
#ifndef SIGNET_HOST_PKCS11_LOGIN_H
#define SIGNET_HOST_PKCS11_LOGIN_H

#include "host/pkcs11/module.h"

/* One C_Login, in a session that stays open: the login lasts as long as the process has one. CKU_SO
 * opens it for writing. s->attempted and the token's flags afterwards are set. */
bool login_once(struct module *m, const struct wire_login *l, struct wire_status *s);

bool login_end(struct module *m, CK_SLOT_ID slot, struct wire_status *s);

/* One C_SetPIN. For the SO it takes a C_Login as SO before (PKCS#11 2.40 section 5.5: C_SetPIN
 * changes the PIN of the user that is logged in, or the user's when nobody is); a refusal there
 * ends it. */
bool login_set_pin(struct module *m, const struct wire_set_pin *p, struct wire_status *s);

/* Notes the token's flags after an attempt. */
void login_note_flags(struct module *m, CK_SLOT_ID slot, struct wire_status *s);

/* A login as SO, once, and C_InitPIN. s->accepted is set once the SO PIN was right. */
bool login_init_pin(struct module *m, const struct wire_init_pin *p, struct wire_status *s);

#endif
