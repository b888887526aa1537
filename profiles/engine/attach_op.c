/* SPDX-License-Identifier: Apache-2.0 */
/* signet-batch attach: signatures that were made elsewhere, or taken out, into their files. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "profiles/engine/batch.h"
#include "profiles/engine/rewrite.h"
#include "profiles/engine/steps.h"
#include "profiles/engine/tally.h"
#include "profiles/ops.h"
#include "sign/attach.h"
#include "sign/extract.h"
#include "sign/file_digest.h"

static const struct op_arg args[] = {
    {.name = "FILE",
     .type = OP_PATH,
     .positional = true,
     .repeatable = true,
     .help = "a file to put a signature into, @LIST for a file with a path a line, '-' for JSON "
             "jobs on standard input; with --signatures also under another name than when it was "
             "digested; without any, all that are named there"},
    {.name = "signature",
     .type = OP_PATH,
     .value = "FILE",
     .help = "the signature of the one file, in DER or PEM"},
    {.name = "signatures", .type = OP_PATH, .value = "FILE", .help = "what sign --digests wrote"},
    {.name = "existing",
     .type = OP_CHOICE,
     .value = "WHAT",
     .choices = batch_existings,
     .help = "what happens to files that are signed already; by default what digest was told, or "
             "keep"},
    {.name = "output",
     .letter = 'o',
     .type = OP_PATH,
     .value = "DIR",
     .help = "write signed files into this folder instead of in place"},
};

struct attaching {
    struct op_ctx *ctx;
    const char *existing; /* --existing; NULL: not given */
    const char *path;     /* --signature, --signatures */
    struct steps *steps;  /* of --signatures */
    bool named;           /* FILEs were given */
    struct plan plan;
    struct tally tally;
};

static enum sign_existing existing(const struct attaching *a, enum sign_existing otherwise)
{
    for (int i = 0; a->existing != NULL && batch_existings[i] != NULL; i++)
        if (strcmp(batch_existings[i], a->existing) == 0)
            return (enum sign_existing)i;
    return otherwise;
}

/* They were digested in the same way. */
static bool same_way(const struct step *a, const struct step *b)
{
    return a->hash == b->hash && a->existing == b->existing && a->signature_ex == b->signature_ex &&
           strcmp(a->format, b->format) == 0;
}

static bool first_of_its_way(const struct attaching *a, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (same_way(steps_at(a->steps, i), steps_at(a->steps, index)))
            return false;
    return true;
}

/* Among those that were digested as `like` was. */
static size_t find_digest(const struct attaching *a, const struct step *like,
                          const struct file_digest *made)
{
    size_t i = 0;

    for (; i < steps_count(a->steps); i++) {
        const struct step *s = steps_at(a->steps, i);

        if (same_way(s, like) && s->digest_length == made->length &&
            memcmp(s->digest, made->digest, made->length) == 0)
            break;
    }
    return i;
}

/* A file that has another name now is known by its digest. steps_count: none is for it. */
static bool find_renamed(const struct attaching *a, const struct rewrite *r, size_t *index,
                         struct error *e)
{
    const struct format *format = format_detect(r->input, r->file, e);
    size_t count = steps_count(a->steps);
    bool good = format != NULL;

    *index = count;
    for (size_t i = 0; good && i < count && *index == count; i++) {
        const struct step *s = steps_at(a->steps, i);
        const struct file_digest_options options = {
            .hash = s->hash,
            .existing = s->existing,
            .signature_ex = s->signature_ex,
        };
        struct file_digest made;

        if (strcmp(s->format, format->name) != 0 || !first_of_its_way(a, i))
            continue;
        good = file_digest_make(r->input, r->file, &options, &made, a->ctx->cancel, e);
        if (good)
            *index = find_digest(a, s, &made);
        file_digest_free(&made);
    }
    return good;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

static bool none_found(const struct attaching *a, const char *file, struct error *e)
{
    for (size_t i = 0; i < steps_count(a->steps); i++)
        if (strcmp(base_name(steps_at(a->steps, i)->file), base_name(file)) == 0)
            return error_set(
                e, ERROR_SIGNATURE,
                "'%s': '%s' has a signature for '%s', but of other bytes; the file was "
                "built anew, or is another: digest it again",
                file, a->path, steps_at(a->steps, i)->file);
    return error_set(e, ERROR_SIGNATURE,
                     "'%s': '%s' has no signature for it, neither by its name nor by its digest",
                     file, a->path);
}

/* The signature for a file, and how it goes in. `der` is freed by the caller. */
static bool find_signature(const struct attaching *a, const struct rewrite *r, size_t index,
                           struct attach_spec *spec, struct buffer *der, struct error *e)
{
    size_t line = a->named ? steps_find(a->steps, r->file) : index;
    struct step step;

