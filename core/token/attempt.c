/* SPDX-License-Identifier: Apache-2.0 */
#include "token/attempt.h"

#include <assert.h>

#include "token/exchange.h"

bool attempt_send(struct host *h, enum wire_type type, unsigned lane, const struct buffer *body,
                  int lock, bool pinpad, struct cancel *cancel, struct attempt *result,
                  struct buffer *answer, struct error *e)
{
    struct exchange x = {.type = type,
                         .lane = lane,
                         .body = body,
                         .pass = lock,
                         .deadline = pinpad ? WIRE_PINPAD_DEADLINE : wire_type_deadline(type),
                         .cancel = cancel};

    assert(wire_type_spends(type));
    result->answered = exchange_run(h, &x, &result->status, answer, e);
    if (!result->answered)
        return false;
    if (result->status.rv == CKR_OK)
        return true;
    return exchange_refused(h, type, &result->status, e);
}
