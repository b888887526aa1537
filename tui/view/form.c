/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/view/form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "tui/view/input.h"
#include "tui/view/wrap.h"

enum { WIDTH = 84, NAME_COLUMNS = 24, HELP_ROWS = 3, WHY_SIZE = 256 };

struct form {
    struct window window;
    struct form_spec spec;
    struct input *value;
    struct buffer *pasted; /* in place of the value, where it is not empty */
    char (*why)[WHY_SIZE]; /* of each field; "" when it is good */
    char said[WHY_SIZE];   /* by `done` */
    size_t at, top;
};

static void check(struct form *f, size_t i)
{
    const struct form_field *field = &f->spec.fields[i];

    f->why[i][0] = '\0';
    f->said[0] = '\0';
    if (f->pasted[i].length > FORM_PASTE_MAX)
        snprintf(f->why[i], WHY_SIZE, "that is more than %d KiB: name a file that has it",
                 FORM_PASTE_MAX >> 10);
    else if (f->value[i].length == 0 && f->pasted[i].length == 0 && field->required)
        snprintf(f->why[i], WHY_SIZE, "this is needed");
    else if (f->value[i].length > 0 && f->spec.check != NULL &&
             !f->spec.check(f->spec.data, i, f->value[i].text, f->why[i], WHY_SIZE) &&
             f->why[i][0] == '\0')
        snprintf(f->why[i], WHY_SIZE, "this cannot be");
}

static size_t choice_of(const struct form_field *field, const char *value)
{
    size_t i = 0;

    while (field->choices[i] != NULL && strcmp(field->choices[i], value) != 0)
        i++;
    return field->choices[i] == NULL ? 0 : i;
}

static size_t choice_count(const struct form_field *field)
{
    size_t count = 0;

    while (field->choices[count] != NULL)
        count++;
    return count;
}

static void turn(struct form *f, int by)
{
    const struct form_field *field = &f->spec.fields[f->at];
    size_t count, now;

    if (field->type == FORM_SWITCH) {
        input_set(&f->value[f->at], f->value[f->at].length > 0 ? "" : "yes");
        return;
    }
    count = choice_count(field);
    now = choice_of(field, f->value[f->at].text);
    input_set(&f->value[f->at], field->choices[(now + count + (size_t)by) % count]);
}

static void draw_value(const struct form *f, const struct area *a, int row, size_t i)
{
    const struct form_field *field = &f->spec.fields[i];
    const char *value = f->value[i].text;

    if (field->type == FORM_SWITCH)
        draw_text(a, row, NAME_COLUMNS, STYLE_PLAIN, *value != '\0' ? "[x]" : "[ ]");
    else if (field->type == FORM_CHOICE)
        draw_format(a, row, NAME_COLUMNS, STYLE_PLAIN, "< %s >", *value == '\0' ? "-" : value);
    else if (f->pasted[i].length > 0)
        draw_format(a, row, NAME_COLUMNS, STYLE_GOOD, "%zu bytes pasted; Backspace drops them",
                    f->pasted[i].length);
    else if (i == f->at)
        input_draw(&f->value[i], a, row, NAME_COLUMNS, true);
    else
        draw_text(a, row, NAME_COLUMNS, STYLE_PLAIN, value);
}

static void draw_field(const struct form *f, const struct area *a, int row, size_t i)
{
    const struct form_field *field = &f->spec.fields[i];
    bool bad = f->why[i][0] != '\0';

    draw_format(a, row, 0,
                bad          ? STYLE_BAD
                : i == f->at ? STYLE_KEY
                             : STYLE_PLAIN,
                "%s%s", field->name, field->required ? " *" : "");
    draw_value(f, a, row, i);
}

static void draw_help(const struct form *f, const struct area *a, int row)
{
    const struct form_field *field = &f->spec.fields[f->at];
    bool bad = f->why[f->at][0] != '\0' || f->said[0] != '\0';
    const char *text = f->why[f->at][0] != '\0' ? f->why[f->at]
                       : f->said[0] != '\0'     ? f->said
                                                : field->help;
    struct wrapped lines = wrap_text(text == NULL ? "" : text, a->columns);

    for (int i = 0; i < HELP_ROWS && (size_t)i < lines.count; i++)
        draw_text(a, row + i, 0, bad ? STYLE_BAD : STYLE_DIM, lines.line[i]);
    wrap_free(&lines);
}

static void draw(struct window *w, struct console *c)
{
    struct form *f = (struct form *)w;
    int most = screen_rows() - HELP_ROWS - 7;
    int rows = (int)f->spec.count < most ? (int)f->spec.count : most;
    struct area a = draw_window(rows + HELP_ROWS + 3, WIDTH, f->spec.title);

    (void)c;
    if (f->at < f->top)
        f->top = f->at;
    if (f->at >= f->top + (size_t)rows)
        f->top = f->at - (size_t)rows + 1;
    for (int i = 0; i < rows && f->top + (size_t)i < f->spec.count; i++)
        draw_field(f, &a, i, f->top + (size_t)i);
    draw_across(&a, rows);
    draw_help(f, &a, rows + 1);
    draw_format(&a, rows + HELP_ROWS + 2, 0, STYLE_DIM,
                "Ctrl-S %s   Enter next   Tab complete   Left, Right choose   Esc give up",
                f->spec.verb);
}

