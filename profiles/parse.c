/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML to profile, on libyaml's events: nothing is built that is not asked for, so that nesting and
 * aliases cost nothing. All mistakes are collected, each with its place.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/text.h"
#include "profiles/profile.h"
#include "profiles/schema.h"

enum { MOST_PROBLEMS = 100, NAME_SIZE = 128, WHY_SIZE = 256, SHOWN_VALUE = 60 };

struct parsing {
    const char *path;
    struct profile *profile;
    struct profile_problems *problems;
    bool seen[64]; /* by index of schema_keys */
    yaml_parser_t parser;
    yaml_event_t event;
    bool broken; /* libyaml cannot go on */
};

static void add_line(struct parsing *p, char *line)
{
    char **grown = NULL;

    if (line != NULL && p->problems->count < MOST_PROBLEMS)
        grown = realloc(p->problems->line, (p->problems->count + 1) * sizeof *grown);
    if (grown == NULL) {
        free(line);
        return;
    }
    p->problems->line = grown;
    grown[p->problems->count++] = line;
}

/* path:line:column: key: value: reason. Key and value may be NULL. */
static void problem(struct parsing *p, yaml_mark_t at, const char *key, const char *value,
                    const char *reason)
{
    struct buffer line = BUFFER_INIT;

    buffer_printf(&line, "%s:%zu:%zu: ", p->path, at.line + 1, at.column + 1);
    if (key != NULL) {
        text_append_printable(&line, key, strlen(key));
        buffer_append_text(&line, ": ");
    }
    if (value != NULL) {
        size_t length = strlen(value);

        text_append_printable(&line, value, length > SHOWN_VALUE ? SHOWN_VALUE : length);
        buffer_append_text(&line, length > SHOWN_VALUE ? "…: " : ": ");
    }
    buffer_append_text(&line, reason);
    add_line(p, buffer_take(&line));
}

static void syntax_problem(struct parsing *p)
{
    const yaml_parser_t *y = &p->parser;
    yaml_mark_t at = y->problem_mark;
    char reason[WHY_SIZE];

    /* The reader counts bytes, not lines. */
    if (y->error == YAML_READER_ERROR) {
        at = y->mark;
        snprintf(reason, sizeof reason, "not a text file in UTF-8: %s",
                 y->problem == NULL ? "?" : y->problem);
    } else {
        snprintf(reason, sizeof reason, "not YAML: %s%s%s", y->problem == NULL ? "?" : y->problem,
                 y->context == NULL ? "" : ", ", y->context == NULL ? "" : y->context);
    }
    problem(p, at, NULL, NULL, reason);
}

