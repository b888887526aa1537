/* SPDX-License-Identifier: Apache-2.0 */
/* One file, from reading it to the finished signature. */
#include "sign/sign.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "cert/view.h"
#include "sign/authenticode.h"
#include "sign/format.h"
#include "sign/signatures.h"

struct sign_job {
    const struct format *format;
    struct format_file *file;
    const struct sign_spec *spec;
    char *name;
    int output;
    uint8_t digest[EVP_MAX_MD_SIZE];
    size_t digest_length;
    struct authenticode *signature;
    struct buffer outer; /* the signature that ours is nested in; empty: none */
    size_t others;       /* signatures of the input that stay */
    char *signer;
    uint64_t size;
};

/* A character beyond U+FFFF: four bytes of UTF-8, two units of UTF-16, none of BMPString. */
static bool beyond_bmp(const char *utf8)
{
    for (; *utf8 != '\0'; utf8++)
        if ((unsigned char)*utf8 >= 0xf0)
            return true;
    return false;
}

static bool is_visible_ascii(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x21 || (unsigned char)*text > 0x7e)
            return false;
    return true;
}

static bool check_texts(const struct sign_spec *spec, struct error *e)
{
    const char *description = spec->description;

    if (description != NULL && !text_is_utf8(description, strlen(description)))
        return error_set(e, ERROR_PROFILE, "description: it is not UTF-8");
    if (description != NULL && beyond_bmp(description))
        return error_set(
            e, ERROR_PROFILE,
            "description: it has characters that a Windows signature cannot carry (outside the "
            "Basic Multilingual Plane, such as emoji)");
    if (spec->url != NULL && !is_visible_ascii(spec->url))
        return error_set(e, ERROR_PROFILE, "url: only printable ASCII; encode the rest with %%");
    return true;
}

bool sign_spec_check(const struct sign_spec *spec, struct error *e)
{
    EVP_PKEY *key = X509_get0_pubkey(spec->leaf);
    enum signer_mechanism mechanism;

    if (!check_texts(spec, e))
        return false;
    if (key == NULL)
        return error_set(e, ERROR_UNFIT, "the certificate has a public key of unknown type");
    if (!signer_mechanism_for(key, &mechanism, e))
        return false;
    return mechanism == spec->mechanism ||
           error_set(e, ERROR_UNFIT, "the certificate's key is of another type than the token's");
}

static struct sign_job *job_new(const char *name, int output, const struct sign_spec *spec,
                                struct error *e)
{
    struct sign_job *job = calloc(1, sizeof *job);

    if (job == NULL || (job->name = strdup(name)) == NULL) {
        sign_free(&job);
        error_set_memory(e);
        return NULL;
    }
    job->output = output;
    job->spec = spec;
    return job;
}

void sign_free(struct sign_job **job)
{
    struct sign_job *j = *job;

    if (j == NULL)
        return;
    if (j->format != NULL)
        j->format->close(&j->file);
    authenticode_free(&j->signature);
    buffer_free(&j->outer);
    free(j->name);
    free(j->signer);
    free(j);
    *job = NULL;
}

/* A signature that does not hold is not built upon, and not silently thrown away. */
static bool does_not_hold(const struct sign_job *job, const char *why, struct error *e)
{
    return error_set(
        e, ERROR_SIGNATURE,
        "'%s' carries a signature that does not hold (%s); to sign it anew: --existing replace",
        job->name, why);
}

/* Reads what is there. The first signature is what ours is nested in. */
static bool read_existing(struct sign_job *job, struct signatures *s, struct error *e)
{
    struct error why = ERROR_INIT;

    /* What is to be replaced need not even be readable. */
    if (job->spec->existing == SIGN_REPLACE ||
        (signatures_read(s, job->format, job->file, &why) &&
         job->format->extract(job->file, 0, &job->outer, &why)))
        return true;
    if (why.code == ERROR_FORMAT)
        return does_not_hold(job, why.text, e);
    return error_set(e, why.code, "'%s': %s", job->name, why.text);
}

static bool all_hold(const struct sign_job *job, const struct signatures *s, struct error *e)
{
    struct error why = ERROR_INIT;

    for (size_t i = 0; i < s->count; i++) {
        if (!signatures_fits(s, i))
            return does_not_hold(job, "the file was changed after it was signed", e);
        if (!authenticode_check(&s->view[i], &why))
            return does_not_hold(job, why.text, e);
    }
    return true;
}

/* Ours can be nested in the first signature only where no other stands beside that. */
static bool may_nest(const struct sign_job *job, const struct signatures *s, struct error *e)
{
    for (size_t i = 1; i < s->count; i++)
        if (s->depth[i] == 0)
            return error_set(
                e, ERROR_UNSUPPORTED,
                "'%s' carries several signatures side by side (as EFI images may); only "
                "--existing replace or keep can be used",
                job->name);
    return true;
}

static void set_digest(struct sign_job *job, const struct signatures *s, const EVP_MD *md)
{
    job->digest_length = (size_t)EVP_MD_get_size(md);
    memcpy(job->digest, signatures_file_digest(s, md), job->digest_length);
}

/* The pass that finds out whether all that is there holds. */
static bool keep(struct sign_job *job, struct signatures *s, struct cancel *cancel, struct error *e)
{
    if (!signatures_digest(s, job->format, job->file, -1, cancel, e) || !all_hold(job, s, e))
        return false;
    set_digest(job, s, s->view[0].md);
    job->signer = cert_common_name(s->view[0].signer);
    return job->signer != NULL || error_set_memory(e);
}

