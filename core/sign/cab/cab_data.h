/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The blocks of data in a cabinet (CFDATA, [MS-CAB] section 2.5), followed while the cabinet passes
 * by, from its start to its end: each folder has as many as its header says, one behind the other,
 * all inside the cabinet, no two folders share any, and they unpack to no less than the files need.
 */
#ifndef SIGNET_SIGN_CAB_DATA_H
#define SIGNET_SIGN_CAB_DATA_H

#include "sign/cab/cab_headers.h"

struct cab_data;

/* `h` and `name` must outlive it. NULL: ERROR_MEMORY, ERROR_FORMAT. */
struct cab_data *cab_data_new(const struct cab_headers *h, const char *name, struct error *e);
void cab_data_free(struct cab_data **d);

/* The next piece of the cabinet; it stands at `offset` in it. ERROR_FORMAT. */
bool cab_data_add(struct cab_data *d, const uint8_t *bytes, size_t length, uint64_t offset,
                  struct error *e);

/* After the last piece. */
bool cab_data_end(const struct cab_data *d, struct error *e);

#endif
