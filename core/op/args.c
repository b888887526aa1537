/* SPDX-License-Identifier: Apache-2.0 */
#include "op/args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "gate/pin_source.h"

const struct op_arg op_common_args[] = {
    {.name = "module",
     .type = OP_MODULE,
     .value = "MODULE",
     .repeatable = true,
     .help =
         "PKCS#11 module, by its p11-kit name or its path; default: all registered and known ones"},
    {.name = "json", .type = OP_FLAG, .help = "print JSON for programs"},
    {.name = "yes",
     .type = OP_FLAG,
     .help = "answer yes to what would be asked (never to the last try of a PIN)"},
    {.name = "verbose", .type = OP_FLAG, .letter = 'v', .help = "say more, and what modules print"},
    {.name = "help", .type = OP_FLAG, .letter = 'h', .help = "show this help"},
};
const size_t op_common_arg_count = sizeof op_common_args / sizeof *op_common_args;

const struct op_arg op_pin_arg = {
    .name = "pin",
    .type = OP_PIN,
    .value = "SOURCE",
    .help = "where the PIN comes from: prompt, env:NAME, file:PATH, fd:N, credential:NAME, "
            "command:…, pinpad",
};

bool op_takes_pin(const struct op *op)
{
    return (op->effects & (OP_LOGS_IN | OP_OWN_SECRETS)) == OP_LOGS_IN;
}

struct value {
    const struct op_arg *arg;
    const char *text;
};

struct op_args {
    const struct op *op;
    struct value *value; /* as given, in order */
    size_t count;
};

/* The operation's own, then the common ones. NULL at the end. */
static const struct op_arg *arg_at(const struct op *op, size_t index)
{
    if (index < op->arg_count)
        return &op->args[index];
    index -= op->arg_count;
    if (index < op_common_arg_count)
        return &op_common_args[index];
    index -= op_common_arg_count;
    return index == 0 && op_takes_pin(op) ? &op_pin_arg : NULL;
}

static const struct op_arg *find_option(const struct op *op, const char *name, size_t length)
{
    const struct op_arg *arg;

    for (size_t i = 0; (arg = arg_at(op, i)) != NULL; i++)
        if (!arg->positional && strlen(arg->name) == length &&
            strncmp(arg->name, name, length) == 0)
            return arg;
    return NULL;
}

static const struct op_arg *find_letter(const struct op *op, char letter)
{
    const struct op_arg *arg;

    for (size_t i = 0; (arg = arg_at(op, i)) != NULL; i++)
        if (arg->letter == letter && letter != '\0')
            return arg;
    return NULL;
}

static bool unknown_option(const struct op *op, const char *name, struct error *e)
{
    const char *names[64];
    const struct op_arg *arg;
    const char *nearest;
    size_t count = 0;

    for (size_t i = 0; (arg = arg_at(op, i)) != NULL && count < 64; i++)
        if (!arg->positional)
            names[count++] = arg->name;
    nearest = text_nearest(name, names, count);
    return error_set(e, ERROR_USAGE, "%s: unknown option --%s%s%s%s", op->verb, name,
                     nearest == NULL ? "" : "; did you mean --", nearest == NULL ? "" : nearest,
                     nearest == NULL ? "" : "?");
}

static bool check_integer(const struct op_arg *arg, const char *text, struct error *e)
{
    char *end;
    long number;

    errno = 0;
    number = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || errno != 0)
        return error_set(e, ERROR_USAGE, "--%s takes a number, not '%s'", arg->name, text);
    if (number < arg->minimum || number > arg->maximum)
        return error_set(e, ERROR_USAGE, "--%s takes a number from %ld to %ld, not %ld", arg->name,
                         arg->minimum, arg->maximum, number);
    return true;
}

static bool check_choice(const struct op_arg *arg, const char *text, struct error *e)
{
    struct buffer list = BUFFER_INIT;

    for (size_t i = 0; arg->choices[i] != NULL; i++) {
        if (strcmp(arg->choices[i], text) == 0) {
            buffer_free(&list);
            return true;
        }
        buffer_printf(&list, "%s%s", i > 0 ? ", " : "", arg->choices[i]);
    }
    error_set(e, ERROR_USAGE, "--%s takes one of %s, not '%s'", arg->name,
              buffer_text(&list) == NULL ? "" : buffer_text(&list), text);
    buffer_free(&list);
    return false;
}

