/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/engine/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "op/text.h"
#include "profiles/engine/batch.h"

static json_t *error_record(const struct error *e)
{
    return json_pack("{s:s, s:s}", "code", error_code_name(e->code), "text", e->text);
}

/* Something stands at the output that is as it shall be. */
static bool is_there(enum engine_state state)
{
    return state == ENGINE_SIGNED || state == ENGINE_KEPT || state == ENGINE_TIMESTAMPED;
}

static void add_output(json_t *record, const struct plan *plan, const struct engine_result *r)
{
    const struct plan_item *item = &plan->item[r->index];

    if (is_there(r->state)) {
        json_object_set_new(record, "output", batch_name(item->output));
        json_object_set_new(record, "in-place", json_boolean(item->in_place));
    }
    if (r->state == ENGINE_SAME)
        json_object_set_new(record, "same-as", batch_name(plan->item[item->same_as].file));
}

static void add_timestamp(json_t *record, const struct engine_result *r)
{
    char when[CLOCK_TEXT_SIZE];

    if (r->stamps > 0 && is_there(r->state))
        json_object_set_new(record, "timestamp",
                            json_pack("{s:s, s:s, s:I}", "time", clock_text(r->stamp.time, when),
                                      "server", r->stamp.server, "count", (json_int_t)r->stamps));
    if (r->unstamped.code != ERROR_NONE && is_there(r->state))
        json_object_set_new(record, "no-timestamp", error_record(&r->unstamped));
}

static void add_figures(json_t *record, const struct engine_result *r)
{
    if (r->digest_length > 0) {
        char *hex = text_hex(r->digest, r->digest_length);

        json_object_set_new(record, "digest", hex == NULL ? json_null() : json_string(hex));
        free(hex);
    }
    if (r->state != ENGINE_NOT_TRIED && r->state != ENGINE_SAME) {
        json_object_set_new(record, "bytes", json_integer((json_int_t)r->bytes));
        json_object_set_new(record, "ms", json_integer(r->ms));
        json_object_set_new(record, "token-busy-ms", json_integer(r->busy_ms));
    }
}

void report_file(struct report *report, const struct engine_result *r)
{
    const char *file = report->plan->item[r->index].file;
    json_t *record =
        json_pack("{s:o, s:s}", "file", batch_name(file), "status", engine_state_name(r->state));

    add_output(record, report->plan, r);
    if (r->signer != NULL)
        json_object_set_new(record, "signer", json_string(r->signer));
    if (report->stamps_alone && r->state == ENGINE_KEPT && r->unstamped.code == ERROR_NONE)
        json_object_set_new(record, "why", json_string("it has its timestamps"));
    add_timestamp(record, r);
    add_figures(record, r);
    if (r->state == ENGINE_FAILED)
        json_object_set_new(record, "error", error_record(&r->error));
    op_emit(report->ctx, "file", record);
    op_progress(report->ctx, ++report->done, report->plan->count, file);
}

void report_summary(const struct report *r, const struct engine_totals *t, int64_t ms)
{
    size_t made = t->count[ENGINE_SIGNED] + t->count[ENGINE_TIMESTAMPED];
    json_t *record = json_object();

    json_object_set_new(record, "files", json_integer((json_int_t)r->plan->count));
    for (int i = 0; i < ENGINE_STATE_COUNT; i++)
        if (t->count[i] > 0 || i == ENGINE_SIGNED || i == ENGINE_FAILED)
            json_object_set_new(record, engine_state_name((enum engine_state)i),
                                json_integer((json_int_t)t->count[i]));
    if (t->stamps > 0)
        json_object_set_new(record, "timestamps", json_integer((json_int_t)t->stamps));
    if (t->unstamped > 0)
        json_object_set_new(record, "without-timestamp", json_integer((json_int_t)t->unstamped));
    json_object_set_new(record, "bytes", json_integer((json_int_t)t->bytes));
    json_object_set_new(record, "ms", json_integer(ms));
    /* With one digit after the point. */
    if (made > 0)
        json_object_set_new(record, "per-second",
                            json_real((double)(made * 10000 / (uint64_t)(ms > 0 ? ms : 1)) / 10));
    op_emit(r->ctx, "summary", json_pack("{s:o}", "summary", record));
}

static void text_summary(const json_t *s, struct buffer *out)
{
    static const char *const order[] = {"signed", "timestamped", "kept",       "same",
                                        "failed", "not-tried",   "would-sign", "would-timestamp"};
    double seconds = (double)op_number(s, "ms", 0) / 1000;
    json_int_t without = op_number(s, "without-timestamp", 0),
               stamps = op_number(s, "timestamps", 0);
    bool first = true;

    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        json_int_t n = op_number(s, order[i], 0);

        if (n == 0)
            continue;
        buffer_printf(out, "%s%lld %s", first ? "" : ", ", (long long)n, order[i]);
        first = false;
    }
    if (stamps > 0)
        buffer_printf(out, ", %lld timestamp%s", (long long)stamps, stamps == 1 ? "" : "s");
    if (without > 0)
        buffer_printf(out, ", %lld file%s without a timestamp", (long long)without,
                      without == 1 ? "" : "s");
    buffer_printf(out, "%s in %.1f s", first ? "nothing done" : "", seconds);
    if (op_number(s, "signed", 0) + op_number(s, "timestamped", 0) > 1)
        buffer_printf(out, " (%.0f a second)", json_number_value(json_object_get(s, "per-second")));
    buffer_append_byte(out, '\n');
}

static void append_other(struct buffer *out, const char *how, const char *file)
{
    buffer_append_text(out, how);
    batch_show(out, file);
}

static void text_file(const json_t *r, struct buffer *out)
{
    const json_t *none = json_object_get(r, "no-timestamp");
    const char *status = op_string(r, "status");

    buffer_printf(out, "%-11s ", status);
    batch_show(out, op_string(r, "file"));
    if (op_string(r, "why")[0] != '\0')
        buffer_printf(out, " (%s)", op_string(r, "why"));
    else if (strcmp(status, "kept") == 0)
        buffer_printf(out, " (signed by %s)", op_string(r, "signer"));
    else if (json_object_get(r, "error") != NULL)
        batch_show_error(out, r);
    else if (strcmp(status, "same") == 0)
        append_other(out, " as ", op_string(r, "same-as"));
    if (op_string(r, "output")[0] != '\0' && !op_true(r, "in-place"))
        append_other(out, " -> ", op_string(r, "output"));
    if (none != NULL)
        buffer_printf(out, ", without a timestamp: %s", op_string(none, "text"));
    buffer_append_byte(out, '\n');
}

void report_text(const char *kind, const json_t *record, unsigned width, bool colour,
                 struct buffer *out)
{
    (void)width, (void)colour;
    if (strcmp(kind, "summary") == 0)
        text_summary(json_object_get(record, "summary"), out);
    /* op_now tells of a touch. */
    else if (strcmp(kind, "touch") != 0)
        text_file(record, out);
}
