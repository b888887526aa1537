/* SPDX-License-Identifier: Apache-2.0 */
/* signet-batch sign: a profile over many files. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/text.h"
#include "op/text.h"
#include "profiles/engine/batch.h"
#include "profiles/engine/digests.h"
#include "profiles/engine/engine.h"
#include "profiles/ops.h"

static const char *const digests[] = {"sha256", "sha384", "sha512", NULL};
static const char *const existings[] = {"keep", "replace", "append", NULL};

static const struct op_arg args[] = {
    {.name = "PROFILE",
     .type = OP_PROFILE,
     .positional = true,
     .help = "the profile; left out with --key"},
    {.name = "FILE",
     .type = OP_PATH,
     .positional = true,
     .repeatable = true,
     .help = "a file, @LIST for a file with a path a line, '-' for JSON jobs on standard input; "
             "without any, what files: of the profile matches"},
    {.name = "output",
     .letter = 'o',
     .type = OP_PATH,
     .value = "DIR",
     .help =
         "write signed files into this folder instead of in place; with --digests, the file for "
         "the signatures"},
    {.name = "digests",
     .type = OP_PATH,
     .value = "FILE",
     .help = "sign what digest wrote where the files are, instead of files"},
    {.name = "existing",
     .type = OP_CHOICE,
     .value = "WHAT",
     .choices = existings,
     .help = "what happens to files that are signed already"},
    {.name = "page-hashes",
     .type = OP_FLAG,
     .help = "add the SHA-256 of each page to the signatures of Windows programs"},
    {.name = "dry-run",
     .type = OP_FLAG,
     .help = "say what would be done; no login, nothing written"},
    {.name = "key",
     .type = OP_OBJECT,
     .value = "URI",
     .help = "sign with this key, without a profile"},
    {.name = "certificate",
     .type = OP_TEXT,
     .value = "CERT",
     .help = "sha256: and fingerprint of a certificate on the token, or a file"},
    {.name = "chain",
     .type = OP_PATH,
     .value = "FILE",
     .repeatable = true,
     .help = "file with intermediate certificates"},
    {.name = "digest",
     .type = OP_CHOICE,
     .value = "HASH",
     .choices = digests,
     .help = "digest to use"},
    {.name = "description", .type = OP_TEXT, .value = "TEXT", .help = "what is signed, in words"},
    {.name = "url", .type = OP_TEXT, .value = "URL", .help = "where more is to be found"},
    {.name = "sessions",
     .type = OP_INTEGER,
     .value = "N",
     .minimum = 1,
     .maximum = 64,
     .help = "sessions that sign side by side"},
    {.name = "wait",
     .type = OP_TEXT,
     .value = "TIME",
     .help = "how long to queue for the token, as in 10m"},
};

/* One run, for the engine's callbacks. */
struct batch {
    struct op_ctx *ctx;
    const struct profile *profile;
    const char *pin; /* --pin */
    struct plan plan;
    struct digests *digests; /* of --digests; NULL: the files are here */
    struct ready ready;
    struct gate_person person;
    struct gate_session *session;
    struct error untouched; /* nobody is here to touch the key: it cannot sign */
    size_t done;
};

static const struct signer *login(void *data, unsigned *lanes, struct error *e)
{
    struct batch *b = data;

    if (b->untouched.code != ERROR_NONE) {
        if (e != NULL)
            *e = b->untouched;
        return NULL;
    }
    return batch_open(&b->ready, b->profile, b->ctx, &b->person, &b->session, lanes, e);
}

static void touch(void *data, size_t index, size_t number, size_t most)
{
    struct batch *b = data;
    const char *file = b->plan.item[index].file;

    op_emit(b->ctx, "touch",
            json_pack("{s:{s:I, s:I, s:o}}", "touch", "number", (json_int_t)number, "of",
                      (json_int_t)most, "file", batch_name(file)));
    op_now(b->ctx, "touch now, %zu of %zu: %s", number, most, file);
}

static void touched(void *data)
{
    struct batch *b = data;

    op_now(b->ctx, "%s", "");
}

static struct sign_job *begin(void *data, size_t index, const struct sign_spec *spec,
                              struct error *e)
{
    struct batch *b = data;

    return digests_begin(b->digests, index, spec, e);
}

static bool put(void *data, size_t index, const struct sign_job *job, struct error *e)
{
    struct batch *b = data;

    return digests_put(b->digests, index, job, e);
}

