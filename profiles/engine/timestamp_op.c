/* SPDX-License-Identifier: Apache-2.0 */
/* signet-batch timestamp: what signing left without, later, and without the token. */
#include <stdlib.h>

#include "base/clock.h"
#include "profiles/engine/batch.h"
#include "profiles/engine/report.h"
#include "profiles/engine/stamper.h"
#include "profiles/ops.h"

static const struct op_arg args[] = {
    {.name = "FILE",
     .type = OP_PATH,
     .positional = true,
     .repeatable = true,
     .help = "a signed file, @LIST for a file with a path a line, '-' for JSON jobs on standard "
             "input; without any, what sign writes with the profile"},
    {.name = "profile",
     .type = OP_PROFILE,
     .value = "NAME",
     .help = "take servers, and what else it says of timestamps, from this profile"},
    {.name = "server",
     .type = OP_TEXT,
     .value = "URL",
     .repeatable = true,
     .help = "ask these servers (RFC 3161), in order, instead of the profile's"},
    {.name = "tsa-ca",
     .type = OP_PATH,
     .value = "FILE",
     .repeatable = true,
     .help = "the roots that the servers' certificates must lead to, instead of the profile's"},
    {.name = "parallel",
     .type = OP_INTEGER,
     .value = "N",
     .minimum = 1,
     .maximum = 16,
     .help = "requests that are under way at once"},
    {.name = "output",
     .letter = 'o',
     .type = OP_PATH,
     .value = "DIR",
     .help = "write the files into this folder instead of in place"},
    {.name = "dry-run",
     .type = OP_FLAG,
     .help = "say what would be done; nothing asked, nothing written"},
};

/* One run, for the engine's callbacks. */
struct stamping {
    struct report report;
    struct stamper *stamper;
};

static bool stamp(void *data, const uint8_t *signature, size_t length, struct buffer *token,
                  struct engine_stamp *given, struct error *e)
{
    struct stamping *s = data;

    return stamper_get(s->stamper, signature, length, token, given, e);
}

static void result(void *data, const struct engine_result *r)
{
    struct stamping *s = data;

    report_file(&s->report, r);
}

/* What `sign` writes with the profile is what gets timestamps now. The profile is read once more,
 * without --output: where sign writes to is not where this does. */
static bool plan_outputs(struct plan *out, const char *name, const char *directory, struct error *e)
{
    struct profile *p = name == NULL ? profile_new(e) : profile_load(name, NULL, e);
    struct plan signing = {0};
    const char **names = NULL;
    bool made = p != NULL && plan_make(&signing, NULL, 0, &p->files, p->output_directory, e);

    if (made) {
        names = calloc(signing.count, sizeof *names);
        made = names != NULL || error_set_memory(e);
    }
    for (size_t i = 0; made && i < signing.count; i++)
        names[i] = signing.item[i].in_place ? signing.item[i].file : signing.item[i].output;
    made = made && plan_files(out, names, signing.count, directory, e);
    free(names);
    plan_free(&signing);
    profile_free(&p);
    return made;
}

static bool make_plan(struct plan *out, const struct op_args *a, const struct profile *p,
                      struct error *e)
{
    size_t count = op_count(a, "FILE");
    const char **names, *directory = op_text(a, "output");
    bool made;

    if (count == 0)
        return plan_outputs(out, op_text(a, "profile"), directory, e);
    names = calloc(count, sizeof *names);
    if (names == NULL)
        return error_set_memory(e);
    for (size_t i = 0; i < count; i++)
        names[i] = op_text_at(a, "FILE", i);
    made = plan_make(out, names, count, &p->files, directory, e);
    free(names);
    return made;
}

static bool run_plan(struct plan *plan, struct stamper *stamper, const struct profile *p,
                     bool dry_run, struct op_ctx *ctx, struct error *e)
{
    struct stamping s = {.report = {.ctx = ctx, .plan = plan, .stamps_alone = true},
                         .stamper = stamper};
    const struct sign_spec spec = {.timestamp = true, .stamp_only = true};
    const struct engine engine = {
        .plan = plan,
        .spec = &spec,
        .lanes = 1,
        .dry_run = dry_run,
        .stamp = stamp,
        .stamps = (unsigned)p->timestamp_parallel,
        .stamp_required = true,
        .result = result,
        .data = &s,
        .cancel = ctx->cancel,
    };
    struct engine_totals totals;
    int64_t started = clock_ms();
    bool done = engine_run(&engine, &totals, e);

    report_summary(&s.report, &totals, clock_ms() - started);
    return done;
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    bool dry_run = op_flag(a, "dry-run"), done = false;
    struct profile *p;
    struct plan plan;
    struct stamper *stamper;

    if (!op_given(a, "profile") && !op_given(a, "server"))
        return error_set(e, ERROR_USAGE,
                         "timestamp: by which server? name it with --server URL, or a profile that "
                         "has it with --profile NAME");
    p = batch_profile(a, op_text(a, "profile"), e);
    if (p == NULL)
        return false;
    if (make_plan(&plan, a, p, e)) {
        stamper = stamper_open(p, ctx->cancel, e);
        if (stamper != NULL && (dry_run || plan_make_folders(&plan, e)))
            done = run_plan(&plan, stamper, p, dry_run, ctx, e);
        stamper_close(&stamper);
        plan_free(&plan);
    }
    profile_free(&p);
    return done;
}

const struct op op_batch_timestamp = {
    .verb = "timestamp",
    .group = "Sign",
    .summary = "add the timestamps that signed files lack; needs no token and no PIN",
    .description =
        "Every signature in a file that has no timestamp gets one, whoever made it, nested ones "
        "too. Files whose signatures have theirs are kept. Each file is replaced in one step. "
        "A file that gets none stays as it was; when several in a row get none, the run stops. A "
        "timestamp proves that a signature was made before its certificate ended: add it before "
        "that day.",
    .example = "signet-batch timestamp --profile release\n"
               "signet-batch timestamp --server http://timestamp.example.com dist/*.exe",
    .program = OP_BATCH,
    .effects = OP_WRITES | OP_STREAMS,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = report_text,
};
