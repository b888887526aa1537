/* SPDX-License-Identifier: Apache-2.0 */
/* signet-batch verify: the gate before publishing. */
#include <stdlib.h>

#include "profiles/engine/verify_record.h"
#include "profiles/engine/verify_run.h"
#include "profiles/engine/verify_setup.h"
#include "profiles/ops.h"

static const struct op_arg args[] = {
    {.name = "FILE",
     .type = OP_PATH,
     .positional = true,
     .required = true,
     .repeatable = true,
     .help = "a signed file, or @LIST for a file with a path a line"},
    {.name = "profile",
     .type = OP_PROFILE,
     .value = "NAME",
     .help = "demand that the certificate of this profile signed, and what else it wants of its "
             "signatures"},
    {.name = "ca",
     .type = OP_PATH,
     .value = "FILE",
     .repeatable = true,
     .help = "trust the roots in this file instead of the system's"},
    {.name = "tsa-ca",
     .type = OP_PATH,
     .value = "FILE",
     .repeatable = true,
     .help = "trust the roots in this file for timestamps, instead of those of --ca or the system"},
    {.name = "crl",
     .type = OP_PATH,
     .value = "FILE",
     .repeatable = true,
     .help = "ask this list (PEM or DER) whether a certificate was revoked"},
    {.name = "at",
     .type = OP_TEXT,
     .value = "TIME",
     .help = "judge as of this day or second in UTC: 2026-01-31, 2026-01-31T12:00:00Z"},
};

static bool read_names(const struct op_args *a, struct plan *plan, struct error *e)
{
    size_t count = op_count(a, "FILE");
    const char **names = calloc(count + 1, sizeof *names);
    bool good;

    if (names == NULL)
        return error_set_memory(e);
    for (size_t i = 0; i < count; i++)
        names[i] = op_text_at(a, "FILE", i);
    good = plan_read(plan, names, count, e);
    free(names);
    return good && (plan->count > 0 || error_set(e, ERROR_USAGE, "there is no file to judge"));
}

static bool verify_all(const struct plan *plan, const struct verify_options *o, struct op_ctx *ctx,
                       struct error *e)
{
    size_t bad = 0;
    json_t *list = verify_run(plan, o, ctx, &bad, e);
    bool all = json_array_size(list) == plan->count;

    if (list == NULL)
        return false;
    op_emit(ctx, "verify", json_pack("{s:b, s:o}", "good", all && bad == 0, "files", list));
    if (cancel_requested(ctx->cancel))
        return error_set(e, ERROR_CANCELLED, "stopped by a signal");
    if (!all)
        return error_set_memory(e);
    if (bad == 0)
        return true;
    if (plan->count == 1)
        return error_set(e, ERROR_SIGNATURE, "the file is not good");
    return error_set(e, ERROR_SIGNATURE, "%zu of %zu files are not good", bad, plan->count);
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct verify_setup setup;
    struct plan plan = {0};
    bool good = verify_setup(&setup, a, e) && read_names(a, &plan, e) &&
                verify_all(&plan, &setup.options, ctx, e);

    verify_setup_free(&setup);
    plan_free(&plan);
    return good;
}

static void text(const char *kind, const json_t *r, unsigned width, bool colour, struct buffer *out)
{
    size_t i;
    json_t *f;

    (void)kind, (void)colour;
    json_array_foreach(json_object_get(r, "files"), i, f) verify_record_text(f, width, out);
}

const struct op op_batch_verify = {
    .verb = "verify",
    .group = "Sign",
    .summary = "judge signed files: digest, signature, chain, purpose, timestamp, revocation; says "
               "what is wrong",
    .description =
        "Exit 0 only where every signature and timestamp of every file is good; 1 where one is "
        "not; "
        "2 where nothing could be judged, for want of what it was to be judged by. Without --ca "
        "the "
        "system's roots are trusted; many systems have none for code signing, and then the CA's "
        "root is named with --ca. The roots of timestamps are those of --tsa-ca and of the "
        "profile's timestamp.ca, else the same.\n\n"
        "A good timestamp, RFC 3161 or of the older kind, proves that the signature was there at "
        "its time; the signer is judged at that time, so that a certificate that has expired since "
        "does no harm. Without one, or where the certificate is for lifetime signing, it is judged "
        "now.\n\n"
        "Revocation is asked about only with --crl. Lists must be in force now, and one must be by "
        "the issuer of the signer; what was revoked after the timestamp stays good, unless the "
        "list "
        "says that the key was lost before.\n\n"
        "With --profile a signature by its certificate must be there, with a timestamp where the "
        "profile has timestamp.required or servers, and with page hashes in Windows programs where "
        "it has page-hashes.",
    .example = "signet-batch verify --profile release --ca ca.pem dist/*.exe\n"
               "signet-batch verify --ca ca.pem --tsa-ca tsa.pem --crl ca.crl --json @files.txt",
    .program = OP_BATCH,
    .effects = OP_READS,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
