/* SPDX-License-Identifier: Apache-2.0 */
/* signet-batch digest: the first of two steps, on the machine that has the files. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "profiles/engine/batch.h"
#include "profiles/engine/rewrite.h"
#include "profiles/engine/steps.h"
#include "profiles/engine/tally.h"
#include "profiles/ops.h"
#include "sign/file_digest.h"

static const struct op_arg args[] = {
    {.name = "FILE",
     .type = OP_PATH,
     .positional = true,
     .repeatable = true,
     .help = "a file, @LIST for a file with a path a line, '-' for JSON jobs on standard input; "
             "without any, what files: of the profile matches"},
    {.name = "profile",
     .type = OP_PROFILE,
     .value = "NAME",
     .help = "digest as this profile signs: its digest, existing, page-hashes, msi-signature-ex "
             "and files"},
    {.name = "digest",
     .type = OP_CHOICE,
     .value = "HASH",
     .choices = batch_digests,
     .help = "digest to use; sha256 without a profile"},
    {.name = "existing",
     .type = OP_CHOICE,
     .value = "WHAT",
     .choices = batch_existings,
     .help = "what happens to files that are signed already; those that are kept get no line"},
    {.name = "page-hashes",
     .type = OP_FLAG,
     .help = "add the SHA-256 of each page of a Windows program"},
    {.name = "msi-signature-ex",
     .type = OP_FLAG,
     .help = "as for MSI packages that get the stream MsiDigitalSignatureEx"},
    {.name = "output",
     .letter = 'o',
     .type = OP_PATH,
     .value = "FILE",
     .help = "write the digests here; without it, to standard output"},
};

struct digesting {
    struct op_ctx *ctx;
    struct file_digest_options options;
    struct plan plan;
    struct steps_output *output; /* NULL: standard output */
    struct tally tally;
};

static bool put(struct digesting *d, size_t index, const struct step *s, struct error *e)
{
    json_t *record;

    if (d->output != NULL)
        return steps_add(d->output, index, s, e);
    record = step_record(STEP_DIGEST, s, e);
    if (record != NULL)
        op_emit(d->ctx, "line", record);
    return record != NULL;
}

/* JSON has no other names. */
static bool check_name(const char *file, struct error *e)
{
    size_t length = strlen(file);

    if (length > STEP_NAME_MAX)
        return error_set(e, ERROR_UNSUPPORTED, "'%s': its name is too long", file);
    return text_is_utf8(file, length) ||
           error_set(e, ERROR_UNSUPPORTED,
                     "'%s': its name is not UTF-8, and the digests are JSON; rename it", file);
}

static bool put_digest(struct digesting *d, size_t index, const struct file_digest *made,
                       struct error *e)
{
    bool is_pe = strcmp(made->format, "pe") == 0, is_msi = strcmp(made->format, "msi") == 0;
    struct step s = {
        .file = d->plan.item[index].file,
        .format = (char *)made->format,
        .hash = d->options.hash,
        .digest_length = made->length,
        .existing = d->options.existing,
        .page_hashes = d->options.page_hashes && is_pe,
        .signature_ex = d->options.signature_ex && is_msi,
        .der = made->content,
    };

    memcpy(s.digest, made->digest, made->length);
    return put(d, index, &s, e);
}

static json_t *details(const struct file_digest *made)
{
    char *hex = text_hex(made->digest, made->length);
    json_t *more =
        json_pack("{s:s, s:s}", "format", made->format, "digest", hex == NULL ? "" : hex);
    char *why = made->content.length > 0 || made->signer == NULL
                    ? NULL
                    : text_format("signed by %s", made->signer);

    if (why != NULL)
        json_object_set_new(more, "why", json_string(why));
    free(why);
    free(hex);
    return more;
}

static void tell(struct digesting *d, size_t index, bool good, const struct file_digest *made,
                 struct error *e)
{
    const char *file = d->plan.item[index].file;
    bool kept = good && made->content.length == 0;

    if (good && (kept || put_digest(d, index, made, e)))
        tally_file(&d->tally, file, kept ? TALLY_KEPT : TALLY_DONE, made->size, details(made),
                   NULL);
    else if (e->code != ERROR_CANCELLED)
        tally_file(&d->tally, file, TALLY_FAILED, 0, NULL, e);
}

