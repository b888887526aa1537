/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/signatures.h"

#include <stdlib.h>
#include <string.h>

#include "sign/spc.h"
#include "sign/unsigned.h"

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
    free((*s)->view);
    free((*s)->depth);
    free((*s)->pages);
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

static bool grow_array(void **array, size_t count, size_t size)
{
    void *grown = reallocarray(*array, count, size);

    if (grown != NULL)
        *array = grown;
    return grown != NULL;
}

static bool grow(struct signatures *s, struct error *e)
{
    size_t wanted = s->capacity == 0 ? 4 : 2 * s->capacity;

    if (s->count < s->capacity)
        return true;
    if (s->count == FORMAT_SIGNATURES)
        return error_set(e, ERROR_UNSUPPORTED, "it has more than %d signatures", FORMAT_SIGNATURES);
    if (!grow_array((void **)&s->view, wanted, sizeof *s->view) ||
        !grow_array((void **)&s->depth, wanted, sizeof *s->depth) ||
        !grow_array((void **)&s->pages, wanted, sizeof *s->pages))
        return error_set_memory(e);
    s->capacity = wanted;
    return true;
}

static bool collect(struct signatures *s, const uint8_t *der, size_t length, unsigned depth,
                    struct error *e);

/* The array of views may move while it is filled; what a view points to does not. */
static bool collect_nested(struct signatures *s, size_t outer, struct error *e)
{
    const ASN1_STRING *nested;
    int i = 0;

    for (; (nested = authenticode_nested(&s->view[outer], i)) != NULL; i++)
        if (!collect(s, ASN1_STRING_get0_data(nested), (size_t)ASN1_STRING_length(nested),
                     s->depth[outer] + 1, e))
            return false;
    /* Others may see signatures behind one that is none. */
    return unsigned_get(s->view[outer].info, SPC_NESTED_SIGNATURE_OID, i) == NULL ||
           error_set(e, ERROR_FORMAT,
                     "what stands in the place of a nested signature is not one that Authenticode "
                     "knows");
}

/* This one, and those nested in it. */
static bool collect(struct signatures *s, const uint8_t *der, size_t length, unsigned depth,
                    struct error *e)
{
    size_t own = s->count;

    if (depth > SIGNATURES_DEEPEST)
        return error_set(e, ERROR_UNSUPPORTED, "its signatures are nested too deep");
    if (!grow(s, e) || !authenticode_view(der, length, &s->view[own], e))
        return false;
    s->depth[own] = depth;
    s->pages[own] = FORMAT_PAGES_NONE;
    s->count++;
    return signatures_need(s, s->view[own].md, e) && collect_nested(s, own, e);
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

    if (s->md_count == 0 && output < 0)
        return true;
    for (size_t i = 0; i < s->count && format->heed != NULL; i++)
        format->heed(file, s->view[i].data, s->view[i].data_length);
    if (!format->digest(file, &pass, e))
        return false;
    for (size_t i = 0; i < s->count && format->pages != NULL; i++)
        s->pages[i] = format->pages(file, s->view[i].data, s->view[i].data_length);
    return true;
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
