/* SPDX-License-Identifier: Apache-2.0 */
/* Request and answer, for the files of this room: host_call and attempt_send stand on it. */
#ifndef SIGNET_TOKEN_EXCHANGE_H
#define SIGNET_TOKEN_EXCHANGE_H

#include "token/host.h"

struct exchange {
    enum wire_type type;
    unsigned lane;
    const struct buffer *body; /* NULL: empty */
    int pass;                  /* a descriptor that the host shall hold, or -1 */
    int64_t deadline;          /* ms */
    struct cancel *cancel;
};

/* True when the host answered, whatever it said: `status` is set, and `answer` (may be NULL) has
 * what followed. False: ERROR_HOST, ERROR_CANCELLED; the host is dead then. */
bool exchange_run(struct host *h, const struct exchange *x, struct wire_status *status,
                  struct buffer *answer, struct error *e);

#endif
