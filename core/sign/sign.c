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
#include "sign/note.h"
#include "sign/signatures.h"
#include "sign/spc.h"
#include "sign/unsigned.h"

struct sign_job {
    const struct format *format;
    struct format_file *file;
    const struct sign_spec *spec;
    char *name;
    int output;
    uint8_t digest[EVP_MAX_MD_SIZE];
    size_t digest_length;
    struct authenticode *signature;
    struct buffer own;    /* the signature that was made, with its timestamp; empty: not yet */
    struct buffer note;   /* what the first signature is to keep for `remove` */
    struct buffer *outer; /* the signatures of the input that stand side by side and stay */
    size_t outer_count;
    size_t others;     /* signatures of the input that stay, nested ones counted */
    uint8_t *to_stamp; /* the value of the signature that waits for a timestamp */
    size_t to_stamp_length;
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
    for (size_t i = 0; i < j->outer_count; i++)
        buffer_free(&j->outer[i]);
    free(j->outer);
    buffer_free(&j->own);
    buffer_free(&j->note);
    free(j->to_stamp);
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

/* The signatures that stand side by side. */
static bool read_outer(struct sign_job *job, struct error *e)
{
    struct buffer der = BUFFER_INIT;
    bool good;

    job->outer = calloc(FORMAT_SIGNATURES, sizeof *job->outer);
    good = job->outer != NULL || error_set_memory(e);
    while (good && job->outer_count < FORMAT_SIGNATURES) {
        good = job->format->extract(job->file, (unsigned)job->outer_count, &der, e);
        if (!good || der.length == 0)
            break;
        job->outer[job->outer_count++] = der;
        der = (struct buffer)BUFFER_INIT;
    }
    buffer_free(&der);
    return good;
}

/* The note of a signature that goes stays: the original is what was there before that one. */
static bool read_note(struct sign_job *job, struct error *e)
{
    struct buffer first = BUFFER_INIT;
    bool good = !job->format->extract(job->file, 0, &first, NULL) || first.length == 0 ||
                note_get(&first, &job->note, e);

    buffer_free(&first);
    return good;
}

/* Reads what is there. */
static bool read_existing(struct sign_job *job, struct signatures *s, struct error *e)
{
    struct error why = ERROR_INIT;

    /* What is to be replaced need not even be readable. */
    if (job->spec->existing == SIGN_REPLACE)
        return read_note(job, e);
    if (signatures_read(s, job->format, job->file, &why) && read_outer(job, &why))
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

static bool stands_beside(const struct sign_job *job)
{
    return job->format->side_by_side != NULL && job->format->side_by_side(job->file);
}

/* Ours can be nested in the first signature only where no other stands beside that. */
static bool may_nest(const struct sign_job *job, struct error *e)
{
    return job->outer_count < 2 || stands_beside(job) ||
           error_set(e, ERROR_UNSUPPORTED,
                     "'%s' carries several signatures side by side, which only EFI images may; "
                     "only --existing replace or keep can be used",
                     job->name);
}

static void set_digest(struct sign_job *job, const struct signatures *s, const EVP_MD *md)
{
    job->digest_length = (size_t)EVP_MD_get_size(md);
    memcpy(job->digest, signatures_file_digest(s, md), job->digest_length);
}

/* The pass that finds out whether all that is there holds. */
static bool keep(struct sign_job *job, struct signatures *s, struct cancel *cancel, struct error *e)
{
    if (!signatures_digest(s, job->format, job->file, NULL, -1, cancel, e) || !all_hold(job, s, e))
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

/* Of a file that is not signed. */
static bool take_note(struct sign_job *job, struct error *e)
{
    struct buffer first = BUFFER_INIT;
    bool good;

    if (job->format->note == NULL || job->note.length > 0)
        return true;
    good = job->format->extract(job->file, 0, &first, NULL) && first.length > 0;
    buffer_free(&first);
    return good || job->format->note(job->file, &job->note, e);
}

/* The pass that writes. The digests of signatures that are there come from the same bytes. */
static bool prepare(struct sign_job *job, struct signatures *s, enum sign_state *state,
                    struct cancel *cancel, struct error *e)
{
    const EVP_MD *md = signer_hash_md(job->spec->hash);
    const struct format_options options = {
        .page_hashes = job->spec->page_hashes,
        .signature_ex = job->spec->signature_ex,
        .append = s->count > 0,
    };
    struct buffer content = BUFFER_INIT;

    if (!may_nest(job, e) || !signatures_need(s, md, e) ||
        !signatures_digest(s, job->format, job->file, &options, job->output, cancel, e) ||
        !all_hold(job, s, e) || !take_note(job, e))
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
                signatures_digest(s, job->format, made, NULL, -1, cancel, NULL) &&
                all_hold(job, s, NULL);

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

static bool same_bytes(const struct buffer *a, const struct buffer *b)
{
    return a->length == b->length && memcmp(a->data, b->data, a->length) == 0;
}

/* Whoever opens the output now must find in it what was meant to be there. */
static bool read_back(const struct sign_job *job, const struct buffer *der, size_t count,
                      struct error *e)
{
    struct format_file *file = job->format->open(job->output, job->name, e);
    struct buffer written = BUFFER_INIT;
    bool good = file != NULL;

    if (file == NULL)
        return error_prefix(e, "as it was written");
    for (unsigned i = 0; good && i < count; i++) {
        good = job->format->extract(file, i, &written, e) ||
               error_prefix(e, "'%s', as it was written", job->name);
        good =
            good && (same_bytes(&written, &der[i]) ||
                     error_set(e, ERROR_SYSTEM,
                               "'%s': the signature was not written as it should be", job->name));
    }
    job->format->close(&file);
    buffer_free(&written);
    return good;
}

static bool write_signatures(struct sign_job *job, const struct buffer *der, size_t count,
                             struct error *e)
{
    return job->format->embed(job->file, job->output, der, count, e) &&
           read_back(job, der, count, e);
}

/* The first signature of the file, alone. */
static bool write_first(struct sign_job *job, struct error *e)
{
    struct buffer noted = BUFFER_INIT;
    bool done = note_add(&job->own, &job->note, &noted, e) && write_signatures(job, &noted, 1, e);

    buffer_free(&noted);
    return done;
}

static bool write_beside(struct sign_job *job, struct error *e)
{
    if (job->outer_count == FORMAT_SIGNATURES)
        return error_set(e, ERROR_UNSUPPORTED,
                         "'%s' carries 64 signatures already; no more are added", job->name);
    job->outer[job->outer_count++] = job->own;
    job->own = (struct buffer)BUFFER_INIT;
    return write_signatures(job, job->outer, job->outer_count, e);
}

static bool write_nested(struct sign_job *job, struct error *e)
{
    struct buffer whole = BUFFER_INIT;
    bool done = (unsigned_nest(&job->outer[0], &job->own, &whole, e) ||
                 error_prefix(e, "'%s'", job->name)) &&
                write_signatures(job, &whole, 1, e);

    buffer_free(&whole);
    return done;
}

bool sign_finish(struct sign_job *job, struct error *e)
{
    if (job->outer_count == 0)
        return write_first(job, e);
    return stands_beside(job) ? write_beside(job, e) : write_nested(job, e);
}
