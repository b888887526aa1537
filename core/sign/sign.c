/* SPDX-License-Identifier: Apache-2.0 */
/* One file, from reading it to the finished signature. */
#include "sign/sign.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
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
    struct authenticode *signature; /* that is to be made; NULL: none is */
    struct buffer own; /* the signature that was made, with its timestamp; empty: not yet */
    size_t others;     /* signatures of the input that stay, nested ones counted */
    char *signer;

    /* The signature whose timestamp is next. */
    uint8_t *to_stamp; /* its value; NULL: none waits */
    size_t to_stamp_length;
    struct buffer *to_stamp_in; /* itself, or the one that it is nested in */
    unsigned to_stamp_index;    /* in there, as unsigned_add counts */
};

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

/* A timestamp would come after the certificate's end, and prove nothing. */
static bool is_too_late(const struct authenticode_view *v)
{
    return v->signer == NULL || X509_cmp_time(X509_get0_notAfter(v->signer), NULL) < 0;
}

/* Whether a signature is to get a timestamp. */
static bool lacks_timestamp(const struct sign_spec *spec, const struct authenticode_view *v)
{
    if (!spec->timestamp || v->has_timestamp)
        return false;
    if (spec->stamp_only)
        return !is_too_late(v);
    return v->signer != NULL && X509_cmp(v->signer, spec->leaf) == 0;
}

/* Where timestamps are all that is wanted, it is told that one is wanted and of no use. */
static bool all_in_time(const struct sign_job *job, const struct signatures *s, struct error *e)
{
    char when[CLOCK_TEXT_SIZE], *name;

    for (size_t i = 0; job->spec->stamp_only && i < s->count; i++) {
        X509 *signer = s->view[i].signer;

        if (s->view[i].has_timestamp || signer == NULL || !is_too_late(&s->view[i]))
            continue;
        name = cert_common_name(signer);
        error_set(e, ERROR_SIGNATURE,
                  "'%s': the signature of '%s', whose certificate expired at %s, has no timestamp, "
                  "and one of today would prove nothing; sign it anew",
                  job->name, name == NULL ? "?" : name, clock_text(cert_not_after(signer), when));
        free(name);
        return false;
    }
    return true;
}

static bool any_lacks_timestamp(const struct sign_job *job, const struct signatures *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (lacks_timestamp(job->spec, &s->view[i]))
            return true;
    return false;
}

static bool wait_for_stamp(struct sign_job *job, struct buffer *in, const struct signatures *s,
                           size_t index, struct error *e)
{
    const ASN1_OCTET_STRING *value = s->view[index].info->enc_digest;

    job->to_stamp_length = (size_t)ASN1_STRING_length(value);
    job->to_stamp = malloc(job->to_stamp_length + 1);
    if (job->to_stamp == NULL)
        return error_set_memory(e);
    memcpy(job->to_stamp, ASN1_STRING_get0_data(value), job->to_stamp_length);
    job->to_stamp_in = in;
    job->to_stamp_index = (unsigned)index;
    return true;
}

/* Looks in a signature and those nested in it. */
static bool find_in(struct sign_job *job, struct buffer *der, struct error *e)
{
    struct signatures *s = signatures_new(e);
    bool good = s != NULL && signatures_add(s, der->data, der->length, e);

    for (size_t i = 0; good && job->to_stamp == NULL && i < s->count; i++)
        if (lacks_timestamp(job->spec, &s->view[i]))
            good = wait_for_stamp(job, der, s, i, e);
    signatures_free(&s);
    return good;
}

/* Which signature gets the next timestamp. They are looked through anew each time: what is added to
 * a nested signature can change its place among its sisters, which are a SET, sorted in DER. */
static bool find_to_stamp(struct sign_job *job, struct error *e)
{
    struct embedding *m = &job->embedding;
    bool good = true;

    free(job->to_stamp);
    job->to_stamp = NULL;
    if (!job->spec->timestamp)
        return true;
    if (job->own.length > 0)
        good = find_in(job, &job->own, e);
    for (size_t i = 0; good && job->to_stamp == NULL && i < m->outer_count; i++)
        good = find_in(job, &m->outer[i], e);
    return good || error_prefix(e, "'%s'", job->name);
}

/* The pass that finds out whether all that is there holds. It writes only where a timestamp is to
 * be added. */
static bool keep(struct sign_job *job, struct signatures *s, enum sign_state *state,
                 struct cancel *cancel, struct error *e)
{
    struct embedding *m = &job->embedding;
    const struct format_options stay = {.append = true};
    bool lacks = any_lacks_timestamp(job, s);

    if (!lacks && !all_in_time(job, s, e))
        return false;
    *state = lacks ? SIGN_UNSTAMPED : SIGN_KEPT;
    if (!signatures_digest(s, m->format, m->file, lacks ? &stay : NULL, lacks ? m->output : -1,
                           cancel, e)) {
        if (lacks && e != NULL && e->code == ERROR_UNSUPPORTED)
            error_prefix(e, "no timestamp can be added");
        return false;
    }
    if (!embedding_all_hold(m, s, e) || !find_to_stamp(job, e))
        return false;
    set_digest(job, s, s->view[0].md);
    job->others = s->count;
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
    *state = SIGN_READY;
    /* Adding it once is enough, however often the command is given. */
    if (find_own(job, s) < s->count) {
        authenticode_free(&job->signature);
        *state = any_lacks_timestamp(job, s) ? SIGN_UNSTAMPED : SIGN_KEPT;
        if (!find_to_stamp(job, e))
            return false;
    }
    job->signer = cert_common_name(job->spec->leaf);
    return job->signer != NULL || error_set_memory(e);
}

