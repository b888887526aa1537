/* SPDX-License-Identifier: Apache-2.0 */
/* The requests of token/host.h, none of which can spend a try. */
#include <assert.h>
#include <string.h>

#include "token/exchange.h"
#include "token/host.h"
#include "wire/card.h"
#include "wire/rv.h"

/* The words of PC/SC and of cards need no path before them. */
bool exchange_refused(const struct host *h, enum wire_type type, const struct wire_status *status,
                      struct error *e)
{
    rv_error(e, status);
    if (strcmp(host_module_path(h), WIRE_PCSC) == 0)
        return false;
    return error_prefix(e, "'%s', while %s", host_module_path(h), wire_type_name(type));
}

bool host_call_within(struct host *h, enum wire_type type, unsigned lane, const struct buffer *body,
                      int64_t deadline, struct cancel *cancel, struct buffer *answer,
                      struct error *e)
{
    struct exchange x = {.type = type,
                         .lane = lane,
                         .body = body,
                         .pass = -1,
                         .deadline = deadline,
                         .cancel = cancel};
    struct wire_status status;

    assert(!wire_type_spends(type));
    if (!exchange_run(h, &x, &status, answer, e))
        return false;
    if (status.rv == CKR_OK)
        return true;
    return exchange_refused(h, type, &status, e);
}

bool host_call(struct host *h, enum wire_type type, unsigned lane, const struct buffer *body,
               struct cancel *cancel, struct buffer *answer, struct error *e)
{
    return host_call_within(h, type, lane, body, wire_type_deadline(type), cancel, answer, e);
}

/* A request about one slot whose answer is a record. */
static bool ask(struct host *h, enum wire_type type, const CK_SLOT_ID *slot, struct cancel *cancel,
                struct buffer *answer, struct error *e)
{
    struct buffer body = BUFFER_INIT;
    bool done;

    if (slot != NULL)
        wire_put_u64(&body, *slot);
    done = buffer_ok(&body, e) && host_call(h, type, 0, &body, cancel, answer, e);
    buffer_free(&body);
    return done;
}

bool host_slots(struct host *h, struct cancel *cancel, struct wire_slots *out, struct error *e)
{
    struct buffer answer = BUFFER_INIT;
    bool done = ask(h, WIRE_SLOTS, NULL, cancel, &answer, e);

    *out = (struct wire_slots){0};
    if (done) {
        struct wire_reader r = wire_reader_of(answer.data, answer.length);

        wire_slots_get(&r, out);
        done = wire_reader_done(&r, e);
    }
    if (!done)
        wire_slots_free(out);
    buffer_free(&answer);
    return done;
}

bool host_token(struct host *h, CK_SLOT_ID slot, struct cancel *cancel, struct wire_slot *out,
                struct error *e)
{
    struct buffer answer = BUFFER_INIT;
    bool done = ask(h, WIRE_TOKEN, &slot, cancel, &answer, e);

    *out = (struct wire_slot){0};
    if (done) {
        struct wire_reader r = wire_reader_of(answer.data, answer.length);

        wire_slot_get(&r, out);
        done = wire_reader_done(&r, e);
    }
    if (!done)
        wire_slot_free(out);
    buffer_free(&answer);
    return done;
}

bool host_logout(struct host *h, CK_SLOT_ID slot, struct cancel *cancel, struct error *e)
{
    return ask(h, WIRE_LOGOUT, &slot, cancel, NULL, e);
}
