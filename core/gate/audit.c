/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/audit.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/text.h"
#include "gate/state.h"

/* Labels and serials come from tokens: JSON wants UTF-8, and they are printable already. */
static void set(json_t *record, const char *key, const char *value)
{
    if (value != NULL)
        json_object_set_new(record, key, json_string(value));
}

static char *render(const struct audit_line *line)
{
    char now[CLOCK_TEXT_SIZE];
    json_t *record = json_object();
    char *json, *text;

    set(record, "time", clock_text(time(NULL), now));
    set(record, "event", line->event);
    set(record, "outcome", line->outcome);
    set(record, "device", line->device);
    set(record, "token", line->token);
    set(record, "serial", line->serial);
    set(record, "user", line->user);
    set(record, "actor", line->actor);
    set(record, "source", line->source);
    set(record, "program", line->program);
    json_object_set_new(record, "pid", json_integer(getpid()));
    json_object_set_new(record, "uid", json_integer(getuid()));
    set(record, "rv", line->rv);
    set(record, "reason", line->reason);
    json = json_dumps(record, JSON_COMPACT);
    text = json == NULL ? NULL : text_format("%s\n", json);
    json_decref(record);
    free(json);
    return text;
}

static int open_log(struct error *e)
{
    char *folder = state_folder(".", false, e);
    char *path = folder == NULL ? NULL : path_join(folder, "audit.log", e);
    int fd = path == NULL ? -1 : state_open(path, O_APPEND, e);

    free(path);
    free(folder);
    return fd;
}

bool audit_append(const struct audit_line *line, struct error *e)
{
    char *text = render(line);
    int fd = open_log(e);
    bool written = false;

    if (fd >= 0 && text == NULL)
        error_set_memory(e);
    else if (fd >= 0 && state_lock(fd, true, e) == 1)
        written = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ||
                  error_set_errno(e, "cannot write the audit log");
    if (fd >= 0)
        close(fd);
    free(text);
    return written;
}
