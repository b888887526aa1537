/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML to profile, on libyaml's events: nothing is built that is not asked for. All mistakes are
 * collected, each with its place. Where libyaml would take long over something that no profile has
 * (deep nesting, many %TAG lines: both cost it the square of their number), the text is refused
 * first.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/text.h"
#include "profiles/problems.h"
#include "profiles/profile.h"
#include "profiles/schema.h"

enum { NAME_SIZE = 128, WHY_SIZE = 400, MOST_DEPTH = 16, MOST_KEYS = 64 };

struct parsing {
    const char *path;
    const uint8_t *bytes; /* without the byte order mark */
    size_t length, mark;  /* `mark`: how many bytes that was */
    struct profile *profile;
    bool seen[MOST_KEYS]; /* maps, by the index of their first key */
    struct profile_problems *problems;
    yaml_parser_t parser;
    yaml_event_t event;
    bool stopped; /* by libyaml, or because there is no use in going on */
};

static void problem(struct parsing *p, yaml_mark_t at, const char *key, const char *value,
                    const char *reason)
{
    if (!problems_add(p->problems, p->path, at.line + 1, at.column + 1, key, value, reason))
        p->stopped = true;
}

/* As libyaml counts: lines, and characters in a line, from 0. */
static yaml_mark_t mark_of(const struct parsing *p, size_t offset)
{
    yaml_mark_t at = {0};

    for (size_t i = 0; i < offset && i < p->length; i++) {
        if (p->bytes[i] == '\n') {
            at.line++;
            at.column = 0;
        } else if ((p->bytes[i] & 0xc0) != 0x80) {
            at.column++;
        }
    }
    return at;
}

/* The byte at which the character number `index` stands, in the text as it was given. */
static size_t offset_of(const struct parsing *p, size_t index)
{
    size_t at = 0;

    while (at < p->length && (index > 0 || (p->bytes[at] & 0xc0) == 0x80))
        index -= (p->bytes[at++] & 0xc0) != 0x80;
    return p->mark + at;
}

static void syntax_problem(struct parsing *p)
{
    const yaml_parser_t *y = &p->parser;
    const char *what = y->problem == NULL ? "no memory" : y->problem;
    yaml_mark_t at = y->problem_mark;
    char reason[WHY_SIZE];

    if (y->error == YAML_READER_ERROR) {
        at = mark_of(p, y->problem_offset);
        snprintf(reason, sizeof reason, "not a text in UTF-8: %s", what);
    } else if (y->context != NULL) {
        snprintf(reason, sizeof reason, "not YAML: %s, %s that begins in line %zu", what,
                 y->context, y->context_mark.line + 1);
    } else {
        snprintf(reason, sizeof reason, "not YAML: %s", what);
    }
    problem(p, at, NULL, NULL, reason);
}

static bool next(struct parsing *p)
{
    if (p->stopped)
        return false;
    yaml_event_delete(&p->event);
    if (yaml_parser_parse(&p->parser, &p->event))
        return true;
    syntax_problem(p);
    p->stopped = true;
    return false;
}

/* Passes over what was just begun, whatever is in it; without recursion. */
static void skip(struct parsing *p)
{
    size_t depth = 0;

    do {
        switch (p->event.type) {
        case YAML_MAPPING_START_EVENT:
        case YAML_SEQUENCE_START_EVENT:
            depth++;
            break;
        case YAML_MAPPING_END_EVENT:
        case YAML_SEQUENCE_END_EVENT:
            depth--;
            break;
        default:
            break;
        }
        if (depth > MOST_DEPTH) {
            problem(p, p->event.start_mark, NULL, NULL,
                    "nested too deep; a profile has keys, and maps and lists of values");
            p->stopped = true;
        }
    } while (depth > 0 && next(p));
}

/* Anchors, aliases and tags make a value something else than what stands there. */
static bool is_plain(struct parsing *p, const char *key)
{
    const yaml_event_t *e = &p->event;
    const yaml_char_t *anchor = NULL, *tag = NULL;

    if (e->type == YAML_ALIAS_EVENT) {
        problem(p, e->start_mark, key, NULL,
                "aliases (*) are not allowed here; write the value itself");
        return false;
    }
    if (e->type == YAML_SCALAR_EVENT) {
        anchor = e->data.scalar.anchor;
        tag = e->data.scalar.tag;
    } else if (e->type == YAML_SEQUENCE_START_EVENT) {
        anchor = e->data.sequence_start.anchor;
        tag = e->data.sequence_start.tag;
    } else if (e->type == YAML_MAPPING_START_EVENT) {
        anchor = e->data.mapping_start.anchor;
        tag = e->data.mapping_start.tag;
    }
    if (anchor != NULL)
        problem(p, e->start_mark, key, NULL, "anchors (&) are not allowed here");
    if (tag != NULL)
        problem(p, e->start_mark, key, NULL,
                "tags (!) are not allowed here; quote the text if it begins with !");
    return anchor == NULL && tag == NULL;
}