/* NULL: none. */
static const char *value_of(struct form *f, size_t i)
{
    if (f->pasted[i].length > 0)
        return buffer_text(&f->pasted[i]);
    return f->value[i].length == 0 ? NULL : f->value[i].text;
}

static bool finish(struct form *f, struct console *c)
{
    const char **values = calloc(f->spec.count + 1, sizeof *values);
    bool done = false;

    for (size_t i = 0; i < f->spec.count; i++) {
        check(f, i);
        if (f->why[i][0] != '\0') {
            f->at = i;
            free(values);
            return false;
        }
        if (values != NULL)
            values[i] = value_of(f, i);
    }
    if (values != NULL)
        done = f->spec.done(c, f->spec.data, values, f->said, sizeof f->said);
    free(values);
    return done;
}

static void go(struct form *f, int by)
{
    check(f, f->at);
    f->at = (f->at + f->spec.count + (size_t)by) % f->spec.count;
}

/* The next thing on offer after what stands there; where nothing is, the next field. */
static void complete(struct form *f)
{
    const struct form_field *field = &f->spec.fields[f->at];
    struct input *value = &f->value[f->at];

    if (field->type == FORM_TEXT && field->choices != NULL) {
        size_t now = value->length == 0 ? choice_count(field) - 1 : choice_of(field, value->text);

        input_set(value, field->choices[(now + 1) % choice_count(field)]);
        check(f, f->at);
    } else if (field->type != FORM_PATH || !input_complete_path(value)) {
        go(f, 1);
    }
}

/* One character more than is allowed shows that there was too much. Empty lines, which come of CR
 * and LF, would end a block of PEM. */
static void add_pasted(struct buffer *b, int key)
{
    char bytes[5];
    size_t length = event_utf8(key, bytes);

    if (b->length > FORM_PASTE_MAX)
        return;
    if (key == KEYS_ENTER && b->length > 0 && b->data[b->length - 1] != '\n')
        buffer_append_byte(b, '\n');
    else
        buffer_append(b, bytes, length);
}

/* From its first line break on, or where a line has no room for it, what is pasted is kept apart;
 * what stood in the line is its beginning. False: it is for the line. */
static bool paste(struct form *f, const struct event *e)
{
    enum { ROOM = 8 };
    struct buffer *b = &f->pasted[f->at];
    struct input *line = &f->value[f->at];

    if (e->type != EVENT_PASTED) {
        if (b->length == 0)
            return false;
        if (e->key == KEYS_BACKSPACE || e->key == KEYS_DELETE || e->key == KEYS_CTRL('U'))
            buffer_free(b);
        return true;
    }
    if (b->length == 0 && e->key != KEYS_ENTER && line->length + ROOM < INPUT_SIZE)
        return false;
    if (b->length == 0) {
        buffer_append_text(b, line->text);
        input_set(line, NULL);
    }
    add_pasted(b, e->key);
    return true;
}

static void edit(struct form *f, const struct event *e)
{
    const struct form_field *field = &f->spec.fields[f->at];

    if (field->type == FORM_CHOICE || field->type == FORM_SWITCH) {
        if (e->key == KEYS_LEFT || e->key == KEYS_RIGHT || e->key == ' ')
            turn(f, e->key == KEYS_LEFT ? -1 : 1);
        return;
    }
    if ((field->pastes && paste(f, e)) || input_key(&f->value[f->at], e))
        check(f, f->at);
}

static bool key(struct window *w, struct console *c, const struct event *e)
{
    struct form *f = (struct form *)w;

    if (e->type == EVENT_PASTED) {
        edit(f, e);
        return true;
    }
    if (e->type != EVENT_KEY)
        return true;
    switch (e->key) {
    case KEYS_ESCAPE:
    case KEYS_CTRL('C'):
        return false;
    case KEYS_CTRL('S'):
        return !finish(f, c);
    case KEYS_ENTER:
        if (f->at + 1 == f->spec.count)
            return !finish(f, c);
        go(f, 1);
        return true;
    case KEYS_DOWN:
        go(f, 1);
        return true;
    case KEYS_UP:
    case KEYS_BACK_TAB:
        go(f, -1);
        return true;
    case KEYS_TAB:
        complete(f);
        return true;
    default:
        edit(f, e);
        return true;
    }
}

static void close_window(struct window *w)
{
    struct form *f = (struct form *)w;

    if (f->spec.free_data != NULL)
        f->spec.free_data(f->spec.data);
    for (size_t i = 0; f->pasted != NULL && i < f->spec.count; i++)
        buffer_free(&f->pasted[i]);
    free(f->pasted);
    free(f->value);
    free(f->why);
    free(f);
}

struct window *form_new(const struct form_spec *spec, const char *const *values)
{
    struct form *f = calloc(1, sizeof *f);

    if (f != NULL) {
        f->spec = *spec;
        f->window = (struct window){.draw = draw, .key = key, .close = close_window};
        f->value = calloc(spec->count + 1, sizeof *f->value);
        f->pasted = calloc(spec->count + 1, sizeof *f->pasted);
        f->why = calloc(spec->count + 1, sizeof *f->why);
    }
    if (f == NULL || f->value == NULL || f->pasted == NULL || f->why == NULL) {
        if (f != NULL)
            close_window(&f->window);
        else if (spec->free_data != NULL)
            spec->free_data(spec->data);
        return NULL;
    }
    for (size_t i = 0; i < spec->count; i++)
        input_set(&f->value[i], values == NULL ? NULL : values[i]);
    return &f->window;
}
