/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends a request that can spend a try of a PIN. For core/gate alone: a test fails when any other
 * room links to attempt_send.
 */
#ifndef SIGNET_TOKEN_ATTEMPT_H
#define SIGNET_TOKEN_ATTEMPT_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/cancel.h"
#include "base/error.h"
#include "token/host.h"

/* What came of it. When the host died before it answered, or a deadline passed, `answered` is false
 * and the PIN counts as refused. */
struct attempt {
    bool answered;
    struct wire_status status;
};

/* `lock` is the descriptor of the token's lock, handed to the child so that an orphan still holds
 * it (-1: none). `pinpad` chooses the longer deadline. `answer` as in host_call, may be NULL. True
 * when status.rv is CKR_OK. */
bool attempt_send(struct host *h, enum wire_type type, unsigned lane, const struct buffer *body,
                  int lock, bool pinpad, struct cancel *cancel, struct attempt *result,
                  struct buffer *answer, struct error *e);

#endif
