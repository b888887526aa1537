/* SPDX-License-Identifier: Apache-2.0 */
/* signet reset-counter: one login by a person, so that the token's counter and our guard are as
 * new. */
#include "op/ops.h"
#include "op/record.h"
#include "op/session.h"
#include "op/text.h"

static const struct op_arg args[] = {
    {.name = "TOKEN",
     .type = OP_TOKEN,
     .positional = true,
     .help = "@number, label, serial or pkcs11: URI; without it, the only token there is"},
};

static bool login(const struct op_args *a, struct op_ctx *ctx, struct inventory *inv,
                  struct token *t, struct error *e)
{
    CK_FLAGS before = t->slot.token.flags;
    struct gate_person person = op_person(ctx);
    struct pin_source *source;
    struct gate_request request;
    struct gate_session *session;
    struct wire_slot after = {0};
    struct host *host;
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
    read = host_token(gate_host(session), gate_slot(session), ctx->cancel, &after, e);
    if (read)
        op_emit(ctx, "counter",
                json_pack("{s:s, s:s, s:s, s:s}", "token", t->label, "before",
                          gate_counter_text(before, false), "after",
                          gate_counter_text(after.token.flags, false), "known-by",
                          "flags of the token"));
    wire_slot_free(&after);
    gate_close(&session);
    return read;
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct inventory inv;
    struct token *t;
    bool done;

    if (!op_inventory(a, ctx, &inv, e))
        return false;
    t = op_token(a, "TOKEN", &inv, e);
    done = t != NULL && login(a, ctx, &inv, t, e);
    inventory_free(&inv);
    return done;
}

static void text(const char *kind, const json_t *record, unsigned width, bool colour,
                 struct buffer *out)
{
    (void)kind, (void)width, (void)colour;
    buffer_printf(out, "Logged in to '%s'. PIN before: %s; now: %s. Builds may go on.\n",
                  op_string(record, "token"), op_string(record, "before"),
                  op_string(record, "after"));
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