static void result(void *data, const struct engine_result *r)
{
    struct batch *b = data;
    const struct plan_item *item = &b->plan.item[r->index];
    json_t *record = json_pack("{s:o, s:s}", "file", batch_name(item->file), "status",
                               engine_state_name(r->state));

    if (r->state == ENGINE_SIGNED || r->state == ENGINE_KEPT) {
        json_object_set_new(record, "output", batch_name(item->output));
        json_object_set_new(record, "in-place", json_boolean(item->in_place));
    }
    if (r->state == ENGINE_SAME)
        json_object_set_new(record, "same-as", batch_name(b->plan.item[item->same_as].file));
    if (r->signer != NULL)
        json_object_set_new(record, "signer", json_string(r->signer));
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
    if (r->state == ENGINE_FAILED)
        json_object_set_new(
            record, "error",
            json_pack("{s:s, s:s}", "code", error_code_name(r->error.code), "text", r->error.text));
    op_emit(b->ctx, "file", record);
    op_progress(b->ctx, ++b->done, b->plan.count, item->file);
}

static void summary(struct batch *b, const struct engine_totals *t, int64_t ms)
{
    json_t *record = json_object();

    json_object_set_new(record, "files", json_integer((json_int_t)b->plan.count));
    for (int i = 0; i < ENGINE_STATE_COUNT; i++)
        if (t->count[i] > 0 || i == ENGINE_SIGNED || i == ENGINE_FAILED)
            json_object_set_new(record, engine_state_name((enum engine_state)i),
                                json_integer((json_int_t)t->count[i]));
    json_object_set_new(record, "bytes", json_integer((json_int_t)t->bytes));
    json_object_set_new(record, "ms", json_integer(ms));
    /* With one digit after the point. */
    if (t->count[ENGINE_SIGNED] > 0)
        json_object_set_new(
            record, "per-second",
            json_real((double)(t->count[ENGINE_SIGNED] * 10000 / (uint64_t)(ms > 0 ? ms : 1)) /
                      10));
    op_emit(b->ctx, "summary", json_pack("{s:o}", "summary", record));
}

/* Of what stops the run, the first is that a touch is wanted where nobody is. */
static bool is_untouched(const struct ready *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->finding[i].level == READY_ERROR)
            return strcmp(r->finding[i].subject, "touch") == 0;
    return false;
}

/* What stands before signing, without a try; a dry run needs no token that would let us in. */
static bool prepare(struct batch *b, bool dry_run, struct error *e)
{
    struct error local = ERROR_INIT;

    b->person = op_person(b->ctx);
    /* A host that rests keeps its hand on the card. */
    if (b->ctx->pool != NULL)
        op_hosts_drop(b->ctx->pool, NULL);
    /* Asking is for a terminal. */
    if (!b->ctx->terminal)
        b->person.secret = NULL;
    if (ready_prepare(&b->ready, b->profile, b->pin, b->ctx->terminal, b->ctx->cancel, &local))
        return true;
    /* Nothing to sign needs no login: PIN, tries and touch are judged when the first digest waits.
     */
    if ((local.code == ERROR_FORBIDDEN || (dry_run && local.code == ERROR_PIN_SOURCE)) &&
        b->ready.spec.leaf != NULL)
        return true;
    if (is_untouched(&b->ready)) {
        b->untouched = local;
        return true;
    }
    if (e != NULL)
        *e = local;
    return false;
}

static bool run_plan(struct batch *b, bool dry_run, struct error *e)
{
    struct engine engine = {
        .plan = &b->plan,
        .spec = &b->ready.spec,
        .lanes = (unsigned)b->profile->sessions,
        .dry_run = dry_run,
        .begin = b->digests == NULL ? NULL : begin,
        .put = b->digests == NULL ? NULL : put,
        .login = login,
        .touch = b->ready.touch == READY_TOUCH_NONE ? NULL : touch,
        .touched = touched,
        .touch_lasts = b->ready.touch == READY_TOUCH_CACHED ? READY_TOUCH_LASTS : 0,
        .result = result,
        .data = b,
        .cancel = b->ctx->cancel,
    };
    struct engine_totals totals;
    int64_t started = clock_ms();
    bool done;

    done = engine_run(&engine, &totals, e);
    summary(b, &totals, clock_ms() - started);
    /* What was signed before something stopped the run is there, too. */
    if (b->digests != NULL && !dry_run && !digests_commit(b->digests, done ? e : NULL))
        return false;
    return done;
}

/* Of what is not written in place: a job may name a folder of its own. */
static bool make_folders(const struct plan *plan, struct error *e)
{
    char *last = NULL;
    bool made = true;

    for (size_t i = 0; i < plan->count && made; i++) {
        char *folder;

        if (plan->item[i].in_place)
            continue;
        folder = path_parent(plan->item[i].output, e);
        made = folder != NULL &&
               ((last != NULL && strcmp(folder, last) == 0) || path_make_folders(folder, 0777, e));
        free(last);
        last = folder;
    }
    free(last);
    return made;
}

