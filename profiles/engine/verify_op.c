/* SPDX-License-Identifier: Apache-2.0 */
/* signet-batch verify: the gate before publishing. */
#include <fcntl.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "cert/load.h"
#include "cert/view.h"
#include "op/record.h"
#include "op/text.h"
#include "profiles/engine/batch.h"
#include "profiles/ops.h"
#include "profiles/profile.h"
#include "sign/verify.h"

static const struct op_arg args[] = {
    {.name = "FILE",
     .type = OP_PATH,
     .positional = true,
     .required = true,
     .repeatable = true,
     .help = "signed files"},
    {.name = "profile",
     .type = OP_PROFILE,
     .value = "NAME",
     .help = "demand that the certificate of this profile signed"},
    {.name = "ca",
     .type = OP_PATH,
     .value = "FILE",
     .repeatable = true,
     .help = "trust the roots in this file instead of the system's"},
};

static X509_STORE *load_roots(const struct op_args *a, STACK_OF(X509) * pool, struct error *e)
{
    X509_STORE *store = X509_STORE_new();
    int first = sk_X509_num(pool); /* what was there before is no root for that */
    bool good = store != NULL;

    for (size_t i = 0; good && i < op_count(a, "ca"); i++)
        good = cert_load_file(op_text_at(a, "ca", i), pool, e);
    for (int i = first; good && i < sk_X509_num(pool); i++)
        if (cert_self_issued(sk_X509_value(pool, i)))
            good = X509_STORE_add_cert(store, sk_X509_value(pool, i)) == 1;
    if (good)
        return store;
    X509_STORE_free(store);
    return NULL;
}

static json_t *texts(char *const *list, size_t count)
{
    json_t *array = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, json_string(list[i]));
    return array;
}

static json_t *signature(const struct verify_signature *s)
{
    json_t *record = json_object();

    json_object_set_new(record, "depth", json_integer(s->depth));
    json_object_set_new(record, "signer",
                        s->signer == NULL ? json_null() : record_certificate(s->signer));
    json_object_set_new(record, "hash", json_string(EVP_MD_get0_name(s->hash)));
    json_object_set_new(record, "digest", json_string(s->file_digest));
    json_object_set_new(record, "description",
                        s->description == NULL ? json_null() : json_string(s->description));
    json_object_set_new(record, "url", s->url == NULL ? json_null() : json_string(s->url));
    json_object_set_new(record, "purpose",
                        json_string(s->commercial ? "commercial" : "individual"));
    json_object_set_new(record, "timestamp", json_boolean(s->has_timestamp));
    json_object_set_new(record, "digest-good", json_boolean(s->digest_good));
    json_object_set_new(record, "signature-good", json_boolean(s->signature_good));
    json_object_set_new(record, "chain-good", json_boolean(s->chain_good));
    json_object_set_new(record, "problems", texts(s->problems, s->problem_count));
    return record;
}

static json_t *judged(const char *file, const struct verify_report *r)
{
    json_t *signatures = json_array();

    for (size_t i = 0; i < r->count; i++)
        json_array_append_new(signatures, signature(&r->signature[i]));
    return json_pack("{s:o, s:b, s:s, s:o, s:o}", "file", batch_name(file), "good", r->good,
                     "format", r->format, "signatures", signatures, "problems",
                     texts(r->problems, r->problem_count));
}

static bool verify_one(const char *file, const struct verify_options *o, struct op_ctx *ctx,
                       json_t *list)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct verify_report report = {0};
    struct error e = ERROR_INIT;
    bool good = false;

    if (fd < 0)
        error_set_errno(&e, "cannot open '%s'", file);
    if (fd >= 0 && verify_file(fd, file, o, &report, ctx->cancel, &e)) {
        good = report.good;
        json_array_append_new(list, judged(file, &report));
    } else {
        json_array_append_new(list, json_pack("{s:o, s:b, s:[s]}", "file", batch_name(file), "good",
                                              false, "problems", e.text));
    }
    verify_report_free(&report);
    if (fd >= 0)
        close(fd);
    return good;
}

static bool verify_all(const struct op_args *a, const struct verify_options *o, struct op_ctx *ctx,
                       struct error *e)
{
    size_t count = op_count(a, "FILE"), bad = 0;
    json_t *list = json_array();

