/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pkcs11/login.h"

#include "host/pkcs11/slots.h"
#include "host/status.h"

void login_note_flags(struct module *m, CK_SLOT_ID slot, struct wire_status *s)
{
    CK_FLAGS flags;

    s->flags_known = slot_token_flags(m, slot, &flags);
    s->token_flags = s->flags_known ? flags : 0;
}

static bool open_session(struct module *m, CK_SLOT_ID slot, bool write, CK_SESSION_HANDLE *out,
                         struct wire_status *s)
{
    CK_FLAGS flags = CKF_SERIAL_SESSION | (write ? CKF_RW_SESSION : 0);

    return status_of(s, m->f->C_OpenSession(slot, flags, NULL, NULL, out), "C_OpenSession");
}

/* PKCS#11 takes the PIN through a pointer that is not const; NULL asks the reader's own keys. */
static CK_RV call_login(struct module *m, CK_SESSION_HANDLE session, CK_USER_TYPE user,
                        const struct secret *pin)
{
    if (pin == NULL)
        return m->f->C_Login(session, user, NULL, 0);
    return m->f->C_Login(session, user, (CK_UTF8CHAR_PTR)(uintptr_t)secret_bytes(pin),
                         secret_length(pin));
}

bool login_once(struct module *m, const struct wire_login *l, struct wire_status *s)
{
    CK_SESSION_HANDLE session;

    if (!open_session(m, l->slot, l->user == CKU_SO, &session, s))
        return false;
    s->attempted = true;
    status_of(s, call_login(m, session, l->user, l->pin), "C_Login");
    login_note_flags(m, l->slot, s);
    if (s->rv != CKR_OK)
        m->f->C_CloseSession(session);
    return s->rv == CKR_OK;
}

bool login_end(struct module *m, CK_SLOT_ID slot, struct wire_status *s)
{
    CK_SESSION_HANDLE session;

    if (!open_session(m, slot, false, &session, s))
        return false;
    status_of(s, m->f->C_Logout(session), "C_Logout");
    m->f->C_CloseSession(session);
    return s->rv == CKR_OK;
}

static CK_RV call_set_pin(struct module *m, CK_SESSION_HANDLE session, const struct wire_set_pin *p)
{
    if (p->pinpad)
        return m->f->C_SetPIN(session, NULL, 0, NULL, 0);
    return m->f->C_SetPIN(
        session, (CK_UTF8CHAR_PTR)(uintptr_t)secret_bytes(p->old_pin), secret_length(p->old_pin),
        (CK_UTF8CHAR_PTR)(uintptr_t)secret_bytes(p->new_pin), secret_length(p->new_pin));
}

bool login_set_pin(struct module *m, const struct wire_set_pin *p, struct wire_status *s)
{
    CK_SESSION_HANDLE session;
    bool so = p->user == CKU_SO;

    if (!open_session(m, p->slot, true, &session, s))
        return false;
    s->attempted = true;
    if (so)
        s->accepted = status_of(s, call_login(m, session, CKU_SO, p->old_pin), "C_Login");
    if (!so || s->accepted) {
        status_of(s, call_set_pin(m, session, p), "C_SetPIN");
        if (so)
            m->f->C_Logout(session);
    }
    login_note_flags(m, p->slot, s);
    m->f->C_CloseSession(session);
    return s->rv == CKR_OK;
}

static CK_RV call_init_pin(struct module *m, CK_SESSION_HANDLE session, const struct secret *pin)
{
    if (pin == NULL)
        return m->f->C_InitPIN(session, NULL, 0);
    return m->f->C_InitPIN(session, (CK_UTF8CHAR_PTR)(uintptr_t)secret_bytes(pin),
                           secret_length(pin));
}

bool login_init_pin(struct module *m, const struct wire_init_pin *p, struct wire_status *s)
{
    CK_SESSION_HANDLE session;

    if (!open_session(m, p->slot, true, &session, s))
        return false;
    s->attempted = true;
    s->accepted = status_of(s, call_login(m, session, CKU_SO, p->so_pin), "C_Login");
    if (s->accepted) {
        status_of(s, call_init_pin(m, session, p->new_pin), "C_InitPIN");
        m->f->C_Logout(session);
    }
    login_note_flags(m, p->slot, s);
    m->f->C_CloseSession(session);
    return s->rv == CKR_OK;
}
