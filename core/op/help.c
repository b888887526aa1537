/* SPDX-License-Identifier: Apache-2.0 */
/* Texts made from descriptors: help, manual, completion. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "op/args.h"
#include "op/text.h"

enum { WIDTH = 79, VERB_COLUMN = 20, OPTION_COLUMN = 26 };
enum { MANY_CHOICES = 12, SOME_CHOICES = 5 };

static void entry(struct buffer *out, const char *left, const char *text, size_t column)
{
    size_t length = strlen(left);

    buffer_printf(out, "  %s", left);
    if (length + 3 > column)
        buffer_printf(out, "\n%*s", (int)column, "");
    else
        buffer_printf(out, "%*s", (int)(column - length - 2), "");
    op_wrap(out, text, column, WIDTH);
}

static bool of_program(const char *program, const struct op *op)
{
    return (op->program == OP_BATCH) == (strcmp(program, "signet-batch") == 0);
}

static void positionals(struct buffer *out, const struct op *op)
{
    for (size_t i = 0; i < op->arg_count; i++) {
        const struct op_arg *a = &op->args[i];

        if (a->positional)
            buffer_printf(out, a->required ? " %s%s" : " [%s%s]", a->name,
                          a->repeatable ? "..." : "");
    }
}

static bool same_group(const char *program, const struct op *a, const struct op *b)
{
    return of_program(program, a) && of_program(program, b) && strcmp(a->group, b->group) == 0;
}

/* The verbs of a group stand together, wherever they are in the table. */
static void help_group(const char *program, const struct op *const *table, size_t count,
                       size_t first, struct buffer *out)
{
    for (size_t i = 0; i < first; i++)
        if (same_group(program, table[i], table[first]))
            return;
    buffer_printf(out, "\n%s\n", table[first]->group);
    for (size_t i = first; i < count; i++)
        if (same_group(program, table[i], table[first]))
            entry(out, table[i]->verb, table[i]->summary, VERB_COLUMN);
}

void op_help_program(const char *program, const char *about, const struct op *const *table,
                     size_t count, struct buffer *out)
{
    buffer_printf(out, "%s: %s\n\nusage: %s VERB [ARGUMENT...]\n", program, about, program);
    for (size_t i = 0; i < count; i++)
        if (of_program(program, table[i]))
            help_group(program, table, count, i, out);
    buffer_printf(out, "\n'%s help VERB' tells all of one verb; 'man %s' tells the rest.\n",
                  program, program);
}

static void option_left(struct buffer *out, const struct op_arg *a)
{
    if (a->positional) {
        buffer_append_text(out, a->name);
        return;
    }
    if (a->letter != '\0')
        buffer_printf(out, "-%c, ", a->letter);
    buffer_printf(out, "--%s", a->name);
    if (a->value != NULL)
        buffer_printf(out, " %s", a->value);
}

/* Many are told by the first ones and the last. */
static void choices(struct buffer *out, const char *const *list)
{
    size_t count = 0, shown;

    while (list[count] != NULL)
        count++;
    shown = count > MANY_CHOICES ? SOME_CHOICES : count;
    for (size_t i = 0; i < shown; i++)
        buffer_printf(out, "%s%s", i == 0 ? ": " : i + 1 == count ? " or " : ", ", list[i]);
    if (shown < count)
        buffer_printf(out, " to %s", list[count - 1]);
}

/* What the help sentence does not say: choices, range, default, whether it may come again. */
static void option_right(struct buffer *out, const struct op_arg *a)
{
    buffer_append_text(out, a->help);
    if (a->type == OP_CHOICE)
        choices(out, a->choices);
    if (a->type == OP_INTEGER)
        buffer_printf(out, " (%ld to %ld)", a->minimum, a->maximum);
    if (a->default_text != NULL)
        buffer_printf(out, "; default: %s", a->default_text);
    if (a->repeatable && !a->positional)
        buffer_append_text(out, "; may be given several times");
}

static void option(struct buffer *out, const struct op_arg *a)
{
    struct buffer left = BUFFER_INIT, right = BUFFER_INIT;

    option_left(&left, a);
    option_right(&right, a);
    if (buffer_text(&left) != NULL && buffer_text(&right) != NULL)
        entry(out, buffer_text(&left), buffer_text(&right), OPTION_COLUMN);
    buffer_free(&left);
    buffer_free(&right);
}

void op_help_verb(const char *program, const struct op *op, struct buffer *out)
{
    char title[256];

    snprintf(title, sizeof title, "%s %s: %s", program, op->verb, op->summary);
    op_wrap(out, title, 0, WIDTH);
    buffer_printf(out, "\nusage: %s %s", program, op->verb);
    positionals(out, op);
    buffer_append_text(out, " [OPTION...]\n\n");
    if (op->description != NULL) {
        op_wrap(out, op->description, 0, WIDTH);
        buffer_append_byte(out, '\n');
    }
    for (size_t i = 0; i < op->arg_count; i++)
        option(out, &op->args[i]);
    if (op_takes_pin(op))
        option(out, &op_pin_arg);
    for (size_t i = 0; i < op_common_arg_count; i++)
        option(out, &op_common_args[i]);
    if (op->example != NULL) {
        buffer_append_text(out, "\nExample:\n");
        for (const char *line = op->example; *line != '\0';) {
            size_t length = strcspn(line, "\n");

            buffer_printf(out, "  %.*s\n", (int)length, line);
            line += length + (line[length] == '\n');
        }
    }
}