static bool check_value(const struct op_arg *arg, const char *text, struct error *e)
{
    struct pin_source *source;

    switch (arg->type) {
    case OP_INTEGER:
        return check_integer(arg, text, e);
    case OP_CHOICE:
        return check_choice(arg, text, e);
    case OP_PIN:
        source = pin_source_parse(text, e);
        if (source == NULL)
            return error_prefix(e, "--%s", arg->name);
        pin_source_free(&source);
        return true;
    default:
        return true;
    }
}

static bool add(struct op_args *a, const struct op_arg *arg, const char *text, struct error *e)
{
    struct value *grown;

    if (!check_value(arg, text, e))
        return false;
    if (!arg->repeatable && arg->type != OP_FLAG && op_given(a, arg->name))
        return error_set(e, ERROR_USAGE, "%s%s is given twice", arg->positional ? "" : "--",
                         arg->name);
    grown = realloc(a->value, (a->count + 1) * sizeof *grown);
    if (grown == NULL)
        return error_set_memory(e);
    a->value = grown;
    grown[a->count++] = (struct value){arg, text};
    return true;
}

/* --name, --name=value, --name value. *used: how many words it took. */
static bool add_long(struct op_args *a, int argc, const char *const *argv, int *used,
                     struct error *e)
{
    const char *name = argv[0] + 2, *equals = strchr(name, '=');
    size_t length = equals == NULL ? strlen(name) : (size_t)(equals - name);
    const struct op_arg *arg = find_option(a->op, name, length);
    char cut[64];

    *used = 1;
    if (arg == NULL) {
        snprintf(cut, sizeof cut, "%.*s", (int)length, name);
        return unknown_option(a->op, cut, e);
    }
    if (arg->type == OP_FLAG)
        return equals == NULL ? add(a, arg, "", e)
                              : error_set(e, ERROR_USAGE, "--%s takes no value", arg->name);
    if (equals != NULL)
        return add(a, arg, equals + 1, e);
    if (argc < 2)
        return error_set(e, ERROR_USAGE, "--%s needs a value: %s", arg->name, arg->value);
    *used = 2;
    return add(a, arg, argv[1], e);
}

static bool add_short(struct op_args *a, int argc, const char *const *argv, int *used,
                      struct error *e)
{
    const struct op_arg *arg = find_letter(a->op, argv[0][1]);

    *used = 1;
    if (arg == NULL)
        return error_set(e, ERROR_USAGE, "%s: unknown option -%c", a->op->verb, argv[0][1]);
    if (arg->type == OP_FLAG)
        return argv[0][2] == '\0' ? add(a, arg, "", e)
                                  : error_set(e, ERROR_USAGE, "unknown option '%s'", argv[0]);
    if (argv[0][2] != '\0')
        return add(a, arg, argv[0] + 2, e);
    if (argc < 2)
        return error_set(e, ERROR_USAGE, "-%c needs a value: %s", arg->letter, arg->value);
    *used = 2;
    return add(a, arg, argv[1], e);
}

static const struct op_arg *positional(const struct op *op, size_t index)
{
    const struct op_arg *last = NULL;

    for (size_t i = 0; i < op->arg_count; i++) {
        if (!op->args[i].positional)
            continue;
        last = &op->args[i];
        if (index-- == 0)
            return last;
    }
    return last != NULL && last->repeatable ? last : NULL;
}

/* PEM, where a file is asked for: no option begins so. */
static bool is_pasted(const char *word)
{
    return strncmp(word, "-----BEGIN ", 11) == 0;
}

static bool parse(struct op_args *a, int argc, const char *const *argv, struct error *e)
{
    size_t positionals = 0;
    bool options = true;

    for (int i = 0, used = 1; i < argc; i += used) {
        bool done;

        used = 1;
        if (options && strcmp(argv[i], "--") == 0) {
            options = false;
            continue;
        }
        if (options && !is_pasted(argv[i]) && strncmp(argv[i], "--", 2) == 0)
            done = add_long(a, argc - i, argv + i, &used, e);
        else if (options && !is_pasted(argv[i]) && argv[i][0] == '-' && argv[i][1] != '\0')
            done = add_short(a, argc - i, argv + i, &used, e);
        else {
            const struct op_arg *arg = positional(a->op, positionals++);

            done = arg != NULL ? add(a, arg, argv[i], e)
                               : error_set(e, ERROR_USAGE, "%s: '%s' is one argument too many",
                                           a->op->verb, argv[i]);
        }
        if (!done)
            return false;
    }
    return true;
}

