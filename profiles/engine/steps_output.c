/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the files between two steps. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/tempfile.h"
#include "profiles/engine/steps.h"
#include "sign/file_io.h"

/* A line in the file, with its end. */
struct place {
    size_t index;
    uint64_t at;
    size_t length;
};

struct steps_output {
    enum step_kind kind;
    char *path;
    struct tempfile *file;
    uint64_t at;
    struct place *place; /* of each line, as they came */
    size_t count, room;
};

/* Nothing, or what was written here before. */
static bool may_replace(enum step_kind kind, const char *path, struct error *e)
{
    char head[32] = "", wanted[32];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t length = fd < 0 ? 0 : pread(fd, head, sizeof head - 1, 0);

    if (fd < 0)
        return errno == ENOENT || error_set_errno(e, "cannot write '%s'", path);
    close(fd);
    snprintf(wanted, sizeof wanted, "{\"%s\":", step_mark(kind));
    return length == 0 || strncmp(head, wanted, strlen(wanted)) == 0 ||
           error_set(e, ERROR_USAGE,
                     "'%s' exists, and is no file with %ss of an earlier run: it is not replaced; "
                     "name another output",
                     path, step_mark(kind) + strlen("signet-"));
}

struct steps_output *steps_create(enum step_kind kind, const char *path, struct error *e)
{
    struct steps_output *o = calloc(1, sizeof *o);

    if (o == NULL || (o->path = strdup(path)) == NULL) {
        free(o);
        error_set_memory(e);
        return NULL;
    }
    o->kind = kind;
    o->file = may_replace(kind, path, e) ? tempfile_open(path, e) : NULL;
    if (o->file == NULL)
        steps_output_free(&o);
    return o;
}

static bool make_room(struct steps_output *o, struct error *e)
{
    size_t room = o->room == 0 ? 64 : 2 * o->room;
    struct place *grown;

    if (o->count < o->room)
        return true;
    grown = realloc(o->place, room * sizeof *grown);
    if (grown == NULL)
        return error_set_memory(e);
    o->place = grown;
    o->room = room;
    return true;
}

/* All of the line or, after commit, nothing of it. */
static bool put_line(struct steps_output *o, size_t index, char *text, struct error *e)
{
    size_t length = strlen(text);
    bool done;

    if (!make_room(o, e))
        return false;
    text[length] = '\n'; /* in the place of its end */
    done = file_io_write(tempfile_fd(o->file), text, length + 1, o->at);
    text[length] = '\0';
    if (!done)
        return error_set_errno(e, "cannot write '%s'", o->path);
    o->place[o->count++] = (struct place){index, o->at, length + 1};
    o->at += length + 1;
    return true;
}

bool steps_add(struct steps_output *o, size_t index, const struct step *s, struct error *e)
{
    json_t *record = step_record(o->kind, s, e);
    char *text = record == NULL ? NULL : json_dumps(record, JSON_COMPACT);
    bool done = text != NULL && put_line(o, index, text, e);

    if (record != NULL && text == NULL)
        error_set_memory(e);
    json_decref(record);
    free(text);
    return done;
}

static int by_index(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    return x->index < y->index ? -1 : x->index > y->index;
}

static bool is_sorted(const struct steps_output *o)
{
    size_t i = 1;

    while (i < o->count && by_index(&o->place[i - 1], &o->place[i]) <= 0)
        i++;
    return i >= o->count;
}

static bool copy_lines(const struct steps_output *o, int to)
{
    int from = tempfile_fd(o->file);
    size_t longest = 0;
    uint64_t at = 0;
    uint8_t *line;
    bool good;

    for (size_t i = 0; i < o->count; i++)
        longest = o->place[i].length > longest ? o->place[i].length : longest;
    line = malloc(longest);
    good = line != NULL;
    for (size_t i = 0; good && i < o->count; i++) {
        const struct place *p = &o->place[i];

        good = file_io_read(from, line, p->length, p->at) && file_io_write(to, line, p->length, at);
        at += p->length;
    }
    free(line);
    return good;
}

/* What the token signed is not lost for want of an order. */
static void sort_lines(struct steps_output *o)
{
    struct tempfile *sorted, *came = o->file;

    if (is_sorted(o))
        return;
    qsort(o->place, o->count, sizeof *o->place, by_index);
    sorted = tempfile_open(o->path, NULL);
    if (sorted != NULL && copy_lines(o, tempfile_fd(sorted))) {
        o->file = sorted;
        sorted = came;
    }
    tempfile_free(&sorted);
}

bool steps_commit(struct steps_output *o, struct error *e)
{
    sort_lines(o);
    /* What is left of a line that did not fit goes; there is nothing secret in the others. */
    if (ftruncate(tempfile_fd(o->file), (off_t)o->at) != 0 ||
        fchmod(tempfile_fd(o->file), 0644) != 0)
        return error_set_errno(e, "cannot write '%s'", o->path);
    return tempfile_commit(o->file, true, e);
}

void steps_output_free(struct steps_output **o)
{
    if (*o == NULL)
        return;
    tempfile_free(&(*o)->file);
    free((*o)->place);
    free((*o)->path);
    free(*o);
    *o = NULL;
}
