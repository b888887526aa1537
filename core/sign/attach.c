/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/attach.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cert/view.h"
#include "sign/content.h"
#include "sign/embedding.h"

struct attaching {
    const struct attach_spec *spec;
    struct embedding embedding;
    struct signatures *there; /* those in the file */
    struct signatures *added; /* those of the signature */
};

/* What can be said of the signature without its file. */
static bool read_added(struct attaching *a, struct error *e)
{
    const struct buffer *der = a->spec->signature;
    struct error why = ERROR_INIT;

    if (!signatures_add(a->added, der->data, der->length, &why))
        return error_set(e, why.code, "the signature cannot be read: %s", why.text);
    for (size_t i = 0; i < a->added->count; i++)
        if (!authenticode_check(&a->added->view[i], &why))
            return error_set(e, why.code, "the signature does not hold: %s", why.text);
    return true;
}

/* One that is there already need not be added. */
static bool same_signature(const struct authenticode_view *a, const struct authenticode_view *b)
{
    return a->signer != NULL && b->signer != NULL && X509_cmp(a->signer, b->signer) == 0 &&
           ASN1_STRING_cmp(a->info->enc_digest, b->info->enc_digest) == 0;
}

static bool is_there(const struct attaching *a)
{
    for (size_t i = 0; i < a->there->count; i++)
        if (same_signature(&a->there->view[i], &a->added->view[0]))
            return true;
    return false;
}

static bool other_file(const struct attaching *a, const struct authenticode_view *v,
                       const uint8_t *digest, struct error *e)
{
    char *stated = text_hex(v->digest, v->digest_length);
    char *found = text_hex(digest, v->digest_length);

    error_set(e, ERROR_SIGNATURE,
              "'%s': the signature is of another file, or of another version of this one: %s %s is "
              "signed, the file has %s",
              a->embedding.name, EVP_MD_get0_name(v->md), stated == NULL ? "?" : stated,
              found == NULL ? "?" : found);
    free(stated);
    free(found);
    return false;
}

/* After the pass. The hashes of a program's pages are signed, too. */
static bool fits(const struct attaching *a, const struct authenticode_view *v, struct error *e)
{
    const struct embedding *m = &a->embedding;
    const uint8_t *digest = signatures_file_digest(a->there, v->md);

    if (memcmp(digest, v->digest, v->digest_length) != 0)
        return other_file(a, v, digest, e);
    if (m->format->pages != NULL &&
        m->format->pages(m->file, v->data, v->data_length) == FORMAT_PAGES_BAD)
        return error_set(e, ERROR_SIGNATURE,
                         "'%s': the page hashes in the signature are not the file's", m->name);
    return content_is_of(m->format->name, v->data, v->data_length) ||
           error_set(e, ERROR_SIGNATURE, "'%s': the signature is of another kind of file", m->name);
}

/* With the stream MsiDigitalSignatureEx, where the digest is not that of the file without it. */
static bool find_ex(struct attaching *a, int input, bool *signature_ex, struct cancel *cancel,
                    struct error *e)
{
    const struct authenticode_view *v = &a->added->view[0];
    const struct format_options plain = {.append = a->there->count > 0};
    const struct format *format = a->embedding.format;
    uint8_t digest[1][EVP_MAX_MD_SIZE];
    const struct format_pass pass = {
        .options = &plain,
        .output = -1,
        .md = &v->md,
        .count = 1,
        .digest = digest,
        .cancel = cancel,
    };
    struct format_file *file;
    bool read;

    *signature_ex = a->spec->signature_ex == ATTACH_EX_YES;
    if (strcmp(format->name, "msi") != 0 || a->spec->signature_ex != ATTACH_EX_FIND)
        return true;
    file = format->open(input, a->embedding.name, e);
    read = file != NULL && format->digest(file, &pass, e);
    format->close(&file);
    if (read)
        *signature_ex = memcmp(digest[0], v->digest, v->digest_length) != 0;
    return read;
}

/* What the pass is to compute for a signature. */
static bool heed(struct attaching *a, const struct authenticode_view *v, struct error *e)
{
    const struct embedding *m = &a->embedding;

    if (m->format->heed != NULL)
        m->format->heed(m->file, v->data, v->data_length);
    return signatures_need(a->there, v->md, e) || error_prefix(e, "'%s'", m->name);
}

/* The pass that writes, and gives the digests that all signatures need. */
static bool pass(struct attaching *a, int input, struct cancel *cancel, struct error *e)
{
    const struct signatures *added = a->added;
    struct format_options options = {0};
    bool good = find_ex(a, input, &options.signature_ex, cancel, e);

    for (size_t i = 0; good && i < added->count; i++)
        good = heed(a, &added->view[i], e);
    good = good && embedding_pass(&a->embedding, a->there, added->view[0].md, &options, cancel, e);
    for (size_t i = 0; good && i < added->count; i++)
        good = fits(a, &added->view[i], e);
    return good;
}

static bool keep(struct attaching *a, struct attach_result *result, struct cancel *cancel,
                 struct error *e)
{
    struct embedding *m = &a->embedding;

    result->state = ATTACH_KEPT;
    result->signer = cert_common_name(a->there->view[0].signer);
    return signatures_digest(a->there, m->format, m->file, NULL, -1, cancel, e) &&
           embedding_all_hold(m, a->there, e);
}

static bool attach(struct attaching *a, int input, struct attach_result *result,
                   struct cancel *cancel, struct error *e)
{
    struct buffer der = BUFFER_INIT;

    if (a->there->count > 0 && (a->spec->existing == SIGN_KEEP || is_there(a)))
        return keep(a, result, cancel, e);
    if (!pass(a, input, cancel, e))
        return false;
    result->signer = cert_common_name(a->added->view[0].signer);
    buffer_append(&der, a->spec->signature->data, a->spec->signature->length);
    return buffer_ok(&der, e) && embedding_add(&a->embedding, &der, e);
}

bool attach_signature(int input, const char *name, int output, const struct attach_spec *spec,
                      struct attach_result *result, struct cancel *cancel, struct error *e)
{
    struct attaching a = {.spec = spec, .there = signatures_new(e), .added = signatures_new(e)};
    bool done = a.there != NULL && a.added != NULL;

    *result = (struct attach_result){.state = ATTACH_DONE};
    done = done && (read_added(&a, e) || error_prefix(e, "'%s'", name)) &&
           embedding_open(&a.embedding, input, name, output, spec->existing, e) &&
           embedding_read(&a.embedding, a.there, e) && attach(&a, input, result, cancel, e);
    result->size = a.embedding.size;
    if (!done) {
        free(result->signer);
        result->signer = NULL;
    }
    embedding_free(&a.embedding);
    signatures_free(&a.there);
    signatures_free(&a.added);
    return done;
}
