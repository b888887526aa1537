/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles into files: whole, or a few keys of one that a person wrote, with everything else left
 * as it is. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/tempfile.h"
#include "profiles/profile.h"
#include "profiles/quote.h"
#include "profiles/schema.h"

/* A new file's mode is 0644 less the umask; an old one keeps its own, and its owner. */
static bool set_mode(struct tempfile *t, const char *path)
{
    struct stat status;
    mode_t mask;

    if (stat(path, &status) == 0)
        return tempfile_copy_mode(t, &status, NULL);
    mask = umask(0);
    umask(mask);
    return fchmod(tempfile_fd(t), 0644 & ~mask) == 0;
}

static bool save_bytes(const char *path, const struct buffer *bytes, bool replace, struct error *e)
{
    /* The file that a link leads to is written, not the link. */
    char *real = replace ? realpath(path, NULL) : NULL;
    struct tempfile *t = tempfile_open(real == NULL ? path : real, e);
    bool saved = false;

    if (t != NULL) {
        if (write(tempfile_fd(t), bytes->data, bytes->length) != (ssize_t)bytes->length ||
            !set_mode(t, path))
            error_set_errno(e, "cannot write '%s'", path);
        else
            saved = tempfile_commit(t, replace, e);
    }
    tempfile_free(&t);
    free(real);
    return saved;
}

bool profile_replace_text(const char *path, const struct buffer *text, struct error *e)
{
    return save_bytes(path, text, true, e);
}

bool profile_save(const struct profile *p, const char *path, bool replace, struct error *e)
{
    struct buffer text = BUFFER_INIT;
    char *folder = path_parent(path, e);
    bool saved = folder != NULL && path_make_folders(folder, 0755, e) &&
                 profile_write(p, &text, e) && save_bytes(path, &text, replace, e);

    buffer_free(&text);
    free(folder);
    return saved;
}

static const struct profile_place *place_of(const struct profile *p, const struct schema_key *k)
{
    return &p->place[k - schema_keys];
}

/* The length of "container." in "container.name"; 0 for a key at the top. */
static size_t map_length(const char *key)
{
    const char *dot = strchr(key, '.');

    return dot == NULL ? 0 : (size_t)(dot - key) + 1;
}

/* The first key of the same map that the file has; NULL. */
static const struct schema_key *sibling(const struct profile *p, const char *key)
{
    size_t length = map_length(key);

    for (size_t i = 0; length > 0 && i < schema_key_count; i++)
        if (strncmp(schema_keys[i].name, key, length) == 0 && p->place[i].line > 0)
            return &schema_keys[i];
    return NULL;
}

static size_t line_start(const struct buffer *text, size_t at)
{
    while (at > 0 && text->data[at - 1] != '\n')
        at--;
    return at;
}

static size_t line_end(const struct buffer *text, size_t at)
{
    while (at < text->length && text->data[at] != '\n')
        at++;
    return at;
}

/* In a map that has a line for each key, a line with the same indent; in one in braces, a comma. */
static void add_to_map(const struct buffer *text, const struct profile *p,
                       const struct schema_key *beside, const struct profile_change *change,
                       struct buffer *out)
{
    const char *name = change->key + map_length(change->key);
    const char *other = beside->name + map_length(beside->name);
    const struct profile_place *place = place_of(p, beside);
    size_t start = line_start(text, place->start), indent = start, end = place->end;
    bool own_line;

    while (indent < text->length && text->data[indent] == ' ')
        indent++;
    own_line = indent > start && text->length - indent > strlen(other) &&
               memcmp(text->data + indent, other, strlen(other)) == 0;
    if (own_line)
        end = line_end(text, end);
    buffer_append(out, text->data, end);
    buffer_append_text(out, own_line ? "\n" : ", ");
    if (own_line)
        buffer_append(out, text->data + start, indent - start);
    buffer_printf(out, "%s: ", name);
    quote_yaml(out, change->value, true);
    buffer_append(out, text->data + end, text->length - end);
}

static void add_last(const struct buffer *text, const struct profile_change *change,
                     struct buffer *out)
{
    size_t map = map_length(change->key);

    buffer_append(out, text->data, text->length);
    if (text->length > 0 && text->data[text->length - 1] != '\n')
        buffer_append_byte(out, '\n');
    if (map > 0)
        buffer_printf(out, "%.*s: {%s: ", (int)map - 1, change->key, change->key + map);
    else
        buffer_printf(out, "%s: ", change->key);
    quote_yaml(out, change->value, map > 0);
    buffer_append_text(out, map > 0 ? "}\n" : "\n");
}

