/* SPDX-License-Identifier: Apache-2.0 */
/* An object's end. */
#ifndef SIGNET_HOST_PKCS11_DELETE_H
#define SIGNET_HOST_PKCS11_DELETE_H

#include "host/pkcs11/module.h"
#include "wire/write.h"

/* C_DestroyObject of this one object (which_find). */
bool object_delete(struct module *m, const struct wire_which *w, struct wire_status *s);

#endif
