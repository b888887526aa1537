/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/embedding.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sign/content.h"
#include "sign/note.h"
#include "sign/unsigned.h"

bool embedding_open(struct embedding *m, int input, const char *name, int output,
                    enum sign_existing existing, struct error *e)
{
    struct stat status;

    *m = (struct embedding){.output = output, .existing = existing, .name = strdup(name)};
    if (m->name == NULL)
        return error_set_memory(e);
    if (fstat(input, &status) != 0)
        return error_set_errno(e, "cannot read '%s'", name);
    m->size = (uint64_t)status.st_size;
    m->format = format_detect(input, name, e);
    if (m->format == NULL)
        return false;
    m->file = m->format->open(input, name, e);
    return m->file != NULL;
}

void embedding_free(struct embedding *m)
{
    if (m->format != NULL)
        m->format->close(&m->file);
    for (size_t i = 0; i < m->outer_count; i++)
        buffer_free(&m->outer[i]);
    free(m->outer);
    buffer_free(&m->note);
    free(m->name);
    *m = (struct embedding){0};
}

/* A signature that does not hold is not built upon, and not silently thrown away. */
static bool does_not_hold(const struct embedding *m, const char *why, struct error *e)
{
    return error_set(
        e, ERROR_SIGNATURE,
        "'%s' carries a signature that does not hold (%s); to sign it anew: --existing replace",
        m->name, why);
}

/* The signatures that stand side by side. */
static bool read_outer(struct embedding *m, struct error *e)
{
    struct buffer der = BUFFER_INIT;
    bool good;

    m->outer = calloc(FORMAT_SIGNATURES, sizeof *m->outer);
    good = m->outer != NULL || error_set_memory(e);
    while (good && m->outer_count < FORMAT_SIGNATURES) {
        good = m->format->extract(m->file, (unsigned)m->outer_count, &der, e);
        if (!good || der.length == 0)
            break;
        m->outer[m->outer_count++] = der;
        der = (struct buffer)BUFFER_INIT;
    }
    buffer_free(&der);
    return good;
}

/* The note of a signature that goes stays: the original is what was there before that one. */
static bool read_note(struct embedding *m, struct error *e)
{
    struct buffer first = BUFFER_INIT;
    bool good = !m->format->extract(m->file, 0, &first, NULL) || first.length == 0 ||
                note_get(&first, &m->note, e);

    buffer_free(&first);
    return good;
}

bool embedding_read(struct embedding *m, struct signatures *s, struct error *e)
{
    struct error why = ERROR_INIT;

    if (m->existing == SIGN_REPLACE)
        return read_note(m, e);
    if (signatures_read(s, m->format, m->file, &why) && read_outer(m, &why))
        return true;
    if (why.code == ERROR_FORMAT)
        return does_not_hold(m, why.text, e);
    return error_set(e, why.code, "'%s': %s", m->name, why.text);
}

bool embedding_all_hold(const struct embedding *m, const struct signatures *s, struct error *e)
{
    struct error why = ERROR_INIT;

    for (size_t i = 0; i < s->count; i++) {
        if (!signatures_fits(s, i))
            return does_not_hold(m, "the file was changed after it was signed", e);
        if (!content_is_of(m->format->name, s->view[i].data, s->view[i].data_length))
            return does_not_hold(m, "it is of another kind of file", e);
        if (s->pages[i] == FORMAT_PAGES_BAD)
            return does_not_hold(m, "its page hashes are not the file's", e);
        if (!authenticode_check(&s->view[i], &why))
            return does_not_hold(m, why.text, e);
    }
    return true;
}

static bool stands_beside(const struct embedding *m)
{
    return m->format->side_by_side != NULL && m->format->side_by_side(m->file);
}

