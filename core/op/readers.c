/* SPDX-License-Identifier: Apache-2.0 */
/* signet readers: the readers of PC/SC and what is in them, now or as it changes. */
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "op/ops.h"
#include "op/record.h"
#include "op/text.h"
#include "token/card.h"

/* pcscd may be started at any time; asking whether it is there is a connect(2). */
enum { RETRY_MS = 1000, PAUSE_MS = 50 };

static const struct op_arg args[] = {
    {.name = "watch", .type = OP_FLAG, .help = "go on, and tell each change until it is stopped"},
};

static const char *state_word(const struct wire_reader_state *r)
{
    return !r->present    ? "empty"
           : r->mute      ? "mute"
           : r->exclusive ? "exclusive"
           : r->in_use    ? "in-use"
                          : "card";
}

static json_t *reader_record(const struct wire_reader_state *r)
{
    json_t *record = json_pack("{s:o, s:s, s:b}", "reader",
                               record_take(text_printable(r->name, strlen(r->name))), "state",
                               state_word(r), "card", r->present);

    json_object_set_new(record, "atr",
                        r->atr_length > 0 ? record_take(text_hex(r->atr, r->atr_length))
                                          : json_null());
    return record;
}

static json_t *readers_record(const struct wire_readers *all)
{
    json_t *list = json_array();

    for (size_t i = 0; i < all->count; i++)
        json_array_append_new(list, reader_record(&all->reader[i]));
    return json_pack("{s:o}", "readers", list);
}

/* The same again is not told again. Takes `now` over. */
static void emit_changed(struct op_ctx *ctx, json_t **last, json_t *now)
{
    if (!json_equal(*last, now))
        op_emit(ctx, "readers", json_incref(now));
    json_decref(*last);
    *last = now;
}

static void rest(struct op_ctx *ctx)
{
    int64_t end = clock_ms() + RETRY_MS;

    while (clock_ms() < end && !cancel_requested(ctx->cancel))
        clock_sleep_ms(PAUSE_MS);
}

/* One look, or the next one once something differs. */
static bool look(struct host **h, struct wire_readers *known, bool first, struct op_ctx *ctx,
                 struct error *e)
{
    struct wire_readers fresh = {0};
    bool read;

    if (*h == NULL && (*h = card_host_start(ctx->cancel, e)) == NULL)
        return false;
    read = first ? card_readers(*h, ctx->cancel, &fresh, e)
                 : card_readers_wait(*h, known, ctx->cancel, &fresh, e);
    if (!host_alive(*h))
        host_stop(h);
    if (!read)
        return false;
    wire_readers_free(known);
    *known = fresh;
    return true;
}

/* Ends by the wish to. pcscd that is away, for now, is a state like another. */
static bool watch(struct op_ctx *ctx, struct error *e)
{
    struct wire_readers known = {0};
    struct host *h = NULL;
    json_t *last = NULL;
    bool first = true;

    while (!cancel_requested(ctx->cancel)) {
        struct error why = ERROR_INIT;
        bool seen = look(&h, &known, first, ctx, &why);

        first = !seen;
        if (seen) {
            emit_changed(ctx, &last, readers_record(&known));
        } else if (!cancel_requested(ctx->cancel)) {
            emit_changed(ctx, &last, json_pack("{s:[], s:s}", "readers", "pcsc", why.text));
            rest(ctx);
        }
    }
    json_decref(last);
    wire_readers_free(&known);
    host_stop(&h);
    return error_set(e, ERROR_CANCELLED, "stopped");
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct wire_readers all = {0};
    struct host *h = NULL;
    bool seen;

    if (op_flag(a, "watch"))
        return watch(ctx, e);
    seen = look(&h, &all, true, ctx, e);
    if (seen)
        op_emit(ctx, "readers", readers_record(&all));
    wire_readers_free(&all);
    host_stop(&h);
    return seen;
}

static void text_reader(const json_t *r, struct buffer *out)
{
    const char *state = op_string(r, "state");

    buffer_printf(out, "%s\n", op_string(r, "reader"));
    op_line(out, "card",
            strcmp(state, "empty") == 0       ? "none"
            : strcmp(state, "mute") == 0      ? "does not answer; is it the right way round?"
            : strcmp(state, "exclusive") == 0 ? "another program uses it alone"
            : strcmp(state, "in-use") == 0    ? "a program uses it"
                                              : "here");
    op_field(out, r, "ATR", "atr");
}

static void text(const char *kind, const json_t *record, unsigned width, bool colour,
                 struct buffer *out)
{
    const json_t *list = json_object_get(record, "readers");
    size_t index;
    json_t *r;

    (void)kind, (void)width, (void)colour;
    json_array_foreach(list, index, r) text_reader(r, out);
    if (*op_string(record, "pcsc") != '\0')
        buffer_printf(out, "%s\n", op_string(record, "pcsc"));
    else if (json_array_size(list) == 0)
        buffer_append_text(out, "No reader is here.\n");
}

const struct op op_readers = {
    .verb = "readers",
    .group = "Look",
    .summary = "list the card readers, and whether a card is in them",
    .description = "Asks PC/SC, and sends nothing to a card: one that another program uses is not "
                   "disturbed. A token on USB is a reader with its card. With --watch, the list is "
                   "told again each time a reader or card comes or goes; pcscd may be stopped and "
                   "started meanwhile.",
    .example = "signet readers\nsignet readers --watch --json",
    .effects = OP_READS | OP_STREAMS,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