static bool plan_digests(struct batch *b, const struct op_args *a, struct error *e)
{
    if (op_count(a, "FILE") > 0 || (op_given(a, "key") && op_given(a, "PROFILE")))
        return error_set(e, ERROR_USAGE,
                         "sign: either files, or --digests with what digest wrote of them");
    if (!op_given(a, "output"))
        return error_set(e, ERROR_USAGE, "sign: --digests needs --output FILE for the signatures");
    b->digests = digests_open(op_text(a, "digests"), op_text(a, "output"), b->profile, e);
    return b->digests != NULL && digests_plan(b->digests, &b->plan, e);
}

/* With --key there is no profile, and the first word names a file too. */
static bool make_plan(struct batch *b, const struct op_args *a, struct error *e)
{
    size_t given = op_count(a, "FILE"), count = 0;
    const char **names;
    bool made;

    if (op_given(a, "digests"))
        return plan_digests(b, a, e);
    names = calloc(given + 1, sizeof *names);
    if (names == NULL)
        return error_set_memory(e);
    if (op_given(a, "key") && op_given(a, "PROFILE"))
        names[count++] = op_text(a, "PROFILE");
    for (size_t i = 0; i < given; i++)
        names[count++] = op_text_at(a, "FILE", i);
    made = plan_make(&b->plan, names, count, &b->profile->files, b->profile->output_directory, e);
    free(names);
    return made;
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct batch b = {.ctx = ctx, .pin = op_text(a, "pin")};
    bool without = op_given(a, "key"), dry_run = op_flag(a, "dry-run"), done = false;
    struct profile *p;

    if (!without && !op_given(a, "PROFILE"))
        return error_set(e, ERROR_USAGE, "sign: which profile? signet profile list shows them");
    p = batch_profile(a, without ? NULL : op_text(a, "PROFILE"), e);
    if (p == NULL)
        return false;
    b.profile = p;
    if (make_plan(&b, a, e) && prepare(&b, dry_run, e) && (dry_run || make_folders(&b.plan, e)))
        done = run_plan(&b, dry_run, e);
    gate_close(&b.session);
    ready_free(&b.ready);
    digests_close(&b.digests);
    plan_free(&b.plan);
    profile_free(&p);
    return done;
}

static void text_summary(const json_t *s, struct buffer *out)
{
    static const char *const order[] = {"signed", "kept",      "same",
                                        "failed", "not-tried", "would-sign"};
    double seconds = (double)op_number(s, "ms", 0) / 1000;
    bool first = true;

    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        json_int_t n = op_number(s, order[i], 0);

        if (n == 0)
            continue;
        buffer_printf(out, "%s%lld %s", first ? "" : ", ", (long long)n, order[i]);
        first = false;
    }
    buffer_printf(out, "%s in %.1f s", first ? "nothing done" : "", seconds);
    if (op_number(s, "signed", 0) > 1)
        buffer_printf(out, " (%.0f a second)", json_number_value(json_object_get(s, "per-second")));
    buffer_append_byte(out, '\n');
}

static void append_other(struct buffer *out, const char *how, const char *file)
{
    buffer_append_text(out, how);
    batch_show(out, file);
}

static void text(const char *kind, const json_t *r, unsigned width, bool colour, struct buffer *out)
{
    const json_t *error = json_object_get(r, "error");
    const char *status;

    (void)width, (void)colour;
    if (strcmp(kind, "summary") == 0) {
        text_summary(json_object_get(r, "summary"), out);
        return;
    }
    /* op_now tells it. */
    if (strcmp(kind, "touch") == 0)
        return;
    status = op_string(r, "status");
    buffer_printf(out, "%-10s ", status);
    batch_show(out, op_string(r, "file"));
    if (strcmp(status, "kept") == 0)
        buffer_printf(out, " (signed by %s)", op_string(r, "signer"));
    else if (error != NULL)
        buffer_printf(out, ": %s", op_string(error, "text"));
    else if (strcmp(status, "same") == 0)
        append_other(out, " as ", op_string(r, "same-as"));
    if (op_string(r, "output")[0] != '\0' && !op_true(r, "in-place"))
        append_other(out, " -> ", op_string(r, "output"));
    buffer_append_byte(out, '\n');
}

const struct op op_batch_sign = {
    .verb = "sign",
    .group = "Sign",
    .summary = "sign files with a profile, in one login",
    .description =
        "Each file is replaced in one step when its signature has been checked; until "
        "then it stays as it was. "
        "Files that carry a valid signature are kept, and so is what stands signed in "
        "the output folder, so that the same command again goes on where a stopped one "
        "ended. One bad file does not stop the others. A refused PIN stops "
        "everything, at once. A key that wants a touch signs one file at a time, and says "
        "before each that it waits; with no terminal, where nobody can touch it, "
        "nothing is signed.",
    .example = "signet-batch sign release dist/*.exe\n"
               "signet-batch sign release -o signed @files.txt --json\n"
               "signet-batch sign --key 'pkcs11:token=release;id=%01' --pin env:PIN app.exe",
    .program = OP_BATCH,
    .effects = OP_WRITES | OP_LOGS_IN | OP_STREAMS,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
