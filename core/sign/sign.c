/* SPDX-License-Identifier: Apache-2.0 */
/* One file, from reading it to the finished signature. */
#include "sign/sign.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cert/view.h"
#include "sign/authenticode.h"
#include "sign/embedding.h"
#include "sign/signatures.h"
#include "sign/spc.h"
#include "sign/unsigned.h"

struct sign_job {
    struct embedding embedding;
    const struct sign_spec *spec;
    char *name;
    uint8_t digest[EVP_MAX_MD_SIZE];
    size_t digest_length;
    struct authenticode *signature;
    struct buffer own; /* the signature that was made, with its timestamp; empty: not yet */
    size_t others;     /* signatures of the input that stay, nested ones counted */
    uint8_t *to_stamp; /* the value of the signature that waits for a timestamp */
    size_t to_stamp_length;
    char *signer;
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

static struct sign_job *job_new(const char *name, const struct sign_spec *spec, struct error *e)
{
    struct sign_job *job = calloc(1, sizeof *job);

    if (job == NULL || (job->name = strdup(name)) == NULL) {
        sign_free(&job);
        error_set_memory(e);
        return NULL;
    }
    job->spec = spec;
    return job;
}

void sign_free(struct sign_job **job)
{
    struct sign_job *j = *job;

    if (j == NULL)
        return;
    embedding_free(&j->embedding);
    authenticode_free(&j->signature);
    buffer_free(&j->own);
    free(j->to_stamp);
    free(j->name);
    free(j->signer);
    free(j);
    *job = NULL;
}

static void set_digest(struct sign_job *job, const struct signatures *s, const EVP_MD *md)
{
    job->digest_length = (size_t)EVP_MD_get_size(md);
    memcpy(job->digest, signatures_file_digest(s, md), job->digest_length);
}

/* The pass that finds out whether all that is there holds. */
static bool keep(struct sign_job *job, struct signatures *s, struct cancel *cancel, struct error *e)
{
    struct embedding *m = &job->embedding;

    if (!signatures_digest(s, m->format, m->file, NULL, -1, cancel, e) ||
        !embedding_all_hold(m, s, e))
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
    const struct format_options options = {
        .page_hashes = job->spec->page_hashes,
        .signature_ex = job->spec->signature_ex,
    };
    struct embedding *m = &job->embedding;
    struct buffer content = BUFFER_INIT;

    if (!embedding_pass(m, s, md, &options, cancel, e))
        return false;
    set_digest(job, s, md);
    if (m->format->content(m->file, md, job->digest, &content, e))
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

static bool begin(struct sign_job *job, int input, int output, enum sign_state *state,
                  struct cancel *cancel, struct error *e)
{
    struct embedding *m = &job->embedding;
    struct signatures *s = signatures_new(e);
    bool good = s != NULL && embedding_open(m, input, job->name, output, job->spec->existing, e) &&
                embedding_read(m, s, e);

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
    struct sign_job *job = job_new(name, spec, e);

    if (job != NULL && !begin(job, input, output, state, cancel, e))
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
    const struct format *format = job->embedding.format;
    struct signatures *s = signatures_new(NULL);
    struct format_file *made = format->open(file, job->name, NULL);
    bool same = s != NULL && made != NULL && signatures_read(s, format, made, NULL) &&
                s->count == job->others + 1 && find_own(job, s) < s->count &&
                signatures_digest(s, format, made, NULL, -1, cancel, NULL) &&
                embedding_all_hold(&job->embedding, s, NULL);

    format->close(&made);
    signatures_free(&s);
    return same;
}

const char *sign_signer(const struct sign_job *job)
{
    return job->signer;
}

uint64_t sign_size(const struct sign_job *job)
{
    return job->embedding.size;
}

bool sign_put(struct sign_job *job, const uint8_t *signature, size_t length, struct error *e)
{
    size_t digest_length;
    const uint8_t *digest = sign_digest(job, &digest_length);

    if (!signer_verify(X509_get0_pubkey(job->spec->leaf), job->spec->hash, digest, digest_length,
                       signature, length, e))
        return error_prefix(e, "'%s': what the token signed", job->name);
    if (!authenticode_finish(job->signature, signature, length, &job->own, e))
        return false;
    if (!job->spec->timestamp)
        return true;
    job->to_stamp = malloc(length);
    if (job->to_stamp == NULL)
        return error_set_memory(e);
    memcpy(job->to_stamp, signature, length);
    job->to_stamp_length = length;
    return true;
}

const uint8_t *sign_to_stamp(const struct sign_job *job, size_t *length)
{
    *length = job->to_stamp_length;
    return job->to_stamp;
}

bool sign_put_timestamp(struct sign_job *job, const struct buffer *token, struct error *e)
{
    const struct unsigned_value value = {
        .oid = SPC_RFC3161_OID,
        .type = V_ASN1_SEQUENCE,
        .data = token->data,
        .length = token->length,
    };
    struct buffer stamped = BUFFER_INIT;

    if (!unsigned_add(&job->own, 0, &value, &stamped, e)) {
        buffer_free(&stamped);
        return error_prefix(e, "'%s'", job->name);
    }
    buffer_free(&job->own);
    job->own = stamped;
    free(job->to_stamp);
    job->to_stamp = NULL;
    return true;
}

bool sign_finish(struct sign_job *job, struct error *e)
{
    return embedding_add(&job->embedding, &job->own, e);
}
