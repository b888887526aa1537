/* SPDX-License-Identifier: Apache-2.0 */
/* Judging the signatures of a file, and saying what is wrong in words. */
#include "sign/verify.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cert/view.h"
#include "sign/signatures.h"

/* One file while it is judged. */
struct judging {
    const struct verify_options *options;
    X509_STORE *trust; /* the options', or the system's */
    struct signatures *signatures;
    struct verify_report *report; /* one signature in it for each of them */
};

static void add_text(char ***list, size_t *count, char *text)
{
    char **grown = text == NULL ? NULL : realloc(*list, (*count + 1) * sizeof *grown);

    if (grown == NULL) {
        free(text);
        return;
    }
    *list = grown;
    grown[(*count)++] = text;
}

static void problem(struct verify_signature *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void problem(struct verify_signature *s, const char *format, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    /* A missing issuer is reported twice, as that and as a signature that nobody can check. */
    for (size_t i = 0; text != NULL && i < s->problem_count; i++)
        if (strcmp(s->problems[i], text) == 0) {
            free(text);
            return;
        }
    add_text(&s->problems, &s->problem_count, text);
}

static void file_problem(struct verify_report *r, const char *text)
{
    add_text(&r->problems, &r->problem_count, strdup(text));
}

static STACK_OF(X509) * own_certificates(const struct authenticode_view *v)
{
    STACK_OF(X509) *certs = v->p7->d.sign->cert;

    return certs == NULL ? sk_X509_new_null() : X509_chain_up_ref(certs);
}

static void describe(struct verify_signature *s, struct authenticode_view *v)
{
    if (v->signer != NULL && X509_up_ref(v->signer))
        s->signer = v->signer;
    s->certificates = own_certificates(v);
    s->hash = v->md;
    s->file_digest = text_hex(v->digest, v->digest_length);
    s->description = v->description;
    s->url = v->url;
    v->description = v->url = NULL;
    s->commercial = v->commercial;
    s->has_timestamp = v->has_timestamp;
}

static bool describe_all(struct judging *j, struct error *e)
{
    struct verify_report *r = j->report;

    r->signature = calloc(j->signatures->count, sizeof *r->signature);
    if (r->signature == NULL)
        return error_set_memory(e);
    for (; r->count < j->signatures->count; r->count++) {
        r->signature[r->count].depth = j->signatures->depth[r->count];
        describe(&r->signature[r->count], &j->signatures->view[r->count]);
    }
    return true;
}

static void judge_pages(struct judging *j, size_t index)
{
    static const enum verify_page_hashes said[] = {
        [FORMAT_PAGES_NONE] = VERIFY_PAGES_NONE,
        [FORMAT_PAGES_GOOD] = VERIFY_PAGES_GOOD,
        [FORMAT_PAGES_BAD] = VERIFY_PAGES_BAD,
    };
    struct verify_signature *s = &j->report->signature[index];

    s->page_hashes = said[j->signatures->pages[index]];
    if (s->page_hashes == VERIFY_PAGES_BAD)
        problem(s, "its page hashes are not the file's");
}

static void judge_digest(struct judging *j, size_t index)
{
    struct verify_signature *s = &j->report->signature[index];
    const struct authenticode_view *v = &j->signatures->view[index];
    struct error why = ERROR_INIT;

    s->digest_good = signatures_fits(j->signatures, index);
    if (!s->digest_good)
        problem(s, "the file is not what was signed: it was changed afterwards");
    judge_pages(j, index);
    s->signature_good = authenticode_check(v, &why);
    if (!s->signature_good)
        problem(s, "%s", why.text);
    if (EVP_MD_get_size(v->md) < 32)
        problem(s, "its digest is %s, which Windows no longer trusts", EVP_MD_get0_name(v->md));
}

/* OpenSSL's reason, in words that say what to do where there is something to do. */
static void chain_problem(struct verify_signature *s, int error, X509 *at)
{
    char *name = at == NULL ? strdup("?") : cert_common_name(at);
    char when[CLOCK_TEXT_SIZE];
    const char *who = name == NULL ? "?" : name;

    switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        problem(s, "certificate '%s' expired at %s%s", who,
                clock_text(at == NULL ? 0 : cert_not_after(at), when),
                s->has_timestamp ? " (a timestamp is there; this version does not judge it)" : "");
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        problem(s, "certificate '%s' is valid only from %s on", who,
                clock_text(at == NULL ? 0 : cert_not_before(at), when));
        break;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        problem(
            s,
            "no trusted root for '%s': the issuer of this certificate is not known here; name its "
            "root with --ca FILE",
            who);
        break;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        problem(s, "the root '%s' is not trusted here; name it with --ca FILE if it should be",
                who);
        break;
    default:
        problem(s, "certificate '%s': %s", who, X509_verify_cert_error_string(error));
    }
    free(name);
}

/* OpenSSL asks this about each thing that is wrong; all of them are wanted, so it goes on. */
static int note_chain_problem(int good, X509_STORE_CTX *ctx)
{
    if (!good)
        chain_problem(X509_STORE_CTX_get_app_data(ctx), X509_STORE_CTX_get_error(ctx),
                      X509_STORE_CTX_get_current_cert(ctx));
    return 1;
}

/* OpenSSL 3.0 has no purpose for code signing. A CA that names purposes at all must name this one
 * (RFC 5280 section 4.2.1.12, as Windows reads it for a whole chain). */
