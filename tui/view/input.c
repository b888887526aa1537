/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/view/input.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"

void input_set(struct input *i, const char *text)
{
    snprintf(i->text, sizeof i->text, "%s", text == NULL ? "" : text);
    i->length = i->at = strlen(i->text);
}

static size_t before(const struct input *i, size_t at)
{
    while (at > 0 && ((unsigned char)i->text[--at] & 0xc0) == 0x80)
        continue;
    return at;
}

static size_t after(const struct input *i, size_t at)
{
    if (at < i->length)
        at++;
    while (at < i->length && ((unsigned char)i->text[at] & 0xc0) == 0x80)
        at++;
    return at;
}

static void erase(struct input *i, size_t from, size_t to)
{
    memmove(i->text + from, i->text + to, i->length - to + 1);
    i->length -= to - from;
    i->at = from;
}

static bool insert(struct input *i, int key)
{
    char bytes[5];
    size_t length = event_utf8(key, bytes);

    if (length == 0)
        return false;
    if (i->length + length >= INPUT_SIZE)
        return true;
    memmove(i->text + i->at + length, i->text + i->at, i->length - i->at + 1);
    memcpy(i->text + i->at, bytes, length);
    i->length += length;
    i->at += length;
    return true;
}

static size_t word_before(const struct input *i)
{
    size_t at = i->at;

    while (at > 0 && i->text[at - 1] == ' ')
        at--;
    while (at > 0 && i->text[at - 1] != ' ' && i->text[at - 1] != '/')
        at--;
    return at == i->at && at > 0 ? at - 1 : at;
}

bool input_key(struct input *i, const struct event *e)
{
    if (e->type == EVENT_PASTED)
        return insert(i, e->key);
    switch (e->key) {
    case KEYS_LEFT:
        i->at = before(i, i->at);
        return true;
    case KEYS_RIGHT:
        i->at = after(i, i->at);
        return true;
    case KEYS_HOME:
    case KEYS_CTRL('A'):
        i->at = 0;
        return true;
    case KEYS_END:
    case KEYS_CTRL('E'):
        i->at = i->length;
        return true;
    case KEYS_BACKSPACE:
        erase(i, before(i, i->at), i->at);
        return true;
    case KEYS_DELETE:
        erase(i, i->at, after(i, i->at));
        return true;
    case KEYS_CTRL('U'):
        erase(i, 0, i->at);
        return true;
    case KEYS_CTRL('K'):
        erase(i, i->at, i->length);
        return true;
    case KEYS_CTRL('W'):
        erase(i, word_before(i), i->at);
        return true;
    default:
        return insert(i, e->key);
    }
}

/* The part around the cursor, where the line is longer than its room. */
void input_draw(const struct input *i, const struct area *a, int row, int column, bool focus)
{
    int room = a->columns - column - 1, shown;
    size_t start = 0;
    char part[INPUT_SIZE];

    memcpy(part, i->text, sizeof part);
    part[i->at] = '\0';
    while (draw_width(part + start) > room)
        start = after(i, start);
    shown = draw_width(part + start);
    memcpy(part, i->text, sizeof part);
    part[start + draw_fitting(part + start, room)] = '\0';
    draw_format(a, row, column, STYLE_INPUT, "%s%*s", part + start,
                room - draw_width(part + start) + 1, "");
    if (focus)
        screen_cursor(a->row + row, a->column + column + shown);
}

/* The longest beginning that all names with `prefix` share. */
static size_t common(const char *folder, const char *prefix, char *out, size_t size)
{
    DIR *dir = opendir(folder);
    struct dirent *item;
    size_t count = 0, prefix_length = strlen(prefix);

    if (dir == NULL)
        return 0;
    while ((item = readdir(dir)) != NULL) {
        size_t same = 0;

        if (strncmp(item->d_name, prefix, prefix_length) != 0 ||
            (prefix_length == 0 && item->d_name[0] == '.') ||
            !text_is_utf8(item->d_name, strlen(item->d_name)))
            continue;
        if (count++ == 0) {
            snprintf(out, size, "%s", item->d_name);
            continue;
        }
        while (out[same] != '\0' && out[same] == item->d_name[same])
            same++;
        out[same] = '\0';
    }
    closedir(dir);
    return count;
}

bool input_complete_path(struct input *i)
{
    char *slash = strrchr(i->text, '/'), name[256];
    size_t length = slash == NULL ? 0 : (size_t)(slash - i->text) + 1, count;
    char *folder = text_format("%.*s.", (int)length, i->text), *path;
    struct stat status;

    if (folder == NULL || i->at != i->length) {
        free(folder);
        return false;
    }
    count = common(folder, i->text + length, name, sizeof name);
    free(folder);
    path = count == 0 ? NULL : text_format("%.*s%s", (int)length, i->text, name);
    if (path == NULL || strlen(path) + 2 > INPUT_SIZE) {
        free(path);
        return false;
    }
    input_set(i, path);
    if (count == 1 && stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        insert(i, '/');
    free(path);
    return true;
}