    for (size_t i = 0; i < count && !cancel_requested(ctx->cancel); i++) {
        op_progress(ctx, i, count, op_text_at(a, "FILE", i));
        bad += !verify_one(op_text_at(a, "FILE", i), o, ctx, list);
    }
    op_emit(ctx, "verify", json_pack("{s:b, s:o}", "good", bad == 0, "files", list));
    if (cancel_requested(ctx->cancel))
        return error_set(e, ERROR_CANCELLED, "stopped by a signal");
    return bad == 0 || error_set(e, ERROR_SIGNATURE, "%zu of %zu files are not good", bad, count);
}

/* A profile names its certificate by fingerprint, or by a file. */
static bool demanded(const struct profile *p, char **pin, struct error *e)
{
    STACK_OF(X509) * certs;

    if (p->certificate == NULL)
        return error_set(e, ERROR_PROFILE, "the profile '%s' names no certificate to demand",
                         p->name);
    if (strncasecmp(p->certificate, "sha256:", 7) == 0) {
        *pin = strdup(p->certificate);
        return *pin != NULL || error_set_memory(e);
    }
    certs = sk_X509_new_null();
    if (cert_load_file(p->certificate, certs, e))
        *pin = cert_pin(sk_X509_value(certs, 0));
    sk_X509_pop_free(certs, X509_free);
    return *pin != NULL;
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct verify_options options = {.now = time(NULL)};
    struct profile *p = NULL;
    char *pin = NULL;
    bool good = true;

    options.pool = sk_X509_new_null();
    if (op_given(a, "profile")) {
        p = profile_load(op_text(a, "profile"), NULL, e);
        good = p != NULL && demanded(p, &pin, e);
        options.certificate = pin;
        for (size_t i = 0; good && i < p->chain.count; i++)
            good = cert_load_file(p->chain.item[i], options.pool, e);
    }
    if (good && op_count(a, "ca") > 0) {
        options.trust = load_roots(a, options.pool, e);
        good = options.trust != NULL;
    }
    good = good && verify_all(a, &options, ctx, e);
    X509_STORE_free(options.trust);
    sk_X509_pop_free(options.pool, X509_free);
    profile_free(&p);
    free(pin);
    return good;
}

static void text_signature(const json_t *s, struct buffer *out)
{
    const json_t *signer = json_object_get(s, "signer");
    size_t index;
    json_t *p;

    buffer_printf(out, "  %s %s\n", op_number(s, "depth", 0) == 0 ? "signed by" : "nested, by",
                  json_is_object(signer) ? op_string(signer, "subject") : "?");
    op_line(out, "  hash", op_string(s, "hash"));
    op_line(out, "  description", op_string(s, "description"));
    op_line(out, "  url", op_string(s, "url"));
    op_line(out, "  timestamp",
            op_true(s, "timestamp") ? "there, not judged by this version" : "none");
    json_array_foreach(json_object_get(s, "problems"), index, p)
        buffer_printf(out, "    problem: %s\n", json_string_value(p));
}

static void text(const char *kind, const json_t *r, unsigned width, bool colour, struct buffer *out)
{
    size_t i, j;
    json_t *f, *item;

    (void)kind, (void)width, (void)colour;
    json_array_foreach(json_object_get(r, "files"), i, f)
    {
        buffer_printf(out, "%-5s ", op_true(f, "good") ? "good" : "BAD");
        batch_show(out, op_string(f, "file"));
        buffer_append_byte(out, '\n');
        json_array_foreach(json_object_get(f, "problems"), j, item)
            buffer_printf(out, "  problem: %s\n", json_string_value(item));
        json_array_foreach(json_object_get(f, "signatures"), j, item) text_signature(item, out);
    }
}

const struct op op_batch_verify = {
    .verb = "verify",
    .group = "Sign",
    .summary = "judge signed files: digest, signature, chain, purpose; says what is wrong",
    .description = "Exit 0 only where every file is good. Without --ca the system's roots are "
                   "trusted; many systems have "
                   "none for code signing, and then the CA's root is named with --ca.",
    .example = "signet-batch verify --profile release --ca ca.pem dist/*.exe",
    .program = OP_BATCH,
    .effects = OP_READS,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
