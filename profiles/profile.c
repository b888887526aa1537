/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles as values: made, freed, written. */
#include "profiles/profile.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/tempfile.h"
#include "profiles/schema.h"

enum { PROFILE_MAX = 1 << 20 };

void profile_list_free(struct profile_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->item[i]);
    free(l->item);
    *l = (struct profile_list){0};
}

void profile_problems_free(struct profile_problems *p)
{
    for (size_t i = 0; i < p->count; i++)
        free(p->line[i]);
    free(p->line);
    *p = (struct profile_problems){0};
}

struct profile *profile_new(struct error *e)
{
    struct profile *p = calloc(1, sizeof *p);

    if (p == NULL) {
        error_set_memory(e);
        return NULL;
    }
    for (size_t i = 0; i < schema_key_count; i++)
        if (schema_is_number(&schema_keys[i]))
            *schema_number(&schema_keys[i], p) = schema_keys[i].otherwise;
    return p;
}

void profile_free(struct profile **profile)
{
    struct profile *p = *profile;

    if (p == NULL)
        return;
    for (size_t i = 0; i < schema_key_count; i++) {
        const struct schema_key *k = &schema_keys[i];

        if (schema_is_list(k))
            profile_list_free(schema_list(k, p));
        else if (!schema_is_number(k))
            free(*schema_text(k, p));
    }
    free(p->path);
    free(p);
    *profile = NULL;
}

/* Words that YAML takes as they are: what begins with a letter and has nothing in it that means
 * something. */
static bool needs_no_quotes(const char *value)
{
    static const char *const words[] = {"true", "false", "null", "yes", "no",
                                        "on",   "off",   "y",    "n"};

    if (!isalpha((unsigned char)value[0]))
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(value, words[i]) == 0)
            return false;
    for (const char *at = value; *at != '\0'; at++) {
        bool plain = isalnum((unsigned char)*at) || strchr("-_./=%;@+", *at) != NULL;

        /* A colon, but not one that a blank follows. */
        if (!plain && !(*at == ':' && at[1] != '\0' && at[1] != ' ') && *at != ' ')
            return false;
        if (*at == ' ' && (at[1] == '\0' || at[1] == '#'))
            return false;
    }
    return true;
}

static void write_value(struct buffer *out, const struct schema_key *k, const char *value)
{
    if (schema_is_number(k) || (!schema_is_list(k) && needs_no_quotes(value))) {
        buffer_append_text(out, value);
        return;
    }
    /* Double quotes, with what JSON escapes: YAML reads that. */
    buffer_append_byte(out, '"');
    for (const char *at = value; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            buffer_printf(out, "\\x%02x", (unsigned char)*at);
        else if (*at == '"' || *at == '\\')
            buffer_printf(out, "\\%c", *at);
        else
            buffer_append_byte(out, (uint8_t)*at);
    }
    buffer_append_byte(out, '"');
}

static void write_key(struct buffer *out, const struct schema_key *k, const struct profile *p,
                      const char *name)
{
    char *value;

    buffer_printf(out, "%s: ", name);
    if (schema_is_list(k))
        buffer_append_byte(out, '[');
    for (size_t i = 0; (value = schema_value(k, p, i)) != NULL; i++) {
        if (i > 0)
            buffer_append_text(out, ", ");
        write_value(out, k, value);
        free(value);
    }
    buffer_append_text(out, schema_is_list(k) ? "]\n" : "\n");
}

/* Keys of one map stand side by side in the table. */
bool profile_write(const struct profile *p, struct buffer *out, struct error *e)
{
    char map[64] = "";

    for (size_t i = 0; i < schema_key_count; i++) {
        const struct schema_key *k = &schema_keys[i];
        const char *dot = strchr(k->name, '.');

        if (schema_is_default(k, p) && i > 0)
            continue;
        if (dot == NULL) {
            if (i == 0)
                buffer_append_text(out, "signet: 1\n");
            else
                write_key(out, k, p, k->name);
            continue;
        }
        if (strncmp(map, k->name, (size_t)(dot - k->name) + 1) != 0) {
            size_t length = (size_t)(dot - k->name);

            memcpy(map, k->name, length + 1);
            map[length + 1] = '\0';
            buffer_printf(out, "%.*s:\n", (int)length, k->name);
        }
        buffer_append_text(out, "  ");
        write_key(out, k, p, dot + 1);
    }
    return buffer_ok(out, e);
}

static bool save_bytes(const char *path, const struct buffer *bytes, bool replace, struct error *e)
{
    struct stat status;
    mode_t mode = stat(path, &status) == 0 ? status.st_mode & 0755 : 0644, mask = umask(0);
    struct tempfile *t;
    bool saved;

    umask(mask);
    t = tempfile_open(path, e);
    if (t == NULL)
        return false;
    if (write(tempfile_fd(t), bytes->data, bytes->length) != (ssize_t)bytes->length ||
        fchmod(tempfile_fd(t), mode & ~mask) != 0)
        saved = error_set_errno(e, "cannot write '%s'", path);
    else
        saved = tempfile_commit(t, replace, e);
    tempfile_free(&t);
    return saved;
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

/* The line of a key at the left margin: its start and end (past the newline); false when there is
 * none. */
static bool find_line(const char *text, const char *key, size_t *start, size_t *end)
{
    size_t length = strlen(key);

    for (const char *line = text; *line != '\0';) {
        size_t all = strcspn(line, "\n");

        all += line[all] == '\n';
        if (strncmp(line, key, length) == 0 && line[length] == ':') {
            *start = (size_t)(line - text);
            *end = *start + all;
            return true;
        }
        line += all;
    }
    return false;
}

static bool replace_line(struct buffer *text, const char *key, const char *value, struct error *e)
{
    const char *old = buffer_text(text);
    struct buffer fresh = BUFFER_INIT;
    size_t start = text->length, end = text->length;

    if (old == NULL)
        return error_set_memory(e);
    find_line(old, key, &start, &end);
    buffer_append(&fresh, old, start);
    if (start > 0 && old[start - 1] != '\n')
        buffer_append_byte(&fresh, '\n');
    buffer_printf(&fresh, "%s: %s\n", key, value);
    buffer_append(&fresh, old + end, text->length - end);
    buffer_free(text);
    *text = fresh;
    return buffer_ok(text, e);
}

bool profile_set_key(const char *path, const char *key, const char *value, struct error *e)
{
    struct buffer text = BUFFER_INIT;
    struct profile *p = NULL;
    bool set = path_read_file(path, PROFILE_MAX, &text, e) && replace_line(&text, key, value, e);

    if (set) {
        p = profile_parse(path, text.data, text.length, NULL, e);
        set = p != NULL ||
              error_prefix(e, "'%s' cannot be changed in place; use signet profile edit", path);
    }
    set = set && save_bytes(path, &text, true, e);
    profile_free(&p);
    buffer_free(&text);
    return set;
}
