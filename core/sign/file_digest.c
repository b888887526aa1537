/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/file_digest.h"

#include <stdlib.h>
#include <string.h>

#include "cert/view.h"
#include "sign/embedding.h"

static void take_digest(struct file_digest *out, const struct signatures *s, const EVP_MD *md)
{
    out->length = (size_t)EVP_MD_get_size(md);
    memcpy(out->digest, signatures_file_digest(s, md), out->length);
}

/* Signatures that are kept must hold. */
static bool keep(struct embedding *m, struct signatures *s, struct file_digest *out,
                 struct cancel *cancel, struct error *e)
{
    if (!signatures_digest(s, m->format, m->file, NULL, -1, cancel, e) ||
        !embedding_all_hold(m, s, e))
        return false;
    take_digest(out, s, s->view[0].md);
    return true;
}

static bool digest(struct embedding *m, struct signatures *s,
                   const struct file_digest_options *options, struct file_digest *out,
                   struct cancel *cancel, struct error *e)
{
    const EVP_MD *md = signer_hash_md(options->hash);
    const struct format_options how = {
        .page_hashes = options->page_hashes,
        .signature_ex = options->signature_ex,
    };

    if (!embedding_pass(m, s, md, &how, cancel, e))
        return false;
    take_digest(out, s, md);
    return m->format->content(m->file, md, out->digest, &out->content, e);
}

bool file_digest_make(int input, const char *name, const struct file_digest_options *options,
                      struct file_digest *out, struct cancel *cancel, struct error *e)
{
    struct signatures *s = signatures_new(e);
    struct embedding m = {0};
    bool good;

    *out = (struct file_digest){0};
    good = s != NULL && embedding_open(&m, input, name, -1, options->existing, e) &&
           embedding_read(&m, s, e);
    if (good) {
        out->format = m.format->name;
        out->size = m.size;
        good = s->count > 0 && options->existing == SIGN_KEEP
                   ? keep(&m, s, out, cancel, e)
                   : digest(&m, s, options, out, cancel, e);
    }
    if (good && s->count > 0) {
        out->signer = cert_common_name(s->view[0].signer);
        good = out->signer != NULL || error_set_memory(e);
    }
    embedding_free(&m);
    signatures_free(&s);
    return good;
}

void file_digest_free(struct file_digest *d)
{
    buffer_free(&d->content);
    free(d->signer);
    *d = (struct file_digest){0};
}
