/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/engine/steps.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "profiles/engine/rewrite.h"
#include "sign/file_io.h"

enum { PIECE = 64 << 10 };

struct line {
    struct step step; /* without its `der` */
    uint64_t at;
    size_t length, number; /* from 1 */
};

struct steps {
    enum step_kind kind;
    char *path;
    int fd;
    struct line *line;
    size_t count, room;
    const struct line **by_name; /* sorted */
};

static bool at_line(const struct steps *s, size_t number, struct error *e)
{
    return error_prefix(e, "'%s', line %zu", s->path, number);
}

static bool add(struct steps *s, const struct line *line, struct error *e)
{
    if (s->count == s->room) {
        size_t room = s->room == 0 ? 64 : 2 * s->room;
        struct line *grown = realloc(s->line, room * sizeof *grown);

        if (grown == NULL)
            return error_set_memory(e);
        s->line = grown;
        s->room = room;
    }
    s->line[s->count++] = *line;
    return true;
}

static bool is_blank(const struct buffer *text)
{
    for (size_t i = 0; i < text->length; i++)
        if (strchr(" \t\r", text->data[i]) == NULL || text->data[i] == '\0')
            return false;
    return true;
}

/* `text`: the line without its end. */
static bool take_line(struct steps *s, const struct buffer *text, uint64_t at, size_t number,
                      struct error *e)
{
    struct line line = {.at = at, .length = text->length, .number = number};

    if (is_blank(text))
        return true;
    if (!step_parse(s->kind, text->data, text->length, &line.step, e))
        return at_line(s, number, e);
    buffer_free(&line.step.der);
    if (add(s, &line, e))
        return true;
    step_free(&line.step);
    return false;
}

/* One piece of the file; `text` grows to a line. *number: of the one that is read. */
static bool take_piece(struct steps *s, const uint8_t *piece, size_t length, uint64_t at,
                       struct buffer *text, size_t *number, struct error *e)
{
    const uint8_t *from = piece, *end = piece + length, *newline;

    while (from < end) {
        newline = memchr(from, '\n', (size_t)(end - from));
        buffer_append(text, from, (size_t)((newline == NULL ? end : newline) - from));
        if (!buffer_ok(text, e))
            return false;
        if (text->length > STEP_LINE_MAX) {
            error_set(e, ERROR_FORMAT, "it is longer than 32 MiB");
            return at_line(s, *number, e);
        }
        if (newline == NULL)
            break;
        from = newline + 1;
        if (!take_line(s, text, at + (uint64_t)(newline - piece) - text->length, *number, e))
            return false;
        buffer_reset(text);
        ++*number;
    }
    return true;
}

static bool read_lines(struct steps *s, struct error *e)
{
    struct buffer text = BUFFER_INIT;
    uint8_t *piece = malloc(PIECE);
    size_t number = 1;
    uint64_t at = 0;
    ssize_t got = 0;
    bool good = piece != NULL || error_set_memory(e);

    while (good && (got = pread(s->fd, piece, PIECE, (off_t)at)) > 0) {
        good = take_piece(s, piece, (size_t)got, at, &text, &number, e);
        at += (uint64_t)got;
    }
    if (good && got < 0)
        good = error_set_errno(e, "cannot read '%s'", s->path);
    good = good && take_line(s, &text, at - text.length, number, e);
    buffer_free(&text);
    free(piece);
    return good;
}

static int compare(const void *a, const void *b)
{
    const struct line *const *x = a, *const *y = b;
    int order = strcmp((*x)->step.file, (*y)->step.file);

    return order != 0 ? order : *x < *y ? -1 : *x > *y;
}

/* Two lines for one file: which of them is meant, nobody can say. */
static bool sort_names(struct steps *s, struct error *e)
{
    const struct line **sorted = calloc(s->count + 1, sizeof *sorted);

    if (sorted == NULL)
        return error_set_memory(e);
    s->by_name = sorted;
    for (size_t i = 0; i < s->count; i++)
        sorted[i] = &s->line[i];
    qsort(sorted, s->count, sizeof *sorted, compare);
    for (size_t i = 1; i < s->count; i++)
        if (strcmp(sorted[i - 1]->step.file, sorted[i]->step.file) == 0)
            return error_set(e, ERROR_FORMAT,
                             "'%s', lines %zu and %zu: both are for '%s'; each file has one line",
                             s->path, sorted[i - 1]->number, sorted[i]->number,
                             sorted[i]->step.file);
    return true;
}

struct steps *steps_open(enum step_kind kind, const char *path, struct error *e)
{
    struct steps *s = calloc(1, sizeof *s);
    struct stat status;

    if (s == NULL || (s->path = strdup(path)) == NULL) {
        free(s);
        error_set_memory(e);
        return NULL;
    }
    s->kind = kind;
    s->fd = rewrite_open_input(path, &status, e);
    /* It is what the run goes by, not one of its files. */
    if (s->fd < 0 && e != NULL && e->code == ERROR_SYSTEM)
        e->code = ERROR_USAGE;
    if (s->fd < 0 || !read_lines(s, e) || !sort_names(s, e))
        steps_close(&s);
    return s;
}

void steps_close(struct steps **s)
{
    if (*s == NULL)
        return;
    for (size_t i = 0; i < (*s)->count; i++)
        step_free(&(*s)->line[i].step);
    free((*s)->line);
    free((void *)(*s)->by_name);
    free((*s)->path);
    if ((*s)->fd >= 0)
        close((*s)->fd);
    free(*s);
    *s = NULL;
}

size_t steps_count(const struct steps *s)
{
    return s->count;
}

const struct step *steps_at(const struct steps *s, size_t index)
{
    return &s->line[index].step;
}

static int compare_name(const void *name, const void *line)
{
    return strcmp(name, (*(const struct line *const *)line)->step.file);
}

size_t steps_find(const struct steps *s, const char *file)
{
    const struct line *const *found =
        bsearch(file, s->by_name, s->count, sizeof *s->by_name, compare_name);

    return found == NULL ? s->count : (size_t)(*found - s->line);
}

bool steps_read(const struct steps *s, size_t index, struct step *out, struct error *e)
{
    const struct line *line = &s->line[index];
    uint8_t *text = malloc(line->length + 1);
    bool good = text != NULL || error_set_memory(e);

    *out = (struct step){0};
    good = good && (file_io_read(s->fd, text, line->length, line->at) ||
                    file_io_error(e, s->path, "it became shorter while it was read"));
    if (good && !step_parse(s->kind, text, line->length, out, e))
        good = at_line(s, line->number, e);
    if (good && (strcmp(out->file, line->step.file) != 0 ||
                 out->digest_length != line->step.digest_length ||
                 memcmp(out->digest, line->step.digest, out->digest_length) != 0)) {
        step_free(out);
        good = error_set(e, ERROR_FORMAT, "'%s', line %zu: it was changed meanwhile", s->path,
                         line->number);
    }
    free(text);
    return good;
}
