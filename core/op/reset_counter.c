/* SPDX-License-Identifier: Apache-2.0 */
/* signet reset-counter: one login by a person, so that the token's counter and our guard are as
 * new. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "op/named.h"
#include "op/ops.h"
#include "op/record.h"
#include "op/session.h"
#include "op/text.h"
#include "token/card.h"

static const struct op_arg args[] = {
    OP_ONE_TOKEN,
};

/* The user PIN's counter as the card tells it now, or else what the token's flags say. */
static json_t *counter_now(const struct wire_slot *slot, struct op_ctx *ctx)
{
    const struct wire_application *a;
    struct host *none = NULL;
    struct wire_card card;
    json_t *record = NULL;
    bool found;

    if (!card_read_slot(&slot->info, &none, ctx->cancel, &card, &found, NULL))
        found = false;
    a = found ? card_application_of(&card, &slot->token) : NULL;
    for (size_t i = 0; a != NULL && i < a->counter_count; i++)
        if (a->counter[i].pin == WIRE_PIN_USER)
            record = op_counter_record(&a->counter[i]);
    wire_card_free(&card);
    if (record == NULL)
        record = json_pack("{s:s, s:s}", "state", gate_counter_text(slot->token.flags, false),
                           "known-by", "flags of the token");
    return record;
}

static void report(const struct token *t, const char *before, const struct wire_slot *after,
                   struct op_ctx *ctx)
{
    json_t *counter = counter_now(after, ctx);
    struct buffer text = BUFFER_INIT;

    op_text_counter(counter, &text);
    op_emit(ctx, "counter",
            json_pack("{s:s, s:s, s:s, s:s, s:o}", "token", t->label, "before", before, "after",
                      buffer_text(&text), "known-by", op_string(counter, "known-by"), "counter",
                      counter));
    buffer_free(&text);
}

static bool login(const struct op_args *a, struct op_ctx *ctx, struct inventory *inv,
                  struct token *t, struct error *e)
{
    struct gate_person person = op_person(ctx);
    struct pin_source *source;
    struct gate_request request;
    struct gate_session *session;
    struct wire_slot after = {0};
    struct host *host;
    char *before;
    bool read = false;

    if (!op_gate_request(a, ctx, inv, t, &person, &source, &request, e))
        return false;
    if (request.actor == GATE_HEADLESS)
        request.actor = GATE_RESET;
    host = op_take_host(inv, t);
    session = gate_open(&request, &host, e);
    pin_source_free(&source);
    if (session == NULL)
        return false;
    before = strdup(gate_tries_before(session));
    read = host_token(gate_host(session), gate_slot(session), ctx->cancel, &after, e);
    /* While we are logged in, a card does not tell its figure. */
    gate_close(&session);
    if (read)
        report(t, before == NULL ? "" : before, &after, ctx);
    wire_slot_free(&after);
    free(before);
    return read;
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    return op_with_token(a, ctx, login, e);
}

static void text(const char *kind, const json_t *record, unsigned width, bool colour,
                 struct buffer *out)
{
    char *line = text_format("Logged in to '%s'. PIN before: %s; now: %s. Builds may go on.",
                             op_string(record, "token"), op_string(record, "before"),
                             op_string(record, "after"));

    (void)kind, (void)colour;
    if (line != NULL)
        op_wrap(out, line, 0, width - 1);
    free(line);
}

const struct op op_reset_counter = {
    .verb = "reset-counter",
    .group = "PINs",
    .summary = "log in once, so that the failed-login counter goes back to its maximum",
    .description = "A right PIN makes a token forget the wrong ones before it. This logs in once, "
                   "by a person, with all the "
                   "care of the PIN rules, and lets unattended signing go on. At the last try, the "
                   "token's label must be "
                   "typed on a terminal.",
    .example = "signet reset-counter @1",
    .effects = OP_LOGS_IN,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