static bool next(struct parsing *p)
{
    if (p->broken)
        return false;
    yaml_event_delete(&p->event);
    if (yaml_parser_parse(&p->parser, &p->event))
        return true;
    syntax_problem(p);
    p->broken = true;
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

/* A URI with a PIN is not shown: the message would keep it. */
static const char *showable(const struct schema_key *k, const char *value)
{
    if (k->type == SCHEMA_PIN || (k->type == SCHEMA_URI && strcasestr(value, "pin-") != NULL))
        return NULL;
    return value;
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

static void set(struct parsing *p, const struct schema_key *k)
{
    const char *value = scalar(p, k->name);
    char why[WHY_SIZE] = "", reason[WHY_SIZE + 16];

    if (value == NULL || schema_set(k, p->profile, value, why, sizeof why))
        return;
    snprintf(reason, sizeof reason, "should be %s", why);
    problem(p, p->event.start_mark, k->name, showable(k, value), reason);
}

static void read_list(struct parsing *p, const struct schema_key *k)
{
    while (next(p) && p->event.type != YAML_SEQUENCE_END_EVENT) {
        if (!is_plain(p, k->name) || p->event.type != YAML_SCALAR_EVENT) {
            if (p->event.type != YAML_ALIAS_EVENT && p->event.type != YAML_SCALAR_EVENT)
                problem(p, p->event.start_mark, k->name, NULL, "an item should be a text");
            skip(p);
            continue;
        }
        set(p, k);
    }
}

static void read_value(struct parsing *p, const struct schema_key *k)
{
    bool list = schema_is_list(k);

    if (!is_plain(p, k->name)) {
        skip(p);
        return;
    }
    if (list && p->event.type == YAML_SEQUENCE_START_EVENT) {
        read_list(p, k);
        return;
    }
    if (p->event.type == YAML_SCALAR_EVENT && !list) {
        set(p, k);
        return;
    }
    problem(p, p->event.start_mark, k->name, NULL,
            list ? "should be a list, as in [one, two]" : "should be a single value");
    skip(p);
}

static void unknown(struct parsing *p, yaml_mark_t at, const char *name)
{
    const char *nearest = schema_nearest(name);
    char reason[WHY_SIZE];

    snprintf(reason, sizeof reason, "unknown key%s%s%s", nearest == NULL ? "" : "; did you mean ",
             nearest == NULL ? "" : nearest, nearest == NULL ? "" : "?");
    problem(p, at, name, NULL, reason);
}

static void note(struct parsing *p, const struct schema_key *k, yaml_mark_t at)
{
    size_t index = (size_t)(k - schema_keys);

    if (p->seen[index])
        problem(p, at, k->name, NULL, "this key stands here twice");
    p->seen[index] = true;
}

/* The same for a key whose value is a map. */
static void note_map(struct parsing *p, struct profile_list *maps, const char *name, yaml_mark_t at)
{
    char **grown;

    for (size_t i = 0; i < maps->count; i++)
        if (strcmp(maps->item[i], name) == 0)
            problem(p, at, name, NULL, "this key stands here twice");
    grown = realloc(maps->item, (maps->count + 1) * sizeof *grown);
    if (grown == NULL)
        return;
    maps->item = grown;
    grown[maps->count] = strdup(name);
    if (grown[maps->count] != NULL)
        maps->count++;
}

static void read_map(struct parsing *p, const char *prefix);

static void read_submap(struct parsing *p, const char *name)
{
    if (is_plain(p, name) && p->event.type == YAML_MAPPING_START_EVENT) {
        read_map(p, name);
        return;
    }
    if (p->event.type != YAML_MAPPING_START_EVENT && p->event.type != YAML_ALIAS_EVENT)
        problem(p, p->event.start_mark, name, NULL, "should be a map, as in {key: value}");
    skip(p);
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
static void read_pair(struct parsing *p, const char *prefix, struct profile_list *maps)
{
    yaml_mark_t at = p->event.start_mark;
    const struct schema_key *k;
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
    if (k != NULL) {
        note(p, k, at);
        read_value(p, k);
    } else if (prefix == NULL && schema_is_map(name)) {
        note_map(p, maps, name, at);
        read_submap(p, name);
    } else {
        unknown(p, at, name);
        skip(p);
    }
}

static void read_map(struct parsing *p, const char *prefix)
{
    struct profile_list maps = {0};

    while (next(p) && p->event.type != YAML_MAPPING_END_EVENT)
        read_pair(p, prefix, &maps);
    profile_list_free(&maps);
}

static void read_document(struct parsing *p)
{
    yaml_mark_t start = {0};

    while (next(p) && p->event.type != YAML_STREAM_END_EVENT) {
        switch (p->event.type) {
        case YAML_MAPPING_START_EVENT:
            if (is_plain(p, NULL))
                read_map(p, NULL);
            else
                skip(p);
            break;
        case YAML_SCALAR_EVENT:
        case YAML_SEQUENCE_START_EVENT:
        case YAML_ALIAS_EVENT:
            problem(p, p->event.start_mark, NULL, NULL,
                    "a profile is a map of keys and values, as in signet: 1");
            skip(p);
            break;
        case YAML_DOCUMENT_END_EVENT:
            if (next(p) && p->event.type != YAML_STREAM_END_EVENT) {
                problem(p, p->event.start_mark, NULL, NULL,
                        "a profile is one document; take the second one away");
                p->broken = true;
            }
            goto end;
        default:
            break;
        }
    }
end:
    if (!p->broken && !p->seen[0])
        problem(p, start, "signet", NULL,
                "the line 'signet: 1' is missing; it names the version of the format");
}

static bool contains_nul(const void *bytes, size_t length)
{
    return length > 0 && memchr(bytes, '\0', length) != NULL;
}

struct profile *profile_parse(const char *path, const void *bytes, size_t length,
                              struct profile_problems *problems, struct error *e)
{
    struct profile_problems own = {0};
    struct parsing p = {.path = path, .problems = problems != NULL ? problems : &own};
    size_t before = p.problems->count;

    p.profile = profile_new(e);
    if (p.profile == NULL || !yaml_parser_initialize(&p.parser)) {
        profile_free(&p.profile);
        return NULL;
    }
    yaml_parser_set_input_string(&p.parser, bytes, length);
    if (contains_nul(bytes, length))
        problem(&p, (yaml_mark_t){0}, NULL, NULL, "it has NUL bytes in it; a profile is text");
    else
        read_document(&p);
    yaml_event_delete(&p.event);
    yaml_parser_delete(&p.parser);
    if (p.problems->count > before) {
        error_set(e, ERROR_PROFILE, "%s", p.problems->line[before]);
        profile_free(&p.profile);
    }
    profile_problems_free(&own);
    return p.profile;
}
