/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pkcs11/init.h"

#include <string.h>

#include "host/pkcs11/login.h"
#include "host/pkcs11/slots.h"
#include "host/status.h"

static CK_RV call(struct module *m, const struct wire_init_token *t)
{
    CK_UTF8CHAR label[32];

    memset(label, ' ', sizeof label);
    memcpy(label, t->label, strnlen(t->label, sizeof label));
    if (t->so_pin == NULL)
        return m->f->C_InitToken(t->slot, NULL, 0, label);
    return m->f->C_InitToken(t->slot, (CK_UTF8CHAR_PTR)(uintptr_t)secret_bytes(t->so_pin),
                             secret_length(t->so_pin), label);
}

bool token_init(struct module *m, const struct wire_init_token *t, struct wire_slot *out,
                struct wire_status *s)
{
    *out = (struct wire_slot){0};
    /* A module refuses while this program has sessions open; here none are needed any more. */
    m->f->C_CloseAllSessions(t->slot);
    s->attempted = true;
    s->accepted = status_of(s, call(m, t), "C_InitToken");
    login_note_flags(m, t->slot, s);
    return s->accepted && slot_read(m, t->slot, out, s);
}
