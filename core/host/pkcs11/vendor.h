/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What SafeNet's modules (Aladdin's, Gemalto's and Thales' too: libeToken.so, libIDPrimePKCS11.so)
 * tell beyond PKCS#11: the tries left of each PIN as figures, and the name of the container by
 * which Windows signs with a key. Both are read without a login.
 */
#ifndef SIGNET_HOST_PKCS11_VENDOR_H
#define SIGNET_HOST_PKCS11_VENDOR_H

#include "host/pkcs11/module.h"
#include "wire/card.h"

/* The family "safenet"; no family, counter or container for modules of others, which are not asked:
 * values that only one vendor defines may mean anything to another. Freed by wire_application_free,
 * also after false. */
bool vendor_describe(struct module *m, CK_SLOT_ID slot, struct wire_application *out,
                     struct wire_status *s);

#endif
