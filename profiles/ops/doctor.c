/* SPDX-License-Identifier: Apache-2.0 */
/* signet doctor: why a token cannot be used here, first gap first, each with its remedy. */
#include "profiles/ops/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "op/text.h"
#include "profiles/ops.h"

static const struct op_arg args[] = {
    {.name = "TOKEN",
     .type = OP_TOKEN,
     .positional = true,
     .help = "@number, label, serial or pkcs11: URI, or a reader's name; without it, the one "
             "nearest to signing"},
    {.name = "profile",
     .type = OP_PROFILE,
     .value = "NAME",
     .help = "look at what this profile names, and at its timestamp servers"},
};

static const char *const step_names[] = {
#define X(step, name) [step] = name,
    DOCTOR_STEPS(X)
#undef X
};

static const char *const state_names[] = {
    [DOCTOR_UNSEEN] = "not looked at",
    [DOCTOR_OK] = "ok",
    [DOCTOR_WARNING] = "warning",
    [DOCTOR_GAP] = "gap",
};

static void say(struct doctor_finding *f, enum doctor_state state, const char *format, va_list list)
    __attribute__((format(printf, 3, 0)));

static void say(struct doctor_finding *f, enum doctor_state state, const char *format, va_list list)
{
    char *text = NULL;

    if (state > f->state)
        f->state = state;
    if (vasprintf(&text, format, list) < 0)
        return;
    text_make_printable(text);
    buffer_printf(&f->text, "%s%s", f->text.length > 0 ? "; " : "", text);
    free(text);
}

void doctor_say(struct doctor_finding *f, enum doctor_state state, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    say(f, state, format, list);
    va_end(list);
}

void doctor_gap(struct doctor_finding *f, enum error_code code, const char *format, ...)
{
    va_list list;

    if (f->state != DOCTOR_GAP)
        f->code = code;
    va_start(list, format);
    say(f, DOCTOR_GAP, format, list);
    va_end(list);
}

void doctor_remedy(struct doctor_finding *f, const char *format, ...)
{
    char *text = NULL;
    va_list list;
    int length;

    va_start(list, format);
    length = vasprintf(&text, format, list);
    va_end(list);
    if (length < 0)
        return;
    text_make_printable(text);
    buffer_printf(&f->remedy, "%s%s", f->remedy.length > 0 ? "\n" : "", text);
    free(text);
}

enum doctor_step doctor_first_gap(const struct doctor *d, enum doctor_step end)
{
    enum doctor_step step = DOCTOR_USB;

    while (step < end && d->step[step].state != DOCTOR_GAP)
        step++;
    return step;
}

/* The steps in their order. What stands behind a gap is still looked at where it can be. */
static void examine(struct doctor *d)
{
    bool blocked;

    doctor_devices(d);
    blocked = doctor_first_gap(d, DOCTOR_MODULE) != DOCTOR_MODULE && d->token == NULL;
    if (d->profile != NULL) {
        doctor_ready(d);
        doctor_servers(d);
        return;
    }
    doctor_modules(d);
    if (!blocked && d->step[DOCTOR_MODULE].state != DOCTOR_GAP)
        doctor_tokens(d);
}

static void explain_unseen(struct doctor *d)
{
    for (int i = 0; i < DOCTOR_STEP_COUNT; i++) {
        struct doctor_finding *f = &d->step[i];
        enum doctor_step gap = doctor_first_gap(d, (enum doctor_step)i);

        if (f->state != DOCTOR_UNSEEN || f->text.length > 0)
            continue;
        if (i >= DOCTOR_PROFILE && d->profile == NULL)
            doctor_say(f, DOCTOR_UNSEEN, "not looked at: no profile is named");
        else if ((int)gap < i)
            doctor_say(f, DOCTOR_UNSEEN, "not looked at: %s comes first", step_names[gap]);
        else
            doctor_say(f, DOCTOR_UNSEEN, "not looked at: nothing is there");
    }
}

static json_t *step_record(const struct doctor *d, int i)
{
    struct doctor_finding *f = (struct doctor_finding *)&d->step[i];
    json_t *record = json_pack("{s:s, s:s, s:s}", "step", step_names[i], "state",
                               state_names[f->state], "text", buffer_text(&f->text));

    if (f->remedy.length > 0)
        json_object_set_new(record, "remedy", json_string(buffer_text(&f->remedy)));
    return record;
}

/* {steps: [{step, state, text, remedy?}], gap?: index in steps, remedy?: that step's} */
static json_t *document(const struct doctor *d)
{
    json_t *steps = json_array(), *record = json_pack("{s:o}", "steps", steps);
    bool found = false;

    for (int i = 0; i < DOCTOR_STEP_COUNT; i++) {
        json_t *step;

        if (i == DOCTOR_PROFILE && d->profile == NULL)
            continue;
        step = step_record(d, i);
        if (d->step[i].state == DOCTOR_GAP && !found) {
            found = true;
            json_object_set_new(record, "gap", json_integer((json_int_t)json_array_size(steps)));
            if (json_object_get(step, "remedy") != NULL)
                json_object_set(record, "remedy", json_object_get(step, "remedy"));
        }
        json_array_append_new(steps, step);
    }
    return record;
}

