/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/model/lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tui/view/wrap.h"

static void clear_lines(struct detail *d)
{
    for (size_t i = 0; i < d->count; i++) {
        free(d->line[i].name);
        free(d->line[i].value);
        free(d->line[i].copy);
    }
    free(d->line);
    d->line = NULL;
    d->count = 0;
}

void detail_free(struct detail *d)
{
    clear_lines(d);
    free(d->title);
    d->title = NULL;
}

struct line *lines_add(struct detail *d, enum line_kind kind, const char *name, char *value)
{
    static struct line nowhere;
    struct line *grown = realloc(d->line, (d->count + 1) * sizeof *grown);

    if (grown == NULL) {
        free(value);
        return &nowhere;
    }
    d->line = grown;
    grown = &d->line[d->count++];
    *grown = (struct line){.kind = kind, .value = value};
    grown->indent = kind == LINE_FIELD ? DETAIL_NAMES : kind == LINE_STEP ? DETAIL_STEPS : 0;
    if (name != NULL)
        grown->name = strdup(name);
    return grown;
}

struct line *lines_text(struct detail *d, enum style style, const char *format, ...)
{
    char *value = NULL;
    va_list args;
    struct line *l;

    va_start(args, format);
    if (vasprintf(&value, format, args) < 0)
        value = NULL;
    va_end(args);
    l = lines_add(d, LINE_TEXT, NULL, value);
    l->style = style;
    return l;
}

void lines_heading(struct detail *d, const char *words)
{
    lines_text(d, STYLE_PLAIN, "%s", "");
    lines_text(d, STYLE_HEADING, "%s", words);
}

struct line *lines_field(struct detail *d, const char *name, char *value)
{
    static struct line nowhere;
    struct line *l;

    if (value == NULL || *value == '\0') {
        free(value);
        return &nowhere;
    }
    l = lines_add(d, LINE_FIELD, name, value);
    l->copy = strdup(value);
    return l;
}

static char *value_text(const json_t *value)
{
    if (json_is_string(value))
        return strdup(json_string_value(value));
    if (json_is_integer(value))
        return text_format("%lld", (long long)json_integer_value(value));
    if (json_is_boolean(value))
        return strdup(json_is_true(value) ? "yes" : "no");
    return NULL;
}

struct line *lines_member(struct detail *d, const char *name, const json_t *record, const char *key)
{
    return lines_field(d, name, value_text(json_object_get(record, key)));
}

void lines_under(struct detail *d, enum style style, const char *words)
{
    struct line *l = lines_add(d, LINE_TEXT, NULL, strdup(words));

    l->style = style;
    l->indent = DETAIL_NAMES;
    l->rest = true;
}

/* Takes over what `l` owns. */
static void append_wrapped(struct detail *d, struct line *l, int columns)
{
    int room = columns - l->indent - (l->kind == LINE_STEP && l->state == STATE_NEXT ? 7 : 0);
    struct wrapped w = wrap_text(l->value == NULL || l->gauge != GAUGE_NONE ? "" : l->value, room);

    for (size_t i = 0; i < w.count; i++) {
        struct line *out = lines_add(d, i == 0 ? l->kind : LINE_TEXT, i == 0 ? l->name : NULL,
                                     l->gauge != GAUGE_NONE ? strdup(l->value) : strdup(w.line[i]));
        char *name = out->name, *value = out->value;

        *out = *l;
        out->name = name;
        out->value = value;
        out->rest = i > 0 || l->rest;
        if (i > 0) {
            out->kind = LINE_TEXT;
            out->copy = NULL;
        } else {
            l->copy = NULL;
        }
    }
    wrap_free(&w);
    free(l->name);
    free(l->value);
    free(l->copy);
}

void detail_wrap(struct detail *d, int columns)
{
    struct detail whole = *d;

    d->line = NULL;
    d->count = 0;
    for (size_t i = 0; i < whole.count; i++)
        append_wrapped(d, &whole.line[i], columns);
    free(whole.line);
}
