/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/path.h"
#include "base/text.h"
#include "gate/state.h"

enum { MARK_BYTES = 4096 };

static char *mark_path(const char *device, const char *who, struct error *e)
{
    char *folder = state_folder("guard", false, e);
    char *path = folder == NULL ? NULL : text_format("%s/%s.%s", folder, device, who);

    free(folder);
    return path;
}

static void copy_member(const json_t *record, const char *key, char *out, size_t size)
{
    const char *value = json_string_value(json_object_get(record, key));
    char *safe = value == NULL ? NULL : text_printable(value, strlen(value));

    snprintf(out, size, "%s", safe == NULL ? "?" : safe);
    free(safe);
}

bool guard_read(const char *device, const char *who, struct guard_mark *out, struct error *e)
{
    char *path = mark_path(device, who, e);
    struct buffer text = BUFFER_INIT;
    json_t *record = NULL;

    *out = (struct guard_mark){0};
    if (path == NULL)
        return false;
    if (access(path, F_OK) != 0 && errno == ENOENT) {
        free(path);
        return true;
    }
    out->set = true;
    if (path_read_file(path, MARK_BYTES, &text, NULL) && text.length > 0)
        record = json_loadb((const char *)text.data, text.length, 0, NULL);
    copy_member(record, "since", out->since, sizeof out->since);
    copy_member(record, "reason", out->reason, sizeof out->reason);
    copy_member(record, "rv", out->rv, sizeof out->rv);
    copy_member(record, "actor", out->actor, sizeof out->actor);
    json_decref(record);
    buffer_free(&text);
    free(path);
    return true;
}

bool guard_mark(const char *device, const char *who, const char *actor, const char *reason,
                const char *rv, struct error *e)
{
    char since[CLOCK_TEXT_SIZE];
    char *path = mark_path(device, who, e), *text = NULL;
    json_t *record =
        json_pack("{s:i, s:s, s:s, s:s, s:s, s:s}", "guard", 1, "user", who, "since",
                  clock_text(time(NULL), since), "reason", reason, "rv", rv, "actor", actor);
    bool marked = false;

    if (record != NULL)
        text = json_dumps(record, JSON_COMPACT);
    if (path != NULL && text == NULL)
        error_set_memory(e);
    else if (path != NULL)
        marked = path_write_file(path, text, strlen(text), 0660, e);
    json_decref(record);
    free(text);
    free(path);
    return marked;
}

bool guard_clear(const char *device, const char *who, struct error *e)
{
    char *path = mark_path(device, who, e);
    bool cleared = path != NULL;

    if (cleared && unlink(path) != 0 && errno != ENOENT)
        cleared = error_set_errno(e, "cannot remove '%s'", path);
    free(path);
    return cleared;
}

void guard_restore(const char *device, const char *who, const struct guard_mark *before)
{
    if (before->set)
        guard_mark(device, who, before->actor, before->reason, before->rv, NULL);
    else
        guard_clear(device, who, NULL);
}

/* What is known of a counter stands in files of its own, "most" and "low". */
static char *figure_path(const char *device, const char *who, const char *what)
{
    char *mark = mark_path(device, who, NULL);
    char *path = mark == NULL ? NULL : text_format("%s.%s", mark, what);

    free(mark);
    return path;
}

static void write_figure(const char *path, const char *text)
{
    struct error e = ERROR_INIT;

    if (!path_write_file(path, text, strlen(text), 0660, &e))
        log_line("%s", e.text);
}

static void forget_figure(const char *device, const char *who, const char *what)
{
    char *path = figure_path(device, who, what);

    if (path != NULL)
        unlink(path);
    free(path);
}

int guard_most(const char *device, const char *who, int left)
{
    char *path = figure_path(device, who, "most");
    struct buffer text = BUFFER_INIT;
    char number[16];
    int most = 0;

    if (path == NULL)
        return left;
    if (path_read_file(path, sizeof number - 1, &text, NULL) && text.length > 0)
        most = atoi(buffer_text(&text));
    if (left > most) {
        most = left;
        snprintf(number, sizeof number, "%d\n", most);
        write_figure(path, number);
    }
    buffer_free(&text);
    free(path);
    return most;
}

void guard_forget_most(const char *device, const char *who)
{
    forget_figure(device, who, "most");
}

void guard_note_low(const char *device, const char *who, const char *text)
{
    char *path = figure_path(device, who, "low"), *line;
    char now[CLOCK_TEXT_SIZE];

    line = text_format("%s when last read, %s\n", text, clock_text(time(NULL), now));
    if (path != NULL && line != NULL)
        write_figure(path, line);
    free(line);
    free(path);
}

bool guard_was_low(const char *device, const char *who, char *out, size_t size)
{
    char *path = figure_path(device, who, "low");
    struct buffer text = BUFFER_INIT;
    bool low = path != NULL && access(path, F_OK) == 0;

    if (low) {
        path_read_file(path, MARK_BYTES, &text, NULL);
        snprintf(out, size, "%s",
                 text.length == 0 ? "at least one try is lost\n" : buffer_text(&text));
        out[strcspn(out, "\n")] = '\0';
        text_make_printable(out);
    }
    buffer_free(&text);
    free(path);
    return low;
}

void guard_forget_low(const char *device, const char *who)
{
    forget_figure(device, who, "low");
}