/* The text of a scalar; NULL, said so, when it has a NUL in it. */
static const char *scalar(struct parsing *p, const char *key)
{
    const char *value = (const char *)p->event.data.scalar.value;

    if (strlen(value) == p->event.data.scalar.length)
        return value;
    problem(p, p->event.start_mark, key, NULL, "it has a NUL in it");
    return NULL;
}

/* What YAML calls null is no text. */
static const char *without_null(const struct parsing *p, const char *value)
{
    static const char *const nulls[] = {"~", "null", "Null", "NULL"};
    bool plain = p->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

    for (size_t i = 0; plain && i < sizeof nulls / sizeof *nulls; i++)
        if (strcmp(value, nulls[i]) == 0)
            return "";
    return value;
}

static void set(struct parsing *p, const struct schema_key *k)
{
    bool quoted = p->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    bool number = k->type == SCHEMA_INTEGER || k->type == SCHEMA_BOOLEAN;
    const char *value = scalar(p, k->name);
    char why[WHY_SIZE - 40] = "", reason[WHY_SIZE];

    if (value == NULL)
        return;
    /* "4" is a text to YAML, and no number. */
    if (schema_set(k, p->profile, quoted && number ? "" : without_null(p, value), why, sizeof why))
        return;
    snprintf(reason, sizeof reason, "should be %s%s", why,
             quoted && number ? ", without quotes" : "");
    problem(p, p->event.start_mark, k->name, schema_may_show(k, value) ? value : NULL, reason);
}

static void read_list(struct parsing *p, const struct schema_key *k)
{
    while (next(p) && p->event.type != YAML_SEQUENCE_END_EVENT) {
        if (!is_plain(p, k->name)) {
            skip(p);
        } else if (p->event.type == YAML_SCALAR_EVENT) {
            set(p, k);
        } else {
            problem(p, p->event.start_mark, k->name, NULL, "an item should be a text");
            skip(p);
        }
    }
}

static void note_place(struct parsing *p, const struct schema_key *k)
{
    struct profile_place *place = &p->profile->place[k - schema_keys];
    const yaml_event_t *e = &p->event;

    if (place->line > 0)
        return;
    *place =
        (struct profile_place){.line = e->start_mark.line + 1, .column = e->start_mark.column + 1};
    if (e->type == YAML_SCALAR_EVENT) {
        place->start = offset_of(p, e->start_mark.index);
        place->end = offset_of(p, e->end_mark.index);
    }
}

static void read_value(struct parsing *p, const struct schema_key *k)
{
    bool list = schema_is_list(k);

    note_place(p, k);
    if (!is_plain(p, k->name)) {
        skip(p);
    } else if (list && p->event.type == YAML_SEQUENCE_START_EVENT) {
        read_list(p, k);
    } else if (!list && p->event.type == YAML_SCALAR_EVENT) {
        set(p, k);
    } else {
        problem(p, p->event.start_mark, k->name, NULL,
                list ? "should be a list, as in [one, two]" : "should be a single value");
        skip(p);
    }
}

static void unknown(struct parsing *p, yaml_mark_t at, const char *name)
{
    char hint[WHY_SIZE - 20] = "", reason[WHY_SIZE];

    schema_hint(name, hint, sizeof hint);
    snprintf(reason, sizeof reason, "unknown key%s%s", *hint == '\0' ? "" : "; ", hint);
    problem(p, at, name, NULL, reason);
}

static void twice(struct parsing *p, yaml_mark_t at, const char *name)
{
    problem(p, at, name, NULL, "this key stands here twice");
}

static void read_map(struct parsing *p, const char *prefix);

static void read_submap(struct parsing *p, const char *name)
{
    if (!is_plain(p, name)) {
        skip(p);
    } else if (p->event.type == YAML_MAPPING_START_EVENT) {
        read_map(p, name);
    } else {
        problem(p, p->event.start_mark, name, NULL, "should be a map, as in {key: value}");
        skip(p);
    }
}

/* The full name of the key that the event is; false when it is none. A name is never written with
 * its dot. */
static bool read_name(struct parsing *p, const char *prefix, char *name, size_t size)
{
    const char *text;

    if (!is_plain(p, prefix))
        return false;
    if (p->event.type != YAML_SCALAR_EVENT) {
        problem(p, p->event.start_mark, prefix, NULL, "a key should be a word");
        return false;
    }
    text = scalar(p, prefix);
    if (text == NULL)
        return false;
    snprintf(name, size, "%s%s%s", prefix == NULL ? "" : prefix, prefix == NULL ? "" : ".", text);
    if (strchr(text, '.') == NULL)
        return true;
    unknown(p, p->event.start_mark, name);
    return false;
}

