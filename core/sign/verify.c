/* SPDX-License-Identifier: Apache-2.0 */
/* Judging the signatures of a file, and saying what is wrong in words. */
#include "sign/verify.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>

#include "base/text.h"
#include "cert/view.h"
#include "sign/content.h"
#include "sign/signatures.h"
#include "sign/unsigned.h"
#include "sign/verify_signer.h"
#include "sign/verify_timestamp.h"
#include "sign/verify_words.h"

/* One file while it is judged. */
struct judging {
    const struct verify_options *options;
    X509_STORE *trust, *timestamp_trust; /* the options', or the system's */
    struct signatures *signatures;
    struct verify_report *report; /* one signature in it for each of them */
    bool has_pages;               /* the format can have page hashes */
};

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
        verify_say(VERIFY_PROBLEMS(s), "its page hashes are not the file's");
}

/* Somebody's own, such as what a downloader puts into a program. Windows does not mind. */
static void note_unprotected(struct judging *j, size_t index)
{
    char first[80];
    size_t bytes = unsigned_unknown(&j->signatures->view[index], first, sizeof first);

    if (bytes > 0)
        verify_say(
            VERIFY_NOTES(&j->report->signature[index]),
            "it carries %zu bytes of a kind not known here (%s), which no signature protects",
            bytes, first);
}

static void judge_digest(struct judging *j, size_t index)
{
    struct verify_signature *s = &j->report->signature[index];
    const struct authenticode_view *v = &j->signatures->view[index];
    struct error why = ERROR_INIT;

    s->digest_good = signatures_fits(j->signatures, index);
    if (!s->digest_good)
        verify_say(VERIFY_PROBLEMS(s),
                   "the file is not what was signed: it was changed afterwards");
    if (!content_is_of(j->report->format, v->data, v->data_length)) {
        s->digest_good = false;
        verify_say(VERIFY_PROBLEMS(s), "it was made for another kind of file");
    }
    judge_pages(j, index);
    s->signature_good = authenticode_check(v, &why);
    if (!s->signature_good)
        verify_say(VERIFY_PROBLEMS(s), "%s", why.text);
    if (!authenticode_is_sha2(v->md))
        verify_say(VERIFY_PROBLEMS(s), "its digest is %s, which Windows does not trust",
                   EVP_MD_get0_name(v->md));
    else if (!authenticode_is_sha2(v->signer_md))
        verify_say(VERIFY_PROBLEMS(s), "it was signed over %s, which Windows does not trust",
                   EVP_MD_get0_name(v->signer_md));
}

static bool is_wanted(const struct verify_options *o, const struct verify_signature *s)
{
    return o->certificate == NULL ||
           (s->signer != NULL && cert_pin_matches(s->signer, o->certificate));
}

/* One signature by the wanted certificate is enough; others may stand beside it. */
static void demand_certificate(struct judging *j)
{
    struct verify_report *r = j->report;

    for (size_t i = 0; i < r->count; i++)
        if (is_wanted(j->options, &r->signature[i]))
            return;
    verify_say(VERIFY_PROBLEMS(r),
               "none of its signatures was made with the profile's certificate");
}

/* What is demanded of signatures by the wanted certificate only. */
static void demand_more(struct judging *j, struct verify_signature *s)
{
    const struct verify_options *o = j->options;

    if (!is_wanted(o, s))
        return;
    if (o->timestamp && s->timestamp == NULL)
        verify_say(VERIFY_PROBLEMS(s),
                   s->has_timestamp ? "none of its timestamps is good, and the profile wants one"
                                    : "it has no timestamp, and the profile wants one");
    if (o->page_hashes && j->has_pages && s->page_hashes == VERIFY_PAGES_NONE)
        verify_say(VERIFY_PROBLEMS(s), "it has no page hashes, and the profile wants them");
}

static void judge(struct judging *j)
{
    struct verify_report *r = j->report;

    demand_certificate(j);
    r->good = r->count > 0 && r->problem_count == 0;
    for (size_t i = 0; i < r->count; i++) {
        struct verify_signature *s = &r->signature[i];

        judge_digest(j, i);
        note_unprotected(j, i);
        verify_timestamps(&j->signatures->view[i], j->options, j->timestamp_trust, s);
        verify_signer(j->options, j->trust, s);
        demand_more(j, s);
        r->good = r->good && s->problem_count == 0;
        r->words_lost = r->words_lost || s->words_lost;
    }
}

static bool verify(struct judging *j, const char *name, const struct format *format,
                   struct format_file *file, struct cancel *cancel, struct error *e)
{
    const char *flaw;

    j->report->format = format->name;
    j->has_pages = format->pages != NULL;
    if (!signatures_read(j->signatures, format, file, e))
        return error_prefix(e, "'%s'", name);
    if (j->signatures->count == 0) {
        verify_say(VERIFY_PROBLEMS(j->report), "it is not signed");
        return true;
    }
    if (!describe_all(j, e) || !signatures_digest(j->signatures, format, file, NULL, -1, cancel, e))
        return false;
    for (unsigned i = 0; format->flaw != NULL && (flaw = format->flaw(file, i)) != NULL; i++)
        verify_say(VERIFY_PROBLEMS(j->report), "%s", flaw);
    judge(j);
    return !j->report->words_lost || error_set_memory(e);
}

/* A reference of our own. */
static X509_STORE *trusted_roots(X509_STORE *store)
{
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
        j.trust = trusted_roots(options->trust);
        j.timestamp_trust = options->timestamp_trust == NULL ? j.trust : options->timestamp_trust;
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

static void free_signature(struct verify_signature *s)
{
    X509_free(s->signer);
    sk_X509_pop_free(s->certificates, X509_free);
    sk_X509_pop_free(s->chain, X509_free);
    verify_timestamps_free(s);
    free(s->file_digest);
    free(s->description);
    free(s->url);
    verify_words_free(s->problems, s->problem_count);
    verify_words_free(s->notes, s->note_count);
}

void verify_report_free(struct verify_report *report)
{
    for (size_t i = 0; i < report->count; i++)
        free_signature(&report->signature[i]);
    free(report->signature);
    verify_words_free(report->problems, report->problem_count);
    *report = (struct verify_report){0};
}
