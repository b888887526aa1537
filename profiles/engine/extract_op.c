/* SPDX-License-Identifier: Apache-2.0 */
/* signet-batch extract: signatures out of a file, into files of their own. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "base/text.h"
#include "op/text.h"
#include "profiles/engine/batch.h"
#include "profiles/engine/rewrite.h"
#include "profiles/ops.h"
#include "sign/extract.h"

static const struct op_arg args[] = {
    {.name = "FILE",
     .type = OP_PATH,
     .positional = true,
     .required = true,
     .help = "a signed file"},
    {.name = "output",
     .letter = 'o',
     .type = OP_PATH,
     .value = "FILE",
     .help = "write here; without it, --pem goes to standard output"},
    {.name = "number",
     .type = OP_INTEGER,
     .value = "N",
     .default_text = "1",
     .minimum = 1,
     .maximum = FORMAT_SIGNATURES,
     .help = "which signature, as verify lists them: each before those nested in it"},
    {.name = "all",
     .type = OP_FLAG,
     .help = "all of them: with --pem in one file, else in FILE.1, FILE.2 and so on"},
    {.name = "pem", .type = OP_FLAG, .help = "in PEM, not in DER"},
};

struct extraction {
    const struct op_args *args;
    struct op_ctx *ctx;
    int input;
    struct stat status; /* of the input */
    struct buffer pem;  /* of all that were asked for */
    unsigned count;
    bool looking; /* nothing is written yet */
};

/* An output that is the signed file itself would be the end of it. */
static bool may_write(const struct extraction *x, const char *path, struct error *e)
{
    if (rewrite_is_file(path, &x->status))
        return error_set(e, ERROR_USAGE, "'%s' is the signed file itself; name another output",
                         path);
    return op_may_replace(x->ctx, path, e);
}

static bool write_output(const struct extraction *x, const char *path, const struct buffer *bytes,
                         struct error *e)
{
    if (!may_write(x, path, e) || !path_write_file(path, bytes->data, bytes->length, 0644, e))
        return false;
    op_emit(x->ctx, "extract",
            json_pack("{s:o, s:i}", "output", batch_name(path), "bytes", (int)bytes->length));
    return true;
}

/* DER stands in a file each. */
static bool put_der(const struct extraction *x, unsigned number, const struct buffer *der,
                    struct error *e)
{
    const char *output = op_text(x->args, "output");
    char *path = op_flag(x->args, "all") ? text_format("%s.%u", output, number) : strdup(output);
    bool done = path != NULL ? write_output(x, path, der, e) : error_set_memory(e);

    free(path);
    return done;
}

/* *there: false where there is no signature of this number. */
static bool extract_one(struct extraction *x, unsigned number, bool *there, struct error *e)
{
    struct buffer der = BUFFER_INIT;
    bool done = extract_signature(x->input, op_text(x->args, "FILE"), number - 1, &der, e);

    *there = done && der.length > 0;
    if (*there && !x->looking) {
        x->count++;
        done =
            op_flag(x->args, "pem") ? extract_pem(&der, &x->pem, e) : put_der(x, number, &der, e);
    }
    buffer_free(&der);
    return done;
}

static bool none(const struct extraction *x, unsigned number, struct error *e)
{
    const char *file = op_text(x->args, "FILE");
    struct buffer first = BUFFER_INIT;
    bool is_signed = extract_signature(x->input, file, 0, &first, NULL) && first.length > 0;

    buffer_free(&first);
    return is_signed
               ? error_set(e, ERROR_SIGNATURE, "'%s' has no signature of number %u", file, number)
               : error_set(e, ERROR_SIGNATURE, "'%s' is not signed", file);
}

static bool extract_all(struct extraction *x, struct error *e)
{
    bool there = true, done = true;

    for (unsigned number = 1; done && there && number <= FORMAT_SIGNATURES; number++)
        done = extract_one(x, number, &there, e);
    return done;
}

static bool extract(struct extraction *x, struct error *e)
{
    bool all = op_flag(x->args, "all"), there;
    unsigned number = all ? 1 : (unsigned)op_integer(x->args, "number");

    if (!all)
        return extract_one(x, number, &there, e) && (there || none(x, number, e));
    /* Where the last cannot be read, the first is not written either. */
    x->looking = true;
    if (!extract_all(x, e))
        return false;
    x->looking = false;
    return extract_all(x, e) && (x->count > 0 || none(x, number, e));
}

static bool deliver_pem(struct extraction *x, struct error *e)
{
    const char *output = op_text(x->args, "output");

    if (output != NULL)
        return write_output(x, output, &x->pem, e);
    op_emit(x->ctx, "extract",
            json_pack("{s:s%}", "pem", (const char *)x->pem.data, x->pem.length));
    return true;
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct extraction x = {.args = a, .ctx = ctx};
    bool done;

    if (op_text(a, "output") == NULL && !op_flag(a, "pem"))
        return error_set(e, ERROR_USAGE, "extract: DER needs --output FILE; or take --pem");
    if (op_flag(a, "all") && op_given(a, "number"))
        return error_set(e, ERROR_USAGE, "extract: either --number or --all");
    x.input = rewrite_open_input(op_text(a, "FILE"), &x.status, e);
    if (x.input < 0)
        return false;
    done = extract(&x, e) && (!op_flag(a, "pem") || deliver_pem(&x, e));
    buffer_free(&x.pem);
    close(x.input);
    return done;
}

static void text(const char *kind, const json_t *record, unsigned width, bool colour,
                 struct buffer *out)
{
    (void)kind, (void)width, (void)colour;
    if (*op_string(record, "output") == '\0') {
        buffer_append_text(out, op_string(record, "pem"));
        return;
    }
    buffer_append_text(out, "wrote ");
    batch_show(out, op_string(record, "output"));
    buffer_append_byte(out, '\n');
}

const struct op op_batch_extract = {
    .verb = "extract",
    .group = "Sign",
    .summary = "write signatures of a file into files of their own",
    .description = "The signature is written as it stands in the file, with those nested in it and "
                   "its timestamp. attach puts it back.",
    .example = "signet-batch extract app.exe -o app.p7\n"
               "signet-batch extract app.exe --all --pem",
    .program = OP_BATCH,
    .effects = OP_WRITES | OP_STREAMS,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
