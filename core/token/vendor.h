/* SPDX-License-Identifier: Apache-2.0 */
/* What a module tells of its token beyond PKCS#11: counters and container names. */
#ifndef SIGNET_TOKEN_VENDOR_H
#define SIGNET_TOKEN_VENDOR_H

#include "token/host.h"
#include "wire/card.h"

/* Reads it without a login, by the attributes that SafeNet's modules have. `out` has neither
 * counter nor container where the module has no such things; freed with wire_application_free.
 * False: the host's error (token/host.h), and nothing to free. */
bool vendor_read(struct host *h, CK_SLOT_ID slot, struct cancel *cancel,
                 struct wire_application *out, struct error *e);

#endif