static void judge_issuers(struct verify_signature *s, STACK_OF(X509) * chain)
{
    for (int i = 1; i < sk_X509_num(chain); i++) {
        X509 *issuer = sk_X509_value(chain, i);
        char *name;

        if ((X509_get_extension_flags(issuer) & EXFLAG_XKUSAGE) == 0 ||
            (X509_get_extended_key_usage(issuer) & (XKU_CODE_SIGN | XKU_ANYEKU)) != 0)
            continue;
        name = cert_common_name(issuer);
        problem(s, "the CA '%s' may not issue certificates for code signing",
                name == NULL ? "?" : name);
        free(name);
    }
}

static STACK_OF(X509) * untrusted(const struct verify_signature *s, const struct verify_options *o)
{
    STACK_OF(X509) *all = sk_X509_dup(s->certificates);

    for (int i = 0; i < sk_X509_num(o->pool); i++)
        sk_X509_push(all, sk_X509_value(o->pool, i));
    return all;
}

static void judge_chain(struct judging *j, struct verify_signature *s)
{
    const struct verify_options *o = j->options;
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    STACK_OF(X509) *others = untrusted(s, o);
    size_t before = s->problem_count;

    if (ctx == NULL || others == NULL ||
        X509_STORE_CTX_init(ctx, j->trust, s->signer, others) <= 0) {
        problem(s, "its chain could not be checked: no memory");
    } else {
        X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(ctx), o->now);
        X509_STORE_CTX_set_app_data(ctx, s);
        X509_STORE_CTX_set_verify_cb(ctx, note_chain_problem);
        if (X509_verify_cert(ctx) != 1 && s->problem_count == before)
            chain_problem(s, X509_STORE_CTX_get_error(ctx), s->signer);
        judge_issuers(s, X509_STORE_CTX_get0_chain(ctx));
    }
    X509_STORE_CTX_free(ctx);
    sk_X509_free(others);
    ERR_clear_error();
}

static void judge_signer(struct judging *j, struct verify_signature *s)
{
    size_t before = s->problem_count;

    if (s->signer == NULL)
        return;
    judge_chain(j, s);
    if (!cert_for_code_signing(s->signer))
        problem(s, "its certificate is not for code signing");
    if ((X509_get_key_usage(s->signer) & KU_DIGITAL_SIGNATURE) == 0)
        problem(s, "its certificate's key usage does not allow signatures");
    s->chain_good = s->problem_count == before;
}

/* One signature by the wanted certificate is enough; others may stand beside it. */
static void demand_certificate(struct judging *j)
{
    struct verify_report *r = j->report;
    const char *wanted = j->options->certificate;

    for (size_t i = 0; i < r->count; i++)
        if (wanted == NULL ||
            (r->signature[i].signer != NULL && cert_pin_matches(r->signature[i].signer, wanted)))
            return;
    file_problem(r, "none of its signatures was made with the profile's certificate");
}

static void judge(struct judging *j)
{
    struct verify_report *r = j->report;

    demand_certificate(j);
    r->good = r->count > 0 && r->problem_count == 0;
    for (size_t i = 0; i < r->count; i++) {
        judge_digest(j, i);
        judge_signer(j, &r->signature[i]);
        if (r->signature[i].problem_count > 0)
            r->good = false;
    }
}

static bool verify(struct judging *j, const char *name, const struct format *format,
                   struct format_file *file, struct cancel *cancel, struct error *e)
{
    const char *flaw;

    j->report->format = format->name;
    if (!signatures_read(j->signatures, format, file, e))
        return error_prefix(e, "'%s'", name);
    if (j->signatures->count == 0) {
        file_problem(j->report, "it is not signed");
        return true;
    }
    if (!describe_all(j, e) || !signatures_digest(j->signatures, format, file, NULL, -1, cancel, e))
        return false;
    for (unsigned i = 0; (flaw = format->flaw(file, i)) != NULL; i++)
        file_problem(j->report, flaw);
    judge(j);
    return true;
}

/* A reference of our own. */
static X509_STORE *trusted_roots(const struct verify_options *options)
{
    X509_STORE *store = options->trust;

    if (store != NULL) {
        X509_STORE_up_ref(store);
        return store;
    }
    store = X509_STORE_new();
    if (store != NULL)
        X509_STORE_set_default_paths(store);
    ERR_clear_error();
    return store;
}

bool verify_file(int input, const char *name, const struct verify_options *options,
                 struct verify_report *report, struct cancel *cancel, struct error *e)
{
    const struct format *format = format_detect(input, name, e);
    struct format_file *file = format == NULL ? NULL : format->open(input, name, e);
    struct judging j = {.options = options, .report = report};
    bool judged = false;

    *report = (struct verify_report){0};
    if (file != NULL) {
        j.trust = trusted_roots(options);
        j.signatures = signatures_new(e);
        if (j.trust == NULL)
            error_set_memory(e);
        else if (j.signatures != NULL)
            judged = verify(&j, name, format, file, cancel, e);
        format->close(&file);
    }
    signatures_free(&j.signatures);
    X509_STORE_free(j.trust);
    if (!judged)
        verify_report_free(report);
    return judged;
}

static void free_texts(char **list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(list[i]);
    free(list);
}

void verify_report_free(struct verify_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        struct verify_signature *s = &report->signature[i];

        X509_free(s->signer);
        sk_X509_pop_free(s->certificates, X509_free);
        free(s->file_digest);
        free(s->description);
        free(s->url);
        free_texts(s->problems, s->problem_count);
    }
    free(report->signature);
    free_texts(report->problems, report->problem_count);
    *report = (struct verify_report){0};
}