/* Files are read side by side, and told in the order in which they were named. */
static bool digest_one(void *data, size_t index)
{
    struct digesting *d = data;
    const char *file = d->plan.item[index].file;
    struct file_digest made = {0};
    struct error e = ERROR_INIT;
    struct stat status;
    int fd = rewrite_open_input(file, &status, &e);
    bool good = fd >= 0 && check_name(file, &e) &&
                file_digest_make(fd, file, &d->options, &made, d->ctx->cancel, &e);

    tally_wait(&d->tally, index);
    tell(d, index, good, &made, &e);
    file_digest_free(&made);
    if (fd >= 0)
        close(fd);
    return e.code != ERROR_CANCELLED;
}

/* What was digested is there, even if some could not be. Where none could, the digests of an
 * earlier run stay. */
static bool commit(struct digesting *d, struct error *e)
{
    const size_t *count = d->tally.count;
    bool any = count[TALLY_DONE] + count[TALLY_KEPT] > 0;

    return d->output == NULL || !any || cancel_requested(d->ctx->cancel) ||
           steps_commit(d->output, e);
}

/* A file that is named twice has one line; by another name it has another. */
static bool has_line(const struct plan *plan, size_t index)
{
    const struct plan_item *item = &plan->item[index];

    for (size_t i = item->same_as; i < index; i++)
        if (plan->item[i].same_as == item->same_as && strcmp(plan->item[i].file, item->file) == 0)
            return true;
    return false;
}

static bool digest_all(struct digesting *d, struct error *e)
{
    tally_begin(&d->tally, d->ctx, "digested", d->plan.count);
    d->tally.silent = d->output == NULL;
    return tally_plan(&d->tally, &d->plan, has_line, digest_one, d, e) && commit(d, e) &&
           tally_end(&d->tally, e);
}

static void set_options(struct digesting *d, const struct profile *p)
{
    d->options = (struct file_digest_options){
        .hash = (enum signer_hash)p->digest,
        .existing = (enum sign_existing)p->existing,
        .page_hashes = p->page_hashes == 1,
        .signature_ex = p->msi_signature_ex == 1,
    };
}

/* They are part of the signature, and do not travel with the digest. */
static bool check_jobs(const struct plan *plan, struct error *e)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->item[i].description != NULL || plan->item[i].url != NULL)
            return error_set(e, ERROR_USAGE,
                             "standard input: the job of '%s' has a description or url, which "
                             "digest cannot hand on; both are the profile's where the token is",
                             plan->item[i].file);
    return true;
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct digesting d = {.ctx = ctx};
    struct profile *p = batch_digest_profile(a, op_text(a, "profile"), e);
    bool done = p != NULL && batch_plan(&d.plan, a, &p->files, NULL, e) && check_jobs(&d.plan, e);

    if (done)
        set_options(&d, p);
    if (done && op_given(a, "output")) {
        d.output = steps_create(STEP_DIGEST, op_text(a, "output"), e);
        done = d.output != NULL;
    }
    done = done && digest_all(&d, e);
    steps_output_free(&d.output);
    plan_free(&d.plan);
    profile_free(&p);
    return done;
}

static void text(const char *kind, const json_t *record, unsigned width, bool colour,
                 struct buffer *out)
{
    char *line;

    if (strcmp(kind, "line") != 0) {
        tally_text(kind, record, width, colour, out);
        return;
    }
    line = json_dumps(record, JSON_COMPACT);
    if (line != NULL)
        buffer_printf(out, "%s\n", line);
    free(line);
}

const struct op op_batch_digest = {
    .verb = "digest",
    .group = "Sign",
    .summary = "write the digests of files, to have them signed where the token is",
    .description =
        "The first of two steps, for machines without a token: writes a line of JSON for each "
        "file, "
        "with its digest. Where the token is, sign --digests signs all lines in one login; back "
        "here, attach --signatures puts the signatures into the files. Only the lines travel, and "
        "the files must stay as they are meanwhile. No profile is needed, but what is digested "
        "must be what the profile there signs.",
    .example = "signet-batch digest dist/*.exe -o digests.json\n"
               "signet-batch digest --profile release -o digests.json",
    .program = OP_BATCH,
    .effects = OP_WRITES | OP_STREAMS,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