/* A key and its value; the event is the key. */
static void read_pair(struct parsing *p, const char *prefix)
{
    yaml_mark_t at = p->event.start_mark;
    const struct schema_key *k, *first;
    char name[NAME_SIZE];

    if (!read_name(p, prefix, name, sizeof name)) {
        skip(p);
        if (next(p))
            skip(p);
        return;
    }
    if (!next(p))
        return;
    k = schema_find(name);
    first = prefix == NULL ? schema_map(name) : NULL;
    if (k != NULL) {
        if (p->profile->place[k - schema_keys].line > 0)
            twice(p, at, name);
        read_value(p, k);
    } else if (first != NULL) {
        if (p->seen[first - schema_keys])
            twice(p, at, name);
        p->seen[first - schema_keys] = true;
        read_submap(p, name);
    } else {
        unknown(p, at, name);
        skip(p);
    }
}

static void read_map(struct parsing *p, const char *prefix)
{
    while (next(p) && p->event.type != YAML_MAPPING_END_EVENT)
        read_pair(p, prefix);
}

static void read_root(struct parsing *p)
{
    if (p->event.type == YAML_MAPPING_START_EVENT && is_plain(p, NULL)) {
        read_map(p, NULL);
        return;
    }
    if (p->event.type != YAML_MAPPING_START_EVENT)
        problem(p, p->event.start_mark, NULL, NULL,
                "a profile is a map of keys and values, as in signet: 1");
    skip(p);
}

static void read_document(struct parsing *p)
{
    yaml_mark_t start = {0};

    while (next(p) && p->event.type != YAML_STREAM_END_EVENT) {
        switch (p->event.type) {
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_START_EVENT:
            break;
        case YAML_DOCUMENT_END_EVENT:
            if (next(p) && p->event.type != YAML_STREAM_END_EVENT) {
                problem(p, p->event.start_mark, NULL, NULL,
                        "a profile is one document; take the second one away");
                p->stopped = true;
            }
            goto end;
        default:
            read_root(p);
            break;
        }
    }
end:
    if (!p->stopped && p->profile->place[0].line == 0)
        problem(p, start, schema_keys[0].name, NULL,
                "the line 'signet: 1' is missing; it names the version of the format");
}

/* A line that begins with %: a directive, or what libyaml takes for one. */
static const uint8_t *directive(const struct parsing *p)
{
    const uint8_t *line = p->bytes, *end = line + p->length;

    while (line < end && *line != '%') {
        const uint8_t *newline = memchr(line, '\n', (size_t)(end - line));

        line = newline == NULL ? end : newline + 1;
    }
    return line < end ? line : NULL;
}

/* What libyaml should not even see. */
static bool is_fit(struct parsing *p)
{
    const uint8_t *at;

    if (p->length > PROFILE_MAX) {
        problem(p, (yaml_mark_t){0}, NULL, NULL, "larger than 1 MiB; that is no profile");
        return false;
    }
    at = p->length > 0 ? memchr(p->bytes, '\0', p->length) : NULL;
    if (at != NULL) {
        problem(p, mark_of(p, (size_t)(at - p->bytes)), NULL, NULL,
                "a NUL byte; a profile is a text in UTF-8");
        return false;
    }
    at = directive(p);
    if (at != NULL)
        problem(p, mark_of(p, (size_t)(at - p->bytes)), NULL, NULL,
                "a line that begins with % is not allowed here");
    return at == NULL;
}

static void take_text(struct parsing *p, const void *bytes, size_t length)
{
    /* An empty file may come as no memory at all. */
    p->bytes = length > 0 ? bytes : (const void *)"";
    p->length = length;
    if (length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
        p->mark = 3;
    p->bytes += p->mark;
    p->length -= p->mark;
    yaml_parser_set_encoding(&p->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&p->parser, p->bytes, p->length);
}

struct profile *profile_parse(const char *path, const void *bytes, size_t length,
                              struct profile_problems *problems, struct error *e)
{
    struct profile_problems own = {0};
    struct parsing p = {.path = path, .problems = problems != NULL ? problems : &own};
    size_t before = p.problems->count;

    assert(schema_key_count <= MOST_KEYS);
    p.profile = profile_new(e);
    if (p.profile != NULL)
        p.profile->place = calloc(schema_key_count, sizeof *p.profile->place);
    if (p.profile == NULL || p.profile->place == NULL || !yaml_parser_initialize(&p.parser)) {
        profile_free(&p.profile);
        error_set_memory(e);
        return NULL;
    }
    take_text(&p, bytes, length);
    if (is_fit(&p))
        read_document(&p);
    yaml_event_delete(&p.event);
    yaml_parser_delete(&p.parser);
    /* Stopped without a problem: there was no memory for one, or the list was full before. */
    if (p.problems->count > before || p.stopped) {
        problems_error(p.problems, before, e);
        profile_free(&p.profile);
    }
    profile_problems_free(&own);
    return p.profile;
}
