/* SPDX-License-Identifier: Apache-2.0 */
/* What a host does for each request: decode, call the module, encode. */
#ifndef SIGNET_HOST_REQUEST_H
#define SIGNET_HOST_REQUEST_H

#include "wire/frame.h"

/* Appends the body of the reply: a status, and the answer where there is one. Any thread, one
 * request per lane at a time. */
void request_answer(const struct wire_frame *request, struct buffer *reply);

/* True when calls may run side by side (the module can lock). */
bool request_can_run_parallel(void);

/* C_Finalize, for an orderly end. */
void request_finalize(void);

#endif