static bool not_signed(const struct sign_job *job, struct error *e)
{
    return error_set(e, ERROR_SIGNATURE,
                     "'%s' is not signed, and a timestamp is put into a signature: sign it first",
                     job->name);
}

static bool begin(struct sign_job *job, int input, int output, enum sign_state *state,
                  struct cancel *cancel, struct error *e)
{
    struct embedding *m = &job->embedding;
    struct signatures *s = signatures_new(e);
    enum sign_existing existing = job->spec->stamp_only ? SIGN_KEEP : job->spec->existing;
    bool good = s != NULL && embedding_open(m, input, job->name, output, existing, e) &&
                embedding_read(m, s, e);

    if (good && s->count > 0 && existing == SIGN_KEEP)
        good = keep(job, s, state, cancel, e);
    else if (good && job->spec->stamp_only)
        good = not_signed(job, e);
    else if (good)
        good = prepare(job, s, state, cancel, e);
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

struct sign_job *sign_begin_content(const struct buffer *content, const uint8_t *digest,
                                    const char *name, const struct sign_spec *spec, struct error *e)
{
    struct sign_job *job = job_new(name, spec, e);

    if (job == NULL)
        return NULL;
    job->digest_length = (size_t)EVP_MD_get_size(signer_hash_md(spec->hash));
    memcpy(job->digest, digest, job->digest_length);
    job->signature = authenticode_new(spec, content, e);
    job->signer = cert_common_name(spec->leaf);
    if (job->signature != NULL && job->signer == NULL)
        error_set_memory(e);
    if (job->signature == NULL || job->signer == NULL)
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

/* Every signature of the input, whatever was added to it, and none beside. */
static bool has_all(const struct sign_job *job, const struct signatures *made)
{
    struct signatures *s = signatures_new(NULL);
    const struct embedding *m = &job->embedding;
    bool all = s != NULL && made->count == job->others;

    for (size_t i = 0; all && i < m->outer_count; i++)
        all = signatures_add(s, m->outer[i].data, m->outer[i].length, NULL);
    for (size_t i = 0; all && i < s->count; i++) {
        size_t j = 0;

        while (j < made->count &&
               ASN1_STRING_cmp(made->view[j].info->enc_digest, s->view[i].info->enc_digest) != 0)
            j++;
        all = j < made->count;
    }
    signatures_free(&s);
    return all;
}

static bool is_wanted(const struct sign_job *job, const struct signatures *made)
{
    if (job->signature == NULL)
        return has_all(job, made);
    return made->count == job->others + 1 && find_own(job, made) < made->count;
}

enum sign_made sign_is_made(const struct sign_job *job, int file, struct cancel *cancel)
{
    const struct format *format = job->embedding.format;
    struct signatures *s = signatures_new(NULL);
    struct format_file *made = format->open(file, job->name, NULL);
    enum sign_made is = SIGN_NOT_MADE;

    if (s != NULL && made != NULL && signatures_read(s, format, made, NULL) && is_wanted(job, s) &&
        signatures_digest(s, format, made, NULL, -1, cancel, NULL) &&
        embedding_all_hold(&job->embedding, s, NULL))
        is = any_lacks_timestamp(job, s) ? SIGN_MADE_UNSTAMPED : SIGN_MADE;
    format->close(&made);
    signatures_free(&s);
    return is;
}

enum sign_made sign_is_made_content(const struct sign_job *job, const struct buffer *signature)
{
    struct signatures *s = signatures_new(NULL);
    enum sign_made is = SIGN_NOT_MADE;

    if (s != NULL && signatures_add(s, signature->data, signature->length, NULL) && s->count == 1 &&
        find_own(job, s) == 0 && authenticode_check(&s->view[0], NULL))
        is = any_lacks_timestamp(job, s) ? SIGN_MADE_UNSTAMPED : SIGN_MADE;
    signatures_free(&s);
    return is;
}

const char *sign_signer(const struct sign_job *job)
{
    return job->signer;
}

uint64_t sign_size(const struct sign_job *job)
{
    return job->embedding.size;
}

/* Put in now it costs nothing; a signature that is there is parsed, encoded and checked anew. */
static bool set_note(struct sign_job *job, struct error *e)
{
    return job->embedding.outer_count > 0 ||
           authenticode_set_note(job->signature, &job->embedding.note, e);
}

bool sign_put(struct sign_job *job, const uint8_t *signature, size_t length, struct error *e)
{
    size_t digest_length;
    const uint8_t *digest = sign_digest(job, &digest_length);

    if (!signer_verify(X509_get0_pubkey(job->spec->leaf), job->spec->hash, digest, digest_length,
                       signature, length, e))
        return error_prefix(e, "'%s': what the token signed", job->name);
    return set_note(job, e) &&
           authenticode_finish(job->signature, signature, length, &job->own, e) &&
           find_to_stamp(job, e);
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

    if (!unsigned_add(job->to_stamp_in, job->to_stamp_index, &value, &stamped, e)) {
        buffer_free(&stamped);
        return error_prefix(e, "'%s'", job->name);
    }
    buffer_free(job->to_stamp_in);
    *job->to_stamp_in = stamped;
    return find_to_stamp(job, e);
}

const struct buffer *sign_made(const struct sign_job *job)
{
    return &job->own;
}

bool sign_finish(struct sign_job *job, struct error *e)
{
    struct embedding *m = &job->embedding;

    if (job->own.length > 0)
        return embedding_add(m, &job->own, e);
    return embedding_put(m, m->outer, m->outer_count, e);
}