/* scdoc gives these a meaning. */
static void escaped(struct buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("_*\\<>#~", *text) != NULL)
            buffer_append_byte(out, '\\');
        buffer_append_byte(out, (uint8_t)*text);
    }
}

static void manual_option(struct buffer *out, const struct op_arg *a)
{
    struct buffer right = BUFFER_INIT;

    if (a->positional)
        buffer_printf(out, "_%s_", a->name);
    else if (a->letter != '\0')
        buffer_printf(out, "*-%c*, *--%s*", a->letter, a->name);
    else
        buffer_printf(out, "*--%s*", a->name);
    if (!a->positional && a->value != NULL)
        buffer_printf(out, " _%s_", a->value);
    buffer_append_text(out, "\n\t");
    option_right(&right, a);
    if (buffer_text(&right) != NULL)
        escaped(out, buffer_text(&right));
    buffer_append_text(out, "\n\n");
    buffer_free(&right);
}

void op_manual_verb(const char *program, const struct op *op, struct buffer *out)
{
    buffer_printf(out, "## %s\n\n*%s %s*", op->verb, program, op->verb);
    for (size_t i = 0; i < op->arg_count; i++) {
        const struct op_arg *a = &op->args[i];

        if (a->positional)
            buffer_printf(out, a->required ? " _%s_%s" : " [_%s_%s]", a->name,
                          a->repeatable ? "..." : "");
    }
    buffer_append_text(out, " [_OPTION_...]\n\n");
    escaped(out, op->summary);
    buffer_append_text(out, ".\n\n");
    if (op->description != NULL) {
        escaped(out, op->description);
        buffer_append_text(out, "\n\n");
    }
    for (size_t i = 0; i < op->arg_count; i++)
        manual_option(out, &op->args[i]);
    if (op_takes_pin(op))
        manual_option(out, &op_pin_arg);
}

static const char *completion_of(const struct op_arg *a)
{
    switch (a->type) {
    case OP_PATH:
        return "-f";
    case OP_PROFILE:
        return "-f -W \"$(signet profile list --names 2>/dev/null)\"";
    case OP_PIN:
        return "-W 'prompt env: file: fd: credential: command: pinpad'";
    default:
        return NULL;
    }
}

static void complete_options(struct buffer *out, const struct op *op)
{
    for (size_t i = 0; i < op->arg_count; i++)
        if (!op->args[i].positional)
            buffer_printf(out, " --%s", op->args[i].name);
    for (size_t i = 0; i < op_common_arg_count; i++)
        buffer_printf(out, " --%s", op_common_args[i].name);
    if (op_takes_pin(op))
        buffer_append_text(out, " --pin");
}

static void complete_verb(struct buffer *out, const struct op *op)
{
    const char *files = "-f";

    for (size_t i = 0; i < op->arg_count; i++)
        if (op->args[i].positional && completion_of(&op->args[i]) != NULL)
            files = completion_of(&op->args[i]);
    buffer_printf(
        out,
        "    '%s '*|'%s')\n      if [[ $word == -* ]]; then\n        COMPREPLY=($(compgen -W '",
        op->verb, op->verb);
    complete_options(out, op);
    buffer_printf(
        out,
        "' -- \"$word\"))\n      else\n        COMPREPLY=($(compgen %s -- \"$word\"))\n      fi\n"
        "      ;;\n",
        files);
}

void op_completion(const char *program, const struct op *const *table, size_t count,
                   struct buffer *out)
{
    char name[32];

    snprintf(name, sizeof name, "%s", program);
    for (char *at = name; *at != '\0'; at++)
        if (*at == '-')
            *at = '_';
    buffer_printf(out,
                  "# bash completion for %s\n_%s() {\n  local word=${COMP_WORDS[COMP_CWORD]}\n"
                  "  local before=\"${COMP_WORDS[*]:1:COMP_CWORD-1}\"\n  case $before in\n",
                  program, name);
    for (size_t i = 0; i < count; i++)
        if (of_program(program, table[i]))
            complete_verb(out, table[i]);
    buffer_append_text(out, "    *) COMPREPLY=($(compgen -W '");
    for (size_t i = 0; i < count; i++)
        if (of_program(program, table[i]))
            buffer_printf(out, " %s", table[i]->verb);
    buffer_printf(out, "' -- \"$word\")) ;;\n  esac\n}\ncomplete -F _%s %s\n", name, program);
}
