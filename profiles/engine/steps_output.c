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

struct steps_output {
    enum step_kind kind;
    char *path;
    struct tempfile *file;
    uint64_t at;
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

/* All of the line or, after commit, nothing of it. */
static bool put_line(struct steps_output *o, char *text, struct error *e)
{
    size_t length = strlen(text);
    bool done;

    text[length] = '\n'; /* in the place of its end */
    done = file_io_write(tempfile_fd(o->file), text, length + 1, o->at);
    text[length] = '\0';
    if (!done)
        return error_set_errno(e, "cannot write '%s'", o->path);
    o->at += length + 1;
    return true;
}

bool steps_add(struct steps_output *o, const struct step *s, struct error *e)
{
    json_t *record = step_record(o->kind, s, e);
    char *text = record == NULL ? NULL : json_dumps(record, JSON_COMPACT);
    bool done = text != NULL && put_line(o, text, e);

    if (record != NULL && text == NULL)
        error_set_memory(e);
    json_decref(record);
    free(text);
    return done;
}

bool steps_commit(struct steps_output *o, struct error *e)
{
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
    free((*o)->path);
    free(*o);
    *o = NULL;
}
