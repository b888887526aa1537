/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cabinet of a set names the one before it and the one after it; files reach over their ends. Who
 * signs one without the others at hand signs what may not be the set that is published.
 */
#ifndef SIGNET_SIGN_CAB_SET_H
#define SIGNET_SIGN_CAB_SET_H

#include "sign/cab/cab_headers.h"

/* Whether the cabinets that `h` names stand in the folder of `path`, or in "disk2" where it is
 * "disk1" (letters of either case, as Windows has it), and are of its set, with the numbers before
 * and after. Only their headers are read. ERROR_FORMAT: one is missing, or is another;
 * ERROR_SYSTEM. */
bool cab_set_complete(const struct cab_headers *h, const char *path, struct error *e);

#endif
