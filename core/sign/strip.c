/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/strip.h"

#include <sys/stat.h>

#include "base/buffer.h"
#include "sign/format.h"
#include "sign/note.h"

/* The first signature; empty where something is there that cannot be read as one, and goes too. */
static bool find_first(const struct format *format, struct format_file *file, struct buffer *first,
                       bool *there)
{
    bool readable = format->extract(file, 0, first, NULL);

    *there = !readable || first->length > 0;
    if (!readable)
        buffer_reset(first);
    return *there;
}

/* Whoever opens the output now must find a file of the format, and no signature in it. */
static bool is_bare(const struct format *format, int output, const char *name, struct error *e)
{
    struct format_file *file = format->open(output, name, e);
    struct buffer first = BUFFER_INIT;
    bool there = true;

    if (file == NULL)
        return error_prefix(e, "without its signature");
    find_first(format, file, &first, &there);
    format->close(&file);
    buffer_free(&first);
    return !there || error_set(e, ERROR_SYSTEM, "'%s': a signature is still there", name);
}

static bool strip(const struct format *format, struct format_file *file, const char *name,
                  int output, enum strip_state *state, struct cancel *cancel, struct error *e)
{
    struct buffer first = BUFFER_INIT, note = BUFFER_INIT;
    bool there, done = true;

    *state = STRIP_UNSIGNED;
    if (find_first(format, file, &first, &there)) {
        *state = STRIP_DONE;
        done = format->remove == NULL
                   ? error_set(e, ERROR_UNSUPPORTED,
                               "'%s': signatures cannot be taken out of files of its format (%s)",
                               name, format->name)
                   : (first.length == 0 || note_get(&first, &note, e)) &&
                         format->remove(file, &note, output, cancel, e) &&
                         is_bare(format, output, name, e);
    }
    buffer_free(&first);
    buffer_free(&note);
    return done;
}

bool strip_file(int input, const char *name, int output, enum strip_state *state, uint64_t *size,
                struct cancel *cancel, struct error *e)
{
    const struct format *format = format_detect(input, name, e);
    struct format_file *file = format == NULL ? NULL : format->open(input, name, e);
    struct stat status;
    bool done;

    if (file == NULL)
        return false;
    *size = fstat(input, &status) == 0 ? (uint64_t)status.st_size : 0;
    done = strip(format, file, name, output, state, cancel, e);
    format->close(&file);
    return done;
}
