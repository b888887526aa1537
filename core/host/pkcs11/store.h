/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates onto the token, and names of objects. */
#ifndef SIGNET_HOST_PKCS11_STORE_H
#define SIGNET_HOST_PKCS11_STORE_H

#include "host/pkcs11/module.h"
#include "wire/write.h"

/* C_CreateObject of an X.509 certificate (PKCS#11 2.40 section 4.6.3) with subject, issuer and
 * serial number as its DER has them; then it is read back, and deleted again when it is not what
 * was given. */
bool certificate_store(struct module *m, const struct wire_new_certificate *c,
                       struct wire_status *s);

/* C_SetAttributeValue of CKA_ID and CKA_LABEL, in one call, for this one object (which_find). */
bool object_set_names(struct module *m, const struct wire_new_names *n, struct wire_status *s);

#endif
