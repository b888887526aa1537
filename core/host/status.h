/* SPDX-License-Identifier: Apache-2.0 */
/* Filling in how a request went. */
#ifndef SIGNET_HOST_STATUS_H
#define SIGNET_HOST_STATUS_H

#include <stdbool.h>

#include "wire/message.h"

/* Records that `function` gave `rv`. Returns rv == CKR_OK. */
bool status_of(struct wire_status *s, CK_RV rv, const char *function);

/* Records `rv` with a text. Returns false. */
bool status_fail(struct wire_status *s, CK_RV rv, const char *function, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
