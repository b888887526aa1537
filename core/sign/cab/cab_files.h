/* SPDX-License-Identifier: Apache-2.0 */
/* The list of files of a cabinet (CFFILE, [MS-CAB] section 2.4). */
#ifndef SIGNET_SIGN_CAB_FILES_H
#define SIGNET_SIGN_CAB_FILES_H

#include "sign/cab/cab_headers.h"

/* Reads it to its end: every entry is there and belongs to a folder that is. Sets `needs` of the
 * folders. ERROR_FORMAT. */
bool cab_files_check(int input, const char *name, struct cab_headers *h, struct error *e);

#endif
