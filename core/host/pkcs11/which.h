/* SPDX-License-Identifier: Apache-2.0 */
/* The one object that is meant, before it is changed or deleted. */
#ifndef SIGNET_HOST_PKCS11_WHICH_H
#define SIGNET_HOST_PKCS11_WHICH_H

#include "host/pkcs11/attributes.h"
#include "wire/write.h"

/* A session in which objects of the token can be changed. The caller closes it. */
bool which_session(struct module *m, CK_SLOT_ID slot, CK_SESSION_HANDLE *out,
                   struct wire_status *s);

/* The object whose class, id, label and value are all as `w` has them. A private key that does not
 * tell its public half (EC) is known by its id, if no other private key has that, and the public
 * key or certificate with that id has the right public half. False: CKR_OBJECT_HANDLE_INVALID, and
 * nothing else is taken for it. */
bool which_find(struct module *m, CK_SESSION_HANDLE session, const struct wire_which *w,
                CK_OBJECT_HANDLE *out, struct wire_status *s);

#endif
