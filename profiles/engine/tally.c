/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/engine/tally.h"

#include <string.h>

#include "base/clock.h"
#include "op/text.h"
#include "profiles/engine/batch.h"

static const char *state_name(const struct tally *t, enum tally_state state)
{
    static const char *const names[] = {"", "kept", "same", "failed", "not-tried"};

    return state == TALLY_DONE ? t->done : names[state];
}

void tally_begin(struct tally *t, struct op_ctx *ctx, const char *done, size_t files)
{
    *t = (struct tally){.ctx = ctx, .done = done, .files = files, .started = clock_ms()};
}

static size_t told(const struct tally *t)
{
    size_t count = 0;

    for (int i = 0; i < TALLY_COUNT; i++)
        count += t->count[i];
    return count;
}

void tally_file(struct tally *t, const char *file, enum tally_state state, uint64_t bytes,
                json_t *more, const struct error *e)
{
    json_t *record =
        json_pack("{s:o, s:s}", "file", batch_name(file), "status", state_name(t, state));

    t->count[state]++;
    t->bytes += bytes;
    if (state == TALLY_DONE || state == TALLY_KEPT)
        json_object_set_new(record, "bytes", json_integer((json_int_t)bytes));
    if (more != NULL)
        json_object_update(record, more);
    json_decref(more);
    if (state == TALLY_FAILED)
        json_object_set_new(
            record, "error",
            json_pack("{s:s, s:s}", "code", error_code_name(e->code), "text", e->text));
    if (t->silent && state == TALLY_FAILED)
        op_tell(t->ctx, "%s", e->text);
    if (t->silent)
        json_decref(record);
    else
        op_emit(t->ctx, "file", record);
    op_progress(t->ctx, told(t), t->files, file);
}

static void summary(const struct tally *t)
{
    json_t *record = json_pack("{s:I}", "files", (json_int_t)t->files);

    for (int i = 0; i < TALLY_COUNT; i++)
        if (t->count[i] > 0 || i == TALLY_DONE || i == TALLY_FAILED)
            json_object_set_new(record, state_name(t, (enum tally_state)i),
                                json_integer((json_int_t)t->count[i]));
    json_object_set_new(record, "bytes", json_integer((json_int_t)t->bytes));
    json_object_set_new(record, "ms", json_integer(clock_ms() - t->started));
    op_emit(t->ctx, "summary", json_pack("{s:o}", "summary", record));
}

void tally_plan(struct tally *t, const struct plan *plan,
                bool (*is_same)(const struct plan *plan, size_t index),
                void (*one)(void *data, size_t index), void *data)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_item *item = &plan->item[i];
        size_t before = told(t);

        if (cancel_requested(t->ctx->cancel))
            ;
        else if (is_same(plan, i))
            tally_file(t, item->file, TALLY_SAME, 0,
                       json_pack("{s:o}", "same-as", batch_name(plan->item[item->same_as].file)),
                       NULL);
        else
            one(data, i);
        if (told(t) == before)
            tally_file(t, item->file, TALLY_NOT_TRIED, 0, NULL, NULL);
    }
}

bool tally_end(struct tally *t, struct error *e)
{
    if (!t->silent)
        summary(t);
    if (t->count[TALLY_NOT_TRIED] > 0)
        return error_set(
            e, ERROR_CANCELLED,
            "stopped by a signal; %zu files were not tried, the same command goes on with them",
            t->count[TALLY_NOT_TRIED]);
    return t->count[TALLY_FAILED] == 0 || error_set(e, ERROR_SOME_FAILED, "%zu of %zu files failed",
                                                    t->count[TALLY_FAILED], t->files);
}

static void text_summary(const json_t *s, struct buffer *out)
{
    bool first = true;
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)s, key, value)
    {
        if (strcmp(key, "files") == 0 || strcmp(key, "bytes") == 0 || strcmp(key, "ms") == 0 ||
            json_integer_value(value) == 0)
            continue;
        buffer_printf(out, "%s%lld %s", first ? "" : ", ", (long long)json_integer_value(value),
                      key);
        first = false;
    }
    buffer_printf(out, "%s in %.1f s\n", first ? "nothing done" : "",
                  (double)op_number(s, "ms", 0) / 1000);
}

void tally_text(const char *kind, const json_t *record, unsigned width, bool colour,
                struct buffer *out)
{
    (void)width, (void)colour;
    if (strcmp(kind, "summary") == 0) {
        text_summary(json_object_get(record, "summary"), out);
        return;
    }
    buffer_printf(out, "%-10s ", op_string(record, "status"));
    batch_show(out, op_string(record, "file"));
    if (json_object_get(record, "error") != NULL)
        batch_show_error(out, record);
    if (*op_string(record, "same-as") != '\0') {
        buffer_append_text(out, " as ");
        batch_show(out, op_string(record, "same-as"));
    }
    if (*op_string(record, "why") != '\0') {
        buffer_append_text(out, " (");
        batch_show(out, op_string(record, "why"));
        buffer_append_byte(out, ')');
    }
    if (*op_string(record, "output") != '\0' && !op_true(record, "in-place")) {
        buffer_append_text(out, " -> ");
        batch_show(out, op_string(record, "output"));
    }
    buffer_append_byte(out, '\n');
}
