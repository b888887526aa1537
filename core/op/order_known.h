/* SPDX-License-Identifier: Apache-2.0 */
/* Orders that were made on this machine: their folders stand in the file "orders" of the state
 * folder, one a line, the newest first, so that they are found wherever one works. */
#ifndef SIGNET_OP_ORDER_KNOWN_H
#define SIGNET_OP_ORDER_KNOWN_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

/* Notes the folder of a new order; the oldest of many are forgotten. */
bool order_remember(const char *folder, struct error *e);

/* The absolute paths that are noted, as an array; some may be gone by now. NULL: why not. */
json_t *order_known(struct error *e);

#endif
