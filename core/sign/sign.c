/* SPDX-License-Identifier: Apache-2.0 */
/* One file, from reading it to the finished signature. */
#include "sign/sign.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cert/view.h"
#include "sign/authenticode.h"
#include "sign/format.h"

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
    char *kept;
    uint64_t size;
};

static bool has_surrogate(const char *utf8)
{
    /* A lead byte of four bytes: a character outside the BMP. */
    for (; *utf8 != '\0'; utf8++)
        if ((unsigned char)*utf8 >= 0xf0)
            return true;
    return false;
}

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x21 || (unsigned char)*text > 0x7e)
            return false;
    return true;
}

bool sign_spec_check(const struct sign_spec *spec, struct error *e)
{
    enum signer_mechanism mechanism;

    if (spec->description != NULL && (!text_is_utf8(spec->description, strlen(spec->description)) ||
                                      has_surrogate(spec->description)))
        return error_set(
            e, ERROR_PROFILE,
            "description: it has characters that a Windows signature cannot carry (outside the "
            "Basic Multilingual Plane, such as emoji)");
    if (spec->url != NULL && !is_ascii(spec->url))
        return error_set(e, ERROR_PROFILE, "url: only printable ASCII; encode the rest with %%");
    if (!signer_mechanism_for(X509_get0_pubkey(spec->leaf), &mechanism, e))
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
    free(j->kept);
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

/* One pass: our digest, and that of the signature which is there, where it matters. */
static bool read_and_digest(struct sign_job *job, const struct authenticode_view *existing,
                            int output, struct cancel *cancel, struct error *e)
{
    const EVP_MD *md[2] = {signer_hash_md(job->spec->hash)};
    uint8_t digest[2][EVP_MAX_MD_SIZE];
    size_t count = 1;
    struct error why = ERROR_INIT;

    if (existing != NULL)
        md[count++] = existing->md;
    if (!job->format->digest(job->file, output, md, count, digest, cancel, e))
        return false;
    job->digest_length = (size_t)EVP_MD_get_size(md[0]);
    memcpy(job->digest, digest[0], job->digest_length);
    if (existing == NULL)
        return true;
    if (memcmp(digest[1], existing->digest, existing->digest_length) != 0)
        return does_not_hold(job, "the file was changed after it was signed", e);
    return authenticode_check(existing, &why) || does_not_hold(job, why.text, e);
}

/* Keeps what is there, or takes it as the signature that ours is nested in. */
static bool with_existing(struct sign_job *job, enum sign_state *state, struct cancel *cancel,
                          struct error *e)
{
    bool keep = job->spec->existing == SIGN_KEEP;
    struct authenticode_view existing;
    struct buffer second = BUFFER_INIT;
    bool good;

    if (!keep) {
        if (!job->format->extract(job->file, 1, &second, e))
            return false;
        if (second.length > 0) {
            buffer_free(&second);
            return error_set(
                e, ERROR_UNSUPPORTED,
                "'%s' carries several signatures side by side (as EFI images may); only "
                "--existing replace or keep can be used",
                job->name);
        }
    }
    if (!authenticode_view(job->outer.data, job->outer.length, &existing, e))
        return does_not_hold(job, "it cannot be read", e);
    good = read_and_digest(job, &existing, keep ? -1 : job->output, cancel, e);
    if (good && keep) {
        job->kept = cert_common_name(existing.signer);
        *state = SIGN_KEPT;
        good = job->kept != NULL || error_set_memory(e);
    }
    authenticode_view_free(&existing);
    return good;
}

static bool begin(struct sign_job *job, int input, enum sign_state *state, struct cancel *cancel,
                  struct error *e)
{
    struct buffer content = BUFFER_INIT;
    off_t size = lseek(input, 0, SEEK_END);
    bool good;

    job->size = size > 0 ? (uint64_t)size : 0;
    job->format = format_detect(input, job->name, e);
    if (job->format == NULL)
        return false;
    job->file = job->format->open(input, job->name, e);
    if (job->file == NULL)
        return false;
    /* What is to be replaced need not even be readable. */
    if (job->spec->existing != SIGN_REPLACE && !job->format->extract(job->file, 0, &job->outer, e))
        return false;
    *state = SIGN_READY;
    good = job->outer.length > 0 ? with_existing(job, state, cancel, e)
                                 : read_and_digest(job, NULL, job->output, cancel, e);
    if (!good || *state == SIGN_KEPT)
        return good;
    good =
        job->format->content(job->file, signer_hash_md(job->spec->hash), job->digest, &content, e);
    if (good)
        job->signature = authenticode_new(job->spec, &content, e);
    buffer_free(&content);
    return job->signature != NULL;
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

const char *sign_kept_signer(const struct sign_job *job)
{
    return job->kept;
}

uint64_t sign_size(const struct sign_job *job)
{
    return job->size;
}

/* What stands in the output now must be what was meant to. */
static bool read_back(const struct sign_job *job, const struct buffer *der, struct error *e)
{
    struct format_file *file = job->format->open(job->output, job->name, e);
    struct buffer written = BUFFER_INIT;
    bool same = file != NULL && job->format->extract(file, 0, &written, e);

    if (same &&
        (written.length != der->length || memcmp(written.data, der->data, der->length) != 0))
        same = error_set(e, ERROR_SYSTEM, "'%s': the signature was not written as it should be",
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
        done = authenticode_nest(&job->outer, &own, &whole, e);
        der = &whole;
    }
    done = done && job->format->embed(job->file, job->output, der->data, der->length, e) &&
           read_back(job, der, e);
    buffer_free(&own);
    buffer_free(&whole);
    return done;
}
