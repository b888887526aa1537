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

/* Turns a status that is no CKR_OK into an error that says whose call failed. Always false. */
bool exchange_refused(const struct host *h, enum wire_type type, const struct wire_status *status,
                      struct error *e);

#endif
