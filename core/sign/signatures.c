/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/signatures.h"

#include <stdlib.h>
#include <string.h>

struct signatures *signatures_new(struct error *e)
{
    struct signatures *s = calloc(1, sizeof *s);

    if (s == NULL)
        error_set_memory(e);
    return s;
}

void signatures_free(struct signatures **s)
{
    if (*s == NULL)
        return;
    for (size_t i = 0; i < (*s)->count; i++)
        authenticode_view_free(&(*s)->view[i]);
    free(*s);
    *s = NULL;
}

bool signatures_need(struct signatures *s, const EVP_MD *md, struct error *e)
{
    for (size_t i = 0; i < s->md_count; i++)
        if (EVP_MD_get_type(s->md[i]) == EVP_MD_get_type(md))
            return true;
    if (s->md_count == FORMAT_DIGESTS)
        return error_set(e, ERROR_UNSUPPORTED, "it has signatures with too many kinds of digest");
    s->md[s->md_count++] = md;
    return true;
}

/* This one, and those nested in it. */
static bool collect(struct signatures *s, const uint8_t *der, size_t length, unsigned depth,
                    struct error *e)
{
    struct authenticode_view *view = &s->view[s->count];
    const ASN1_STRING *nested;

    if (s->count == FORMAT_SIGNATURES)
        return error_set(e, ERROR_UNSUPPORTED, "it has more than 64 signatures");
    if (depth > SIGNATURES_DEEPEST)
        return error_set(e, ERROR_UNSUPPORTED, "its signatures are nested too deep");
    if (!authenticode_view(der, length, view, e))
        return false;
    s->depth[s->count++] = depth;
    if (!signatures_need(s, view->md, e))
        return false;
    for (int i = 0; (nested = authenticode_nested(view, i)) != NULL; i++)
        if (!collect(s, ASN1_STRING_get0_data(nested), (size_t)ASN1_STRING_length(nested),
                     depth + 1, e))
            return false;
    return true;
}

bool signatures_add(struct signatures *s, const uint8_t *der, size_t length, struct error *e)
{
    return collect(s, der, length, 0, e);
}

bool signatures_read(struct signatures *s, const struct format *format, struct format_file *file,
                     struct error *e)
{
    struct buffer der = BUFFER_INIT;
    bool good = true;

    for (unsigned i = 0; good && i < FORMAT_SIGNATURES; i++) {
        good = format->extract(file, i, &der, e);
        if (der.length == 0)
            break;
        good = good && collect(s, der.data, der.length, 0, e);
    }
    buffer_free(&der);
    return good;
}

bool signatures_digest(struct signatures *s, const struct format *format, struct format_file *file,
                       const struct format_options *options, int output, struct cancel *cancel,
                       struct error *e)
{
    const struct format_pass pass = {
        .options = options,
        .output = output,
        .md = s->md,
        .count = s->md_count,
        .digest = s->digest,
        .cancel = cancel,
    };

    return (s->md_count == 0 && output < 0) || format->digest(file, &pass, e);
}

const uint8_t *signatures_file_digest(const struct signatures *s, const EVP_MD *md)
{
    for (size_t i = 0; i < s->md_count; i++)
        if (EVP_MD_get_type(s->md[i]) == EVP_MD_get_type(md))
            return s->digest[i];
    abort(); /* nobody needed it */
}

bool signatures_fits(const struct signatures *s, size_t index)
{
    const struct authenticode_view *v = &s->view[index];

    return memcmp(signatures_file_digest(s, v->md), v->digest, v->digest_length) == 0;
}