static bool judge(struct doctor *d, struct error *e)
{
    enum doctor_step gap = doctor_first_gap(d, DOCTOR_STEP_COUNT);

    if (gap == DOCTOR_STEP_COUNT)
        return true;
    return error_set(e, d->step[gap].code, "%s: %s", step_names[gap],
                     buffer_text(&d->step[gap].text));
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct doctor d = {.ctx = ctx, .name = op_text(a, "TOKEN")};
    struct profile *profile = NULL;
    bool good = false;

    if (op_given(a, "profile")) {
        if (d.name != NULL)
            return error_set(e, ERROR_USAGE,
                             "name a token or a profile, not both: a profile names "
                             "its token");
        profile = profile_load(op_text(a, "profile"), NULL, e);
        if (profile == NULL)
            return false;
    }
    d.profile = profile;
    d.explicit_module = op_count(a, "module") > 0 || (profile != NULL && profile->module != NULL);
    if (doctor_look(&d, a, e)) {
        examine(&d);
        explain_unseen(&d);
        op_emit(ctx, "doctor", document(&d));
        good = judge(&d, e);
    }
    doctor_free(&d);
    profile_free(&profile);
    return good;
}

static unsigned columns(const char *text, size_t length)
{
    unsigned count = 0;

    for (size_t i = 0; i < length; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

/* Words in lines that begin at column `indent`, where the first one stands already. */
static void wrap(struct buffer *out, const char *text, unsigned indent, unsigned width)
{
    unsigned at = indent;

    while (*text != '\0') {
        size_t word = strcspn(text, " ");
        unsigned length = columns(text, word);

        if (at > indent && at + 1 + length > width) {
            buffer_printf(out, "\n%*s", (int)indent, "");
            at = indent;
        } else if (at > indent) {
            buffer_append_byte(out, ' ');
            at++;
        }
        buffer_append(out, text, word);
        at += length;
        text += word;
        text += strspn(text, " ");
    }
    buffer_append_byte(out, '\n');
}

enum { TEXT_COLUMN = 18, REMEDY_COLUMN = 4 };

static void text_step(const json_t *step, unsigned width, bool colour, struct buffer *out)
{
    static const struct {
        const char *state, *mark, *colour;
    } marks[] = {{"ok", "ok", "32"},
                 {"warning", "!", "33"},
                 {"gap", "x", "1;31"},
                 {"not looked at", "-", "2"}};
    const char *state = op_string(step, "state");

    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (strcmp(state, marks[i].state) == 0)
            buffer_printf(out, colour ? "\x1b[%sm%-3s\x1b[0m" : "%.0s%-3s", marks[i].colour,
                          marks[i].mark);
    buffer_printf(out, "%-*s", TEXT_COLUMN - 3, op_string(step, "step"));
    wrap(out, op_string(step, "text"), TEXT_COLUMN, width);
}

/* As it is, so that it can be pasted. */
static void text_remedy(const char *remedy, struct buffer *out)
{
    while (*remedy != '\0') {
        size_t line = strcspn(remedy, "\n");

        if (line > 0)
            buffer_printf(out, "%*s%.*s", REMEDY_COLUMN, "", (int)line, remedy);
        buffer_append_byte(out, '\n');
        remedy += line;
        remedy += *remedy == '\n';
    }
}

/* What else is known to be missing, so that one walk to the machine may do. */
static void text_later(const json_t *steps, size_t gap, struct buffer *out)
{
    size_t index;
    json_t *step;

    json_array_foreach(steps, index, step)
    {
        if (index <= gap || strcmp(op_string(step, "state"), "gap") != 0)
            continue;
        buffer_printf(out, "\nAfter that, at %s:\n", op_string(step, "step"));
        text_remedy(op_string(step, "remedy"), out);
    }
}

static void text_hints(const json_t *steps, struct buffer *out)
{
    size_t index;
    json_t *step;

    json_array_foreach(steps, index, step)
    {
        if (strcmp(op_string(step, "state"), "warning") != 0 || *op_string(step, "remedy") == '\0')
            continue;
        buffer_printf(out, "\nFor the warning at %s:\n", op_string(step, "step"));
        text_remedy(op_string(step, "remedy"), out);
    }
}

static void text(const char *kind, const json_t *r, unsigned width, bool colour, struct buffer *out)
{
    const json_t *steps = json_object_get(r, "steps");
    json_int_t gap = op_number(r, "gap", -1);
    size_t index;
    json_t *step;

    (void)kind;
    json_array_foreach(steps, index, step) text_step(step, width, colour, out);
    if (gap < 0) {
        buffer_append_text(out, "\nNo gap: it can sign, as far as can be told without its PIN.\n");
        text_hints(steps, out);
        return;
    }
    step = json_array_get(steps, (size_t)gap);
    buffer_printf(out, "\nThe first gap is at %s:\n%*s", op_string(step, "step"), REMEDY_COLUMN,
                  "");
    wrap(out, op_string(step, "text"), REMEDY_COLUMN, width);
    if (*op_string(step, "remedy") != '\0')
        buffer_append_text(out, "What closes it:\n");
    text_remedy(op_string(step, "remedy"), out);
    text_later(steps, (size_t)gap, out);
}

const struct op op_doctor = {
    .verb = "doctor",
    .group = "Look",
    .summary = "tell why a token cannot be used here, and what to do",
    .description =
        "Looks from the plug to the certificate: USB device, pcscd, permission, reader, card, "
        "driver, module, token, key, certificate, chain; with --profile at what that names, and "
        "whether its timestamp servers can be reached. Each step is ok, a warning (!), a gap (x), "
        "or was not looked at (-). The first gap is told with the package, command or file that "
        "closes it, and decides the exit status. Never logs in, and never needs a PIN.",
    .example = "signet doctor\nsignet doctor release-token\nsignet doctor --profile release",
    .effects = OP_READS,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