/* One more can be nested in the first signature only where no other stands beside that. */
static bool may_nest(const struct embedding *m, struct error *e)
{
    return m->outer_count < 2 || stands_beside(m) ||
           error_set(e, ERROR_UNSUPPORTED,
                     "'%s' carries several signatures side by side, which only EFI images may; "
                     "only --existing replace or keep can be used",
                     m->name);
}

/* Of a file that is not signed. Where a signature stands, if only one that cannot be read, how the
 * file was before it is not to be seen. */
static bool take_note(struct embedding *m, struct error *e)
{
    struct buffer first = BUFFER_INIT;
    bool bare;

    if (m->format->note == NULL || m->note.length > 0)
        return true;
    bare = m->format->extract(m->file, 0, &first, NULL) && first.length == 0;
    buffer_free(&first);
    return !bare || m->format->note(m->file, &m->note, e);
}

bool embedding_pass(struct embedding *m, struct signatures *s, const EVP_MD *md,
                    const struct format_options *options, struct cancel *cancel, struct error *e)
{
    struct format_options how = *options;

    how.append = s->count > 0;
    return may_nest(m, e) && signatures_need(s, md, e) &&
           signatures_digest(s, m->format, m->file, &how, m->output, cancel, e) &&
           embedding_all_hold(m, s, e) && take_note(m, e);
}

static bool same_bytes(const struct buffer *a, const struct buffer *b)
{
    return a->length == b->length && memcmp(a->data, b->data, a->length) == 0;
}

/* Whoever opens the output now must find in it what was meant to be there. */
static bool read_back(const struct embedding *m, const struct buffer *der, size_t count,
                      struct error *e)
{
    struct format_file *file = m->format->open(m->output, m->name, e);
    struct buffer written = BUFFER_INIT;
    bool good = file != NULL;

    if (file == NULL)
        return error_prefix(e, "as it was written");
    for (unsigned i = 0; good && i < count; i++) {
        good = m->format->extract(file, i, &written, e) ||
               error_prefix(e, "'%s', as it was written", m->name);
        good = good && (same_bytes(&written, &der[i]) ||
                        error_set(e, ERROR_SYSTEM,
                                  "'%s': the signature was not written as it should be", m->name));
    }
    m->format->close(&file);
    buffer_free(&written);
    return good;
}

bool embedding_put(struct embedding *m, const struct buffer *der, size_t count, struct error *e)
{
    return m->format->embed(m->file, m->output, der, count, e) && read_back(m, der, count, e);
}

/* The first signature of the file, alone. One that was taken out of it before has its note. */
static bool add_first(struct embedding *m, const struct buffer *signature, struct error *e)
{
    struct buffer noted = BUFFER_INIT;
    bool done = note_add(signature, &m->note, &noted, e) && embedding_put(m, &noted, 1, e);

    buffer_free(&noted);
    return done;
}

static bool add_beside(struct embedding *m, struct buffer *signature, struct error *e)
{
    if (m->outer_count == FORMAT_SIGNATURES)
        return error_set(e, ERROR_UNSUPPORTED,
                         "'%s' carries %d signatures already; no more are added", m->name,
                         FORMAT_SIGNATURES);
    m->outer[m->outer_count++] = *signature;
    *signature = (struct buffer)BUFFER_INIT;
    return embedding_put(m, m->outer, m->outer_count, e);
}

static bool add_nested(struct embedding *m, const struct buffer *signature, struct error *e)
{
    struct buffer whole = BUFFER_INIT;
    bool done =
        (unsigned_nest(&m->outer[0], signature, &whole, e) || error_prefix(e, "'%s'", m->name)) &&
        embedding_put(m, &whole, 1, e);

    buffer_free(&whole);
    return done;
}

bool embedding_add(struct embedding *m, struct buffer *signature, struct error *e)
{
    bool done = m->outer_count == 0 ? add_first(m, signature, e)
                : stands_beside(m)  ? add_beside(m, signature, e)
                                    : add_nested(m, signature, e);

    buffer_free(signature);
    return done;
}