    if (line == steps_count(a->steps) && !find_renamed(a, r, &line, e))
        return false;
    if (line == steps_count(a->steps))
        return none_found(a, r->file, e);
    if (!steps_read(a->steps, line, &step, e))
        return false;
    *der = step.der;
    step.der = (struct buffer)BUFFER_INIT;
    spec->existing = existing(a, step.existing);
    spec->signature_ex = step.signature_ex ? ATTACH_EX_YES : ATTACH_EX_NO;
    step_free(&step);
    return true;
}

static bool get_signature(const struct attaching *a, const struct rewrite *r, size_t index,
                          struct attach_spec *spec, struct buffer *der, struct error *e)
{
    *spec = (struct attach_spec){.signature = der, .existing = existing(a, SIGN_KEEP)};
    return a->steps == NULL ? extract_read_file(a->path, der, e)
                            : find_signature(a, r, index, spec, der, e);
}

static bool attach(const struct attaching *a, struct rewrite *r, size_t index,
                   struct attach_result *result, struct error *e)
{
    struct buffer der = BUFFER_INIT;
    struct attach_spec spec;
    bool done =
        get_signature(a, r, index, &spec, &der, e) &&
        attach_signature(r->input, r->file, rewrite_fd(r), &spec, result, a->ctx->cancel, e);

    done = done && (result->state == ATTACH_DONE ? rewrite_commit(r, e) : rewrite_keep(r, e));
    buffer_free(&der);
    return done;
}

static json_t *details(const struct plan_item *item, const struct attach_result *result)
{
    const char *signer = result->signer == NULL ? "?" : result->signer;
    json_t *more = json_pack("{s:o, s:b, s:s}", "output", batch_name(item->output), "in-place",
                             item->in_place, "signer", signer);
    char *why = result->state == ATTACH_KEPT ? text_format("signed by %s", signer) : NULL;

    if (why != NULL)
        json_object_set_new(more, "why", json_string(why));
    free(why);
    return more;
}

static bool attach_one(void *data, size_t index)
{
    struct attaching *a = data;
    const struct plan_item *item = &a->plan.item[index];
    struct attach_result result = {0};
    struct error e = ERROR_INIT;
    struct rewrite r;

    if (rewrite_open(&r, item->file, item->output, item->in_place, &e) &&
        attach(a, &r, index, &result, &e))
        tally_file(&a->tally, item->file, result.state == ATTACH_DONE ? TALLY_DONE : TALLY_KEPT,
                   result.size, details(item, &result), NULL);
    else if (e.code != ERROR_CANCELLED)
        tally_file(&a->tally, item->file, TALLY_FAILED, 0, NULL, &e);
    free(result.signer);
    rewrite_close(&r);
    return e.code != ERROR_CANCELLED;
}

static bool attach_all(struct attaching *a, struct error *e)
{
    tally_begin(&a->tally, a->ctx, "attached", a->plan.count);
    return tally_plan(&a->tally, &a->plan, batch_is_same, attach_one, a, e) &&
           tally_end(&a->tally, e);
}

/* All files that the lines name. */
static bool plan_lines(struct attaching *a, const char *directory, struct error *e)
{
    size_t count = steps_count(a->steps);
    const char **names = calloc(count + 1, sizeof *names);
    bool made;

    if (names == NULL)
        return error_set_memory(e);
    for (size_t i = 0; i < count; i++)
        names[i] = steps_at(a->steps, i)->file;
    made = count == 0 || plan_files(&a->plan, names, count, directory, e);
    free(names);
    return made;
}

static bool make_plan(struct attaching *a, const struct op_args *given, struct error *e)
{
    static const struct profile_list no_patterns = {0};
    const char *directory = op_text(given, "output");

    return a->named ? batch_plan(&a->plan, given, &no_patterns, directory, e)
                    : plan_lines(a, directory, e);
}

static bool check_usage(const struct op_args *a, struct error *e)
{
    if (op_given(a, "signature") == op_given(a, "signatures"))
        return error_set(e, ERROR_USAGE,
                         "attach: either --signature FILE with one file, or --signatures FILE with "
                         "what sign --digests wrote");
    if (op_given(a, "signature") && op_count(a, "FILE") != 1)
        return error_set(e, ERROR_USAGE,
                         "attach: --signature is of one file; name that one, and no other");
    return true;
}

static bool run(const struct op_args *given, struct op_ctx *ctx, struct error *e)
{
    struct attaching a = {
        .ctx = ctx,
        .existing = op_text(given, "existing"),
        .named = op_count(given, "FILE") > 0,
    };
    bool done = check_usage(given, e);

    a.path = op_text(given, op_given(given, "signatures") ? "signatures" : "signature");
    if (done && op_given(given, "signatures")) {
        a.steps = steps_open(STEP_SIGNATURE, a.path, e);
        done = a.steps != NULL;
    }
    done = done && make_plan(&a, given, e) && attach_all(&a, e);
    plan_free(&a.plan);
    steps_close(&a.steps);
    return done;
}

const struct op op_batch_attach = {
    .verb = "attach",
    .group = "Sign",
    .summary = "put signatures that were made elsewhere into their files",
    .description =
        "The last of two steps, after digest and sign --digests; or the way back for what extract "
        "took out. Each signature must hold, and must be of the very file: its digest is computed "
        "again while the file is written. A file that does not fit stays as it is, and does not "
        "stop the others; the same command again goes on with what is missing.",
    .example = "signet-batch attach --signatures signatures.json\n"
               "signet-batch attach --signatures signatures.json moved/*.exe -o signed\n"
               "signet-batch attach app.exe --signature app.p7",
    .program = OP_BATCH,
    .effects = OP_WRITES | OP_STREAMS,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = tally_text,
};
