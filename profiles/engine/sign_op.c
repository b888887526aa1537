/* SPDX-License-Identifier: Apache-2.0 */
/* signet-batch sign: a profile over many files. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "profiles/engine/batch.h"
#include "profiles/engine/digests.h"
#include "profiles/engine/due.h"
#include "profiles/engine/engine.h"
#include "profiles/engine/report.h"
#include "profiles/engine/stamper.h"
#include "profiles/engine/stamping.h"
#include "profiles/ops.h"

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
     .help = "sign the lines that digest wrote where the files are, instead of files"},
    {.name = "existing",
     .type = OP_CHOICE,
     .value = "WHAT",
     .choices = batch_existings,
     .help = "what happens to files that are signed already"},
    {.name = "page-hashes",
     .type = OP_FLAG,
     .help = "add the SHA-256 of each page to the signatures of Windows programs"},
    {.name = "msi-signature-ex",
     .type = OP_FLAG,
     .help = "add the stream MsiDigitalSignatureEx to MSI packages"},
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
     .choices = batch_digests,
     .help = "digest to use"},
    {.name = "description", .type = OP_TEXT, .value = "TEXT", .help = "what is signed, in words"},
    {.name = "url", .type = OP_TEXT, .value = "URL", .help = "where more is to be found"},
    {.name = "timestamp",
     .type = OP_TEXT,
     .value = "URL",
     .repeatable = true,
     .help = "ask these timestamp servers (RFC 3161), in order, instead of the profile's"},
    {.name = "tsa-ca",
     .type = OP_PATH,
     .value = "FILE",
     .repeatable = true,
     .help = "the roots that the servers' certificates must lead to, instead of the profile's"},
    {.name = "no-timestamp",
     .type = OP_FLAG,
     .help = "ask for no timestamps; signet-batch timestamp can add them later"},
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
    struct error untouched;  /* nobody is here to touch the key: it cannot sign */
    struct stamper *stamper; /* NULL: no timestamps are wanted */
    struct report report;
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
                              enum sign_made *made, struct error *e)
{
    struct batch *b = data;

    return digests_begin(b->digests, index, spec, made, e);
}

static bool put(void *data, size_t index, const struct sign_job *job, struct error *e)
{
    struct batch *b = data;

    return digests_put(b->digests, index, job, e);
}

static bool stamp(void *data, const uint8_t *signature, size_t length, struct buffer *token,
                  struct engine_stamp *given, struct error *e)
{
    struct batch *b = data;

    return stamper_get(b->stamper, signature, length, token, given, e);
}

static void result(void *data, const struct engine_result *r)
{
    struct batch *b = data;

    report_file(&b->report, r);
}

/* Of what stops the run, the first is that a touch is wanted where nobody is. */
static bool is_untouched(const struct ready *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->finding[i].level == READY_ERROR)
            return strcmp(r->finding[i].subject, "touch") == 0;
    return false;
}

/* Nothing to sign needs no login: PIN, tries and touch are judged when the first digest waits. Only
 * that the PIN is not to be had is said before, where one is sure to be needed. */
static bool may_wait(const struct batch *b, bool dry_run, const struct error *e)
{
    if (b->ready.spec.leaf == NULL)
        return false;
    if (e->code != ERROR_PIN_SOURCE || dry_run)
        return e->code == ERROR_PIN_SOURCE || e->code == ERROR_FORBIDDEN;
    return b->digests != NULL ? !digests_due(b->digests)
                              : !due_signature(&b->plan, b->ready.spec.existing, b->ctx->cancel);
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
    if (may_wait(b, dry_run, &local))
        return true;
    if (is_untouched(&b->ready)) {
        b->untouched = local;
        return true;
    }
    if (e != NULL)
        *e = local;
    return false;
}

static bool open_stamper(struct batch *b, struct error *e)
{
    if (!b->ready.spec.timestamp)
        return true;
    b->stamper = stamper_open(b->profile, b->ctx->cancel, e);
    return b->stamper != NULL;
}

/* What was signed before something stopped the run is there, too. */
static bool commit_digests(struct batch *b, bool done, struct error *e)
{
    struct error why = ERROR_INIT;

    if (digests_commit(b->digests, &why))
        return done;
    if (!done)
        op_tell(b->ctx, "%s", why.text);
    else if (e != NULL)
        *e = why;
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
        .stamp = stamp,
        .stamps = (unsigned)b->profile->timestamp_parallel,
        .stamp_required = stamping_required(b->profile),
        .touch_lasts = b->ready.touch == READY_TOUCH_CACHED ? READY_TOUCH_LASTS : 0,
        .result = result,
        .data = b,
        .cancel = b->ctx->cancel,
    };
    struct engine_totals totals;
    int64_t started = clock_ms();
    bool done;

    b->report = (struct report){.ctx = b->ctx, .plan = &b->plan};
    done = engine_run(&engine, &totals, e);
    report_summary(&b->report, &totals, clock_ms() - started);
    return b->digests == NULL || dry_run ? done : commit_digests(b, done, e);
}

static bool plan_digests(struct batch *b, const struct op_args *a, struct error *e)
{
    if (op_count(a, "FILE") > 0 || (op_given(a, "key") && op_given(a, "PROFILE")))
        return error_set(e, ERROR_USAGE,
                         "sign: either files, or --digests with what digest wrote of them");
    if (op_given(a, "existing"))
        return error_set(e, ERROR_USAGE,
                         "sign: --existing goes to digest and attach, where the files are");
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

static void clear(char **text)
{
    free(*text);
    *text = NULL;
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
    /* --output is a file then. */
    if (op_given(a, "digests"))
        clear(&p->output_directory);
    if (make_plan(&b, a, e) && prepare(&b, dry_run, e) && open_stamper(&b, e) &&
        (dry_run || plan_make_folders(&b.plan, e)))
        done = run_plan(&b, dry_run, e);
    stamper_close(&b.stamper);
    gate_close(&b.session);
    ready_free(&b.ready);
    digests_close(&b.digests);
    plan_free(&b.plan);
    profile_free(&p);
    return done;
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
        "ended; one of ours that lacks its timestamp gets only that. Where nothing is left to sign "
        "there is no login, and the PIN source need not be there; where a file carries no "
        "signature, a missing one is said before anything is hashed. "
        "Where timestamps are required, a file that gets none stays as it was, and when several in "
        "a row get none the run stops, so that the token signs nothing in vain. "
        "One bad file does not stop the others. A refused PIN stops "
        "everything, at once. A key that wants a touch signs one file at a time, and says "
        "before each that it waits; with no terminal, where nobody can touch it, "
        "nothing is signed.",
    .example = "signet-batch sign release dist/*.exe\n"
               "signet-batch sign release -o signed @files.txt --json\n"
               "signet-batch sign release --digests digests.json -o signatures.json\n"
               "signet-batch sign --key 'pkcs11:token=release;id=%01' --pin env:PIN app.exe",
    .program = OP_BATCH,
    .effects = OP_WRITES | OP_LOGS_IN | OP_STREAMS,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = report_text,
};
