/* SPDX-License-Identifier: Apache-2.0 */
/* The return values of PKCS#11 (OASIS PKCS#11 2.40 base, section 5.1) by name. */
#ifndef SIGNET_WIRE_RV_H
#define SIGNET_WIRE_RV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "wire/message.h"

enum { RV_TEXT_SIZE = 48 };

/* "CKR_PIN_INCORRECT", or "CKR 0x…" (vendor defined or unknown). Returns `out`. */
const char *rv_name(uint64_t rv, char out[RV_TEXT_SIZE]);

/* What a person can do about it, or "" . Static storage. */
const char *rv_remedy(uint64_t rv);

/* True when a fresh host and login may help (tokens.md section 5, the retry list for dead
 * sessions). */
bool rv_is_dead_session(uint64_t rv);

/* Records what a reply's status says: ERROR_TOKEN with detail rv, "C_Sign: CKR_… : what to do".
 * Returns false. */
bool rv_error(struct error *e, const struct wire_status *s);

#endif
