/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/engine/tally.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "op/text.h"
#include "profiles/engine/batch.h"
#include "profiles/engine/each.h"

static const char *state_name(const struct tally *t, enum tally_state state)
{
    static const char *const names[] = {"", "kept", "same", "failed", "not-tried"};

    return state == TALLY_DONE ? t->done : names[state];
}

void tally_begin(struct tally *t, struct op_ctx *ctx, const char *done, size_t files)
{
    *t = (struct tally){.ctx = ctx, .done = done, .files = files, .started = clock_ms()};
    pthread_mutex_init(&t->mutex, NULL);
    pthread_cond_init(&t->passed, NULL);
}

static size_t told(const struct tally *t)
{
    size_t count = 0;

    for (int i = 0; i < TALLY_COUNT; i++)
        count += t->count[i];
    return count;
}

static json_t *file_record(const struct tally *t, const char *file, enum tally_state state,
                           uint64_t bytes, const struct error *e)
{
    json_t *record =
        json_pack("{s:o, s:s}", "file", batch_name(file), "status", state_name(t, state));

    if (state == TALLY_DONE || state == TALLY_KEPT)
        json_object_set_new(record, "bytes", json_integer((json_int_t)bytes));
    if (state == TALLY_FAILED)
        json_object_set_new(
            record, "error",
            json_pack("{s:s, s:s}", "code", error_code_name(e->code), "text", e->text));
    return record;
}

void tally_file(struct tally *t, const char *file, enum tally_state state, uint64_t bytes,
                json_t *more, const struct error *e)
{
    json_t *record = file_record(t, file, state, bytes, e);

    if (more != NULL)
        json_object_update(record, more);
    json_decref(more);
    pthread_mutex_lock(&t->mutex);
    t->count[state]++;
    t->bytes += bytes;
    if (t->silent && state == TALLY_FAILED)
        op_tell(t->ctx, "%s", e->text);
    if (!t->silent)
        op_emit(t->ctx, "file", json_incref(record));
    op_progress(t->ctx, told(t), t->files, file);
    pthread_mutex_unlock(&t->mutex);
    json_decref(record);
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

/* A plan while it is worked on. */
struct work {
    struct tally *tally;
    const struct plan *plan;
    bool (*is_same)(const struct plan *plan, size_t index);
    bool (*one)(void *data, size_t index);
    void *data;
    bool *passed; /* no thread works on this file any more */
    bool *tried;
};

static void pass_turn(struct work *w, size_t index)
{
    struct tally *t = w->tally;

    pthread_mutex_lock(&t->mutex);
    w->passed[index] = true;
    while (t->turn < w->plan->count && w->passed[t->turn])
        t->turn++;
    pthread_cond_broadcast(&t->passed);
    pthread_mutex_unlock(&t->mutex);
}

static void work_on(void *data, size_t index)
{
    struct work *w = data;
    const struct plan_item *item = &w->plan->item[index];

    w->tried[index] = true;
    if (w->is_same(w->plan, index))
        tally_file(w->tally, item->file, TALLY_SAME, 0,
                   json_pack("{s:o}", "same-as", batch_name(w->plan->item[item->same_as].file)),
                   NULL);
    else
        w->tried[index] = w->one(w->data, index);
    pass_turn(w, index);
}

void tally_wait(struct tally *t, size_t index)
{
    pthread_mutex_lock(&t->mutex);
    while (t->turn < index)
        pthread_cond_wait(&t->passed, &t->mutex);
    pthread_mutex_unlock(&t->mutex);
}

bool tally_plan(struct tally *t, const struct plan *plan,
                bool (*is_same)(const struct plan *plan, size_t index),
                bool (*one)(void *data, size_t index), void *data, struct error *e)
{
    struct work w = {t, plan, is_same, one, data, NULL, NULL};
    bool good;

    w.passed = calloc(plan->count + 1, sizeof *w.passed);
    w.tried = calloc(plan->count + 1, sizeof *w.tried);
    good = (w.passed != NULL && w.tried != NULL) || error_set_memory(e);
    if (good)
        each_run(&(struct each){plan->count, work_on, &w, t->ctx->cancel});
    for (size_t i = 0; good && i < plan->count; i++)
        if (!w.tried[i])
            tally_file(t, plan->item[i].file, TALLY_NOT_TRIED, 0, NULL, NULL);
    free(w.passed);
    free(w.tried);
    return good;
}

bool tally_end(struct tally *t, struct error *e)
{
    pthread_mutex_destroy(&t->mutex);
    pthread_cond_destroy(&t->passed);
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