/* The help sentence of one that is missing, with its choices. Always false. */
static bool missing(const struct op *op, const struct op_arg *arg, struct error *e)
{
    struct buffer choices = BUFFER_INIT;

    for (size_t i = 0; arg->type == OP_CHOICE && arg->choices[i] != NULL; i++)
        buffer_printf(&choices, "%s%s", i == 0 ? ": " : ", ", arg->choices[i]);
    error_set(e, ERROR_USAGE, "%s: %s%s is missing: %s%s", op->verb, arg->positional ? "" : "--",
              arg->name, arg->help, choices.length == 0 ? "" : buffer_text(&choices));
    buffer_free(&choices);
    return false;
}

static bool check_required(const struct op_args *a, struct error *e)
{
    for (size_t i = 0; i < a->op->arg_count; i++) {
        const struct op_arg *arg = &a->op->args[i];

        if (arg->required && !op_given(a, arg->name))
            return missing(a->op, arg, e);
    }
    return true;
}

struct op_args *op_args_parse(const struct op *op, int argc, const char *const *argv,
                              struct error *e)
{
    struct op_args *a = calloc(1, sizeof *a);

    if (a == NULL) {
        error_set_memory(e);
        return NULL;
    }
    a->op = op;
    if (!parse(a, argc, argv, e) || (!op_flag(a, "help") && !check_required(a, e)))
        op_args_free(&a);
    return a;
}

void op_args_free(struct op_args **a)
{
    if (*a == NULL)
        return;
    free((*a)->value);
    free(*a);
    *a = NULL;
}

static const struct value *find(const struct op_args *a, const char *name, size_t index)
{
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->value[i].arg->name, name) == 0 && index-- == 0)
            return &a->value[i];
    return NULL;
}

static const char *default_of(const struct op_args *a, const char *name)
{
    const struct op_arg *arg;

    for (size_t i = 0; (arg = arg_at(a->op, i)) != NULL; i++)
        if (strcmp(arg->name, name) == 0)
            return arg->default_text;
    return NULL;
}

const char *op_text(const struct op_args *a, const char *name)
{
    const struct value *v = find(a, name, 0);

    return v != NULL ? v->text : default_of(a, name);
}

bool op_flag(const struct op_args *a, const char *name)
{
    return find(a, name, 0) != NULL;
}

bool op_given(const struct op_args *a, const char *name)
{
    return find(a, name, 0) != NULL;
}

long op_integer(const struct op_args *a, const char *name)
{
    const char *text = op_text(a, name);

    return text == NULL ? 0 : strtol(text, NULL, 10);
}

size_t op_count(const struct op_args *a, const char *name)
{
    size_t count = 0;

    while (find(a, name, count) != NULL)
        count++;
    return count;
}

const char *op_text_at(const struct op_args *a, const char *name, size_t index)
{
    const struct value *v = find(a, name, index);

    return v == NULL ? NULL : v->text;
}

/* How many words of argv the verb takes when they spell it; 0 otherwise. */
static int words_of(const char *verb, int argc, const char *const *argv)
{
    int words = 0;

    while (*verb != '\0') {
        size_t length = strcspn(verb, " ");

        if (words == argc || strlen(argv[words]) != length ||
            strncmp(argv[words], verb, length) != 0)
            return 0;
        words++;
        verb += length + (verb[length] == ' ');
    }
    return words;
}

/* A verb's first word alone, as in "profile": its second words. */
static bool incomplete(const struct op *const *table, size_t count, const char *word,
                       struct error *e)
{
    struct buffer list = BUFFER_INIT;
    size_t length = strlen(word);
    bool any;

    for (size_t i = 0; i < count; i++)
        if (strncmp(table[i]->verb, word, length) == 0 && table[i]->verb[length] == ' ')
            buffer_printf(&list, "%s%s", list.length > 0 ? ", " : "", table[i]->verb);
    any = list.length > 0;
    if (any && buffer_text(&list) != NULL)
        error_set(e, ERROR_USAGE, "'%s' what? One of: %s", word, buffer_text(&list));
    buffer_free(&list);
    return any;
}

const struct op *op_find(const struct op *const *table, size_t count, int argc,
                         const char *const *argv, int *words, struct error *e)
{
    const char *verbs[64];
    const char *nearest;
    size_t known = 0;

    for (size_t i = 0; i < count; i++) {
        *words = words_of(table[i]->verb, argc, argv);
        if (*words > 0)
            return table[i];
        if (known < 64)
            verbs[known++] = table[i]->verb;
    }
    if (incomplete(table, count, argv[0], e))
        return NULL;
    nearest = text_nearest(argv[0], verbs, known);
    error_set(e, ERROR_USAGE, "there is no verb '%s'%s%s%s", argv[0],
              nearest == NULL ? "; see --help" : "; did you mean '", nearest == NULL ? "" : nearest,
              nearest == NULL ? "" : "'?");
    return NULL;
}
