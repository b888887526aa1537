/* SPDX-License-Identifier: Apache-2.0 */
/* Any verb of both programs, its arguments in a form made from its descriptor. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "op/text.h"
#include "tui/command/command.h"
#include "tui/jobs.h"
#include "tui/view/form.h"

enum { MOST_ARGS = 32, MOST_WORDS = 60 };

struct verb {
    const struct op *op;
    char *title;
    struct form_field field[MOST_ARGS];
    const char *choices[MOST_ARGS][12]; /* with "" before those of the descriptor */
    size_t count;
    char *token, *name; /* the token that it was opened for, and what names it there; NULL */
};

static void verb_free(void *data)
{
    struct verb *v = data;

    free(v->title);
    free(v->token);
    free(v->name);
    free(v);
}

/* Counts on where there is no room: whoever asked for too much is told so. */
static size_t add_word(const char *word, const char **words, size_t count)
{
    if (count < MOST_WORDS)
        words[count] = word;
    return count + 1;
}

/* Several values of a repeatable argument stand side by side, with blanks between; lines that were
 * pasted are one. */
static size_t add_words(char *text, const char *option, const char **words, size_t count)
{
    char *rest = NULL;

    if (strchr(text, '\n') != NULL)
        return add_word(text, words, option == NULL ? count : add_word(option, words, count));

    for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        if (option != NULL)
            count = add_word(option, words, count);
        count = add_word(word, words, count);
    }
    return count;
}

static const struct op_arg *arg_of(const struct verb *v, size_t index)
{
    return index < v->op->arg_count ? &v->op->args[index] : &op_pin_arg;
}

/* The token that the form was opened for, while it names that one still. */
static const json_t *token_of(const struct console *c, const struct verb *v,
                              const char *const *values)
{
    for (size_t i = 0; i < v->count && v->token != NULL && v->name != NULL; i++)
        if (values[i] != NULL && strcmp(values[i], v->name) == 0)
            return store_token(&c->store, v->token);
    return NULL;
}

/* Positional ones last, behind "--". */
static bool verb_done(struct console *c, void *data, const char *const *values, char *why,
                      size_t size)
{
    struct verb *v = data;
    const char *words[MOST_WORDS];
    char *owned[MOST_ARGS * 2] = {0};
    size_t count = 0, own = 0;
    struct job *j;

    for (size_t i = 0; i < v->count; i++) {
        const struct op_arg *arg = arg_of(v, i);

        if (values[i] == NULL || arg->positional)
            continue;
        owned[own] = text_format("--%s", arg->name);
        if (arg->type == OP_FLAG) {
            count = add_word(owned[own++], words, count);
            continue;
        }
        owned[own + 1] = strdup(values[i]);
        if (arg->repeatable) {
            count = add_words(owned[own + 1], owned[own], words, count);
        } else {
            count = add_word(owned[own], words, count);
            count = add_word(owned[own + 1], words, count);
        }
        own += 2;
    }
    count = add_word("--", words, count);
    for (size_t i = 0; i < v->count; i++) {
        if (values[i] == NULL || !arg_of(v, i)->positional)
            continue;
        owned[own] = strdup(values[i]);
        if (arg_of(v, i)->repeatable)
            count = add_words(owned[own], NULL, words, count);
        else
            count = add_word(owned[own], words, count);
        own++;
    }
    if (count > MOST_WORDS) {
        snprintf(why, size, "too many values for a form; run it as a verb: signet %s", v->op->verb);
        j = NULL;
    } else {
        j = jobs_run(c, v->op->verb, token_of(c, v, values), words, count);
        if (j == NULL)
            snprintf(why, size, "%s", c->status);
    }
    for (size_t i = 0; i < own; i++)
        free(owned[i]);
    return j != NULL;
}

static void add_field(struct verb *v, const struct op_arg *arg)
{
    struct form_field *f = &v->field[v->count];
    size_t n = 0;

    *f = (struct form_field){arg->name, arg->help, FORM_TEXT, NULL, arg->required, false};
    if (arg->type == OP_FLAG)
        f->type = FORM_SWITCH;
    else if (arg->type == OP_PATH) {
        f->type = FORM_PATH;
        f->pastes = arg->positional && strcmp(v->op->verb, "import") == 0;
    } else if (arg->type == OP_CHOICE) {
        f->type = FORM_CHOICE;
        v->choices[v->count][n++] = "";
        for (size_t i = 0; arg->choices[i] != NULL && n < 11; i++)
            v->choices[v->count][n++] = arg->choices[i];
        f->choices = v->choices[v->count];
    }
    v->count++;
}

/* What stood under the cursor goes into the fields that want such a thing. */
static const char *prefill(const struct console *c, const struct op_arg *arg)
{
    const json_t *token = console_token(c), *object = console_object(c);

    if (arg->type == OP_TOKEN && token != NULL)
        return op_string(token, "uri");
    if (arg->type == OP_OBJECT && arg->positional && token != NULL)
        return op_string(object != NULL ? object : token, "uri");
    if (arg->type == OP_PROFILE && command_profile_here(c) != NULL)
        return op_string(command_profile_here(c), "path");
    return arg->type == OP_FLAG ? NULL : arg->default_text;
}

static const struct verb_value *value_of(const struct verb_value *values, const char *name)
{
    for (; values != NULL && values->name != NULL; values++)
        if (strcmp(values->name, name) == 0)
            return values;
    return NULL;
}

/* Fields, and what stands in them; the token of the first positional one is noted. */
static void fill(const struct console *c, struct verb *v, const struct verb_value *values,
                 const char **texts)
{
    const json_t *token = console_token(c);

    for (size_t i = 0; i < v->op->arg_count && v->count + 1 < MOST_ARGS; i++) {
        const struct op_arg *arg = &v->op->args[i];
        const struct verb_value *given = value_of(values, arg->name);
        const char *text = given != NULL ? given->value : prefill(c, arg);

        if (token != NULL && v->name == NULL && arg->positional && text != NULL &&
            (arg->type == OP_TOKEN || arg->type == OP_OBJECT)) {
            v->token = strdup(op_string(token, "uri"));
            v->name = strdup(text);
        }
        texts[v->count] = text;
        add_field(v, arg);
        if (given != NULL && given->needed)
            v->field[v->count - 1].required = true;
    }
    if (op_takes_pin(v->op))
        add_field(v, &op_pin_arg);
}

static void open_form(struct console *c, const struct op *op, const struct verb_value *values)
{
    struct verb *v = calloc(1, sizeof *v);
    const char *texts[MOST_ARGS] = {0};
    struct form_spec spec = {.verb = "run", .done = verb_done, .free_data = verb_free, .data = v};

    if (v == NULL)
        return;
    v->op = op;
    fill(c, v, values, texts);
    if (v->count == 0) {
        jobs_run(c, op->verb, NULL, NULL, 0);
        verb_free(v);
        return;
    }
    v->title = text_format("%s: %s", op->verb, op->summary);
    spec.title = v->title;
    spec.fields = v->field;
    spec.count = v->count;
    console_open(c, form_new(&spec, texts));
}

void command_open_verb(struct console *c, const struct op *op)
{
    if (op->effects & OP_TERMINAL)
        console_say(c, STYLE_WARN, "%s needs a terminal of its own; o edits a profile here",
                    op->verb);
    else
        open_form(c, op, NULL);
}

void command_open_verb_with(struct console *c, const char *verb, const struct verb_value *values)
{
    open_form(c, jobs_op(verb), values);
}