/* The number of the signature that this job would make; s->count: it is not there. */
static size_t find_own(const struct sign_job *job, const struct signatures *s)
{
    size_t i = 0;

    while (i < s->count && !authenticode_is(job->signature, &s->view[i]))
        i++;
    return i;
}

/* The pass that writes. The digests of signatures that are there come from the same bytes. */
static bool prepare(struct sign_job *job, struct signatures *s, enum sign_state *state,
                    struct cancel *cancel, struct error *e)
{
    const EVP_MD *md = signer_hash_md(job->spec->hash);
    struct buffer content = BUFFER_INIT;

    if (!may_nest(job, s, e) || !signatures_need(s, md, e) ||
        !signatures_digest(s, job->format, job->file, job->output, cancel, e) ||
        !all_hold(job, s, e))
        return false;
    set_digest(job, s, md);
    if (job->format->content(job->file, md, job->digest, &content, e))
        job->signature = authenticode_new(job->spec, &content, e);
    buffer_free(&content);
    if (job->signature == NULL)
        return false;
    job->others = s->count;
    /* Adding it once is enough, however often the command is given. */
    if (find_own(job, s) < s->count)
        *state = SIGN_KEPT;
    job->signer = cert_common_name(job->spec->leaf);
    return job->signer != NULL || error_set_memory(e);
}

static bool open_file(struct sign_job *job, int input, struct error *e)
{
    struct stat status;

    if (fstat(input, &status) != 0)
        return error_set_errno(e, "cannot read '%s'", job->name);
    job->size = (uint64_t)status.st_size;
    job->format = format_detect(input, job->name, e);
    if (job->format == NULL)
        return false;
    job->file = job->format->open(input, job->name, e);
    return job->file != NULL;
}

static bool begin(struct sign_job *job, int input, enum sign_state *state, struct cancel *cancel,
                  struct error *e)
{
    struct signatures *s = signatures_new(e);
    bool good = s != NULL && open_file(job, input, e) && read_existing(job, s, e);

    *state = SIGN_READY;
    if (good && s->count > 0 && job->spec->existing == SIGN_KEEP) {
        *state = SIGN_KEPT;
        good = keep(job, s, cancel, e);
    } else if (good) {
        good = prepare(job, s, state, cancel, e);
    }
    signatures_free(&s);
    return good;
}

struct sign_job *sign_begin(int input, const char *name, int output, const struct sign_spec *spec,
                            enum sign_state *state, struct cancel *cancel, struct error *e)
{
    struct sign_job *job = job_new(name, output, spec, e);

    if (job != NULL && !begin(job, input, state, cancel, e))
        sign_free(&job);
    return job;
}

const uint8_t *sign_digest(const struct sign_job *job, size_t *length)
{
    return authenticode_digest(job->signature, length);
}

const uint8_t *sign_file_digest(const struct sign_job *job, size_t *length)
{
    *length = job->digest_length;
    return job->digest;
}

bool sign_is_made(const struct sign_job *job, int file, struct cancel *cancel)
{
    struct signatures *s = signatures_new(NULL);
    struct format_file *made = job->format->open(file, job->name, NULL);
    bool same = s != NULL && made != NULL && signatures_read(s, job->format, made, NULL) &&
                s->count == job->others + 1 && find_own(job, s) < s->count &&
                signatures_digest(s, job->format, made, -1, cancel, NULL) && all_hold(job, s, NULL);

    job->format->close(&made);
    signatures_free(&s);
    return same;
}

const char *sign_signer(const struct sign_job *job)
{
    return job->signer;
}

uint64_t sign_size(const struct sign_job *job)
{
    return job->size;
}

/* Whoever opens the output now must find in it what was meant to be there. */
static bool read_back(const struct sign_job *job, const struct buffer *der, struct error *e)
{
    struct format_file *file = job->format->open(job->output, job->name, e);
    struct buffer written = BUFFER_INIT;
    bool same = false;

    if (file == NULL)
        return error_prefix(e, "as it was written");
    if (!job->format->extract(file, 0, &written, e))
        error_prefix(e, "'%s', as it was written", job->name);
    else
        same =
            (written.length == der->length && memcmp(written.data, der->data, der->length) == 0) ||
            error_set(e, ERROR_SYSTEM, "'%s': the signature was not written as it should be",
                      job->name);
    job->format->close(&file);
    buffer_free(&written);
    return same;
}

bool sign_finish(struct sign_job *job, const uint8_t *signature, size_t length, struct error *e)
{
    struct buffer own = BUFFER_INIT, whole = BUFFER_INIT;
    const struct buffer *der = &own;
    size_t digest_length;
    const uint8_t *digest = sign_digest(job, &digest_length);
    bool done;

    if (!signer_verify(X509_get0_pubkey(job->spec->leaf), job->spec->hash, digest, digest_length,
                       signature, length, e))
        return error_prefix(e, "'%s': what the token signed", job->name);
    done = authenticode_finish(job->signature, signature, length, &own, e);
    if (done && job->outer.length > 0) {
        done =
            authenticode_nest(&job->outer, &own, &whole, e) || error_prefix(e, "'%s'", job->name);
        der = &whole;
    }
    done = done && job->format->embed(job->file, job->output, der->data, der->length, e) &&
           read_back(job, der, e);
    buffer_free(&own);
    buffer_free(&whole);
    return done;
}