/* Without the lines of a key at the top, or of a map: from its name to the next at the margin. */
static void take_out(const struct buffer *text, const struct profile_place *place,
                     struct buffer *out)
{
    size_t start = line_start(text, place->start), end = line_end(text, place->end);

    while (start > 0 && (text->data[start] == ' ' || text->data[start] == '\n'))
        start = line_start(text, start - 1);
    if (end < text->length)
        end++;
    while (end < text->length && text->data[end] == ' ')
        end = line_end(text, end) + (line_end(text, end) < text->length);
    buffer_append(out, text->data, start);
    buffer_append(out, text->data + end, text->length - end);
}

/* Exchanges the value where it stands, or adds the key, or takes it out. `p` tells where. */
static bool change_text(struct buffer *text, const struct profile *p,
                        const struct profile_change *change, struct error *e)
{
    const struct schema_key *k = schema_find(change->key), *beside = sibling(p, change->key);
    const struct profile_place *place = place_of(p, k);
    struct buffer fresh = BUFFER_INIT;

    if (change->value == NULL && place->line == 0 && beside == NULL)
        return true;
    if (change->value == NULL) {
        take_out(text, place->line > 0 ? place : place_of(p, beside), &fresh);
    } else if (place->line > 0) {
        buffer_append(&fresh, text->data, place->start);
        quote_yaml(&fresh, change->value, true);
        buffer_append(&fresh, text->data + place->end, text->length - place->end);
    } else if (beside != NULL) {
        add_to_map(text, p, beside, change, &fresh);
    } else {
        add_last(text, change, &fresh);
    }
    buffer_free(text);
    *text = fresh;
    return buffer_ok(text, e);
}

static const struct profile_change *change_of(const char *key, const struct profile_change *changes,
                                              size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(changes[i].key, key) == 0)
            return &changes[i];
    return NULL;
}

/* The changes and nothing else. */
static bool is_as_meant(const struct profile *before, const struct profile *after,
                        const struct profile_change *changes, size_t count)
{
    bool same = true;

    for (size_t i = 0; same && i < schema_key_count; i++) {
        const struct schema_key *k = &schema_keys[i];
        const struct profile_change *wanted = change_of(k->name, changes, count);
        char *value = wanted == NULL ? NULL : schema_value(k, after, 0);

        if (wanted == NULL)
            same = schema_same(k, before, after);
        else
            same = wanted->value == NULL ? value == NULL
                                         : value != NULL && strcmp(value, wanted->value) == 0;
        free(value);
    }
    return same;
}

static bool change(const char *path, struct buffer *text, const struct profile_change *changes,
                   size_t count, struct error *e)
{
    struct profile *before = profile_parse(path, text->data, text->length, NULL, e), *now = NULL;
    bool changed = before != NULL;

    /* Each change moves what stands behind it: places are looked up anew. */
    for (size_t i = 0; changed && i < count; i++) {
        now = profile_parse(path, text->data, text->length, NULL, e);
        changed = now != NULL && change_text(text, now, &changes[i], e);
        profile_free(&now);
    }
    if (changed)
        now = profile_parse(path, text->data, text->length, NULL, NULL);
    if (changed && (now == NULL || !is_as_meant(before, now, changes, count)))
        changed = error_set(e, ERROR_PROFILE,
                            "'%s' is written in a way that cannot be changed here; set %s with "
                            "signet profile edit",
                            path, changes[0].key);
    profile_free(&before);
    profile_free(&now);
    return changed;
}

bool profile_change_file(const char *path, const struct profile_change *changes, size_t count,
                         struct error *e)
{
    struct buffer text = BUFFER_INIT;
    bool changed = path_read_file(path, PROFILE_MAX, &text, e) &&
                   change(path, &text, changes, count, e) && save_bytes(path, &text, true, e);

    buffer_free(&text);
    return changed;
}

bool profile_copy(const char *from, const char *to, const char *name, struct error *e)
{
    const struct profile_change renamed = {"name", name};
    struct buffer text = BUFFER_INIT;
    bool copied = path_read_file(from, PROFILE_MAX, &text, e) &&
                  change(from, &text, &renamed, 1, e) && save_bytes(to, &text, false, e);

    buffer_free(&text);
    return copied;
}

bool profile_can_change(const char *path, const struct profile_change *changes, size_t count,
                        struct error *e)
{
    struct buffer text = BUFFER_INIT;
    char *folder = path_parent(path, e);
    bool can = folder != NULL && path_read_file(path, PROFILE_MAX, &text, e) &&
               change(path, &text, changes, count, e);

    if (can && access(folder, W_OK) != 0)
        can = error_set_errno(e, "cannot write in '%s'", folder);
    free(folder);
    buffer_free(&text);
    return can;
}
