/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pkcs11/delete.h"

#include "host/pkcs11/which.h"
#include "host/status.h"

bool object_delete(struct module *m, const struct wire_which *w, struct wire_status *s)
{
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE handle;

    if (!which_session(m, w->slot, &session, s))
        return false;
    if (which_find(m, session, w, &handle, s))
        status_of(s, m->f->C_DestroyObject(session, handle), "C_DestroyObject");
    m->f->C_CloseSession(session);
    return s->rv == CKR_OK;
}
