/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/model/detail.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "op/text.h"
#include "tui/view/wrap.h"

enum { WARN_DAYS = 60, LONGEST_DAYS = 460 };

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

static struct line *add(struct detail *d, enum line_kind kind, const char *name, char *value)
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

static struct line *text(struct detail *d, enum style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static struct line *text(struct detail *d, enum style style, const char *format, ...)
{
    char *value = NULL;
    va_list args;
    struct line *l;

    va_start(args, format);
    if (vasprintf(&value, format, args) < 0)
        value = NULL;
    va_end(args);
    l = add(d, LINE_TEXT, NULL, value);
    l->style = style;
    return l;
}

static void heading(struct detail *d, const char *words)
{
    text(d, STYLE_PLAIN, "%s", "");
    text(d, STYLE_HEADING, "%s", words);
}

/* Nothing for an empty value. Takes `value` over. */
static struct line *field(struct detail *d, const char *name, char *value)
{
    static struct line nowhere;
    struct line *l;

    if (value == NULL || *value == '\0') {
        free(value);
        return &nowhere;
    }
    l = add(d, LINE_FIELD, name, value);
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

static struct line *member(struct detail *d, const char *name, const json_t *record,
                           const char *key)
{
    return field(d, name, value_text(json_object_get(record, key)));
}

static char *true_keys(const json_t *object)
{
    struct buffer list = BUFFER_INIT;

    op_true_keys(&list, object);
    return buffer_take(&list);
}

static struct line *judgement(struct detail *d, const json_t *record)
{
    struct line *l = member(d, "For new orders", record, "ca-reason");

    l->style = op_true(record, "ca-accepts") ? STYLE_GOOD : STYLE_WARN;
    return l;
}

static void pin_fields(struct detail *d, const json_t *t)
{
    const json_t *length = json_object_get(t, "pin-length"), *flags = json_object_get(t, "flags");
    struct line *l = member(d, "User PIN", t, "user-pin");

    if (op_true(flags, "user-pin-locked") || op_true(flags, "user-pin-final-try"))
        l->style = STYLE_BAD;
    else if (op_true(flags, "user-pin-count-low"))
        l->style = STYLE_WARN;
    member(d, "SO PIN", t, "so-pin");
    field(d, "Known from", strdup("the flags of PKCS#11; no try was spent"));
    field(d, "PIN length",
          text_format("%lld to %lld", (long long)op_number(length, "minimum", 0),
                      (long long)op_number(length, "maximum", 0)));
    if (op_true(flags, "protected-authentication-path"))
        field(d, "PIN entry", strdup("on the reader's own keys"));
}

static void mechanism_fields(struct detail *d, const json_t *t)
{
    size_t index;
    json_t *m;

    heading(d, "Mechanisms");
    json_array_foreach(json_object_get(t, "mechanisms"), index, m)
    {
        json_int_t least = op_number(m, "minimum", 0), most = op_number(m, "maximum", 0);

        field(d, op_string(m, "name"),
              most > 0 ? text_format("%lld to %lld", (long long)least, (long long)most)
                       : strdup("-"));
    }
}

static void token_fields(struct detail *d, const struct store *s, const json_t *t)
{
    const json_t *memory = json_object_get(t, "memory");

    field(d, "Module", strdup(store_module_path(s, t)));
    member(d, "Hidden", t, "hidden");
    member(d, "Problem", t, "problem")->style = STYLE_BAD;
    member(d, "Model", t, "model");
    member(d, "Manufacturer", t, "manufacturer");
    member(d, "Serial", t, "serial");
    member(d, "Hardware", t, "hardware-version");
    member(d, "Firmware", t, "firmware-version");
    member(d, "Slot", json_object_get(t, "slot"), "description");
    member(d, "URI", t, "uri");
    if (json_object_get(t, "flags") == NULL)
        return;
    judgement(d, t);
    heading(d, "PINs");
    pin_fields(d, t);
    heading(d, "Capacity and flags");
    member(d, "Sessions, most", json_object_get(t, "sessions"), "maximum");
    member(d, "Public memory", memory, "public-free");
    member(d, "Private memory", memory, "private-free");
    field(d, "Flags", true_keys(json_object_get(t, "flags")));
    mechanism_fields(d, t);
}

static void days_field(struct detail *d, json_int_t days)
{
    struct line *l = field(d, "Days left",
                           days < 0 ? text_format("expired %lld days ago", (long long)-days)
                                    : text_format("%lld", (long long)days));

    l->style = days < 0 ? STYLE_BAD : days < WARN_DAYS ? STYLE_WARN : STYLE_GOOD;
    l->gauge = GAUGE_DAYS;
    l->total = LONGEST_DAYS;
    l->filled = days < 0 ? 0 : days > LONGEST_DAYS ? LONGEST_DAYS : (int)days;
}

static void chain_fields(struct detail *d, const json_t *record)
{
    size_t index;
    json_t *subject;

    heading(d, "Chain");
    json_array_foreach(json_object_get(record, "chain"), index, subject)
    {
        text(d, STYLE_PLAIN, "%*s%s", (int)(2 + 2 * index), "", json_string_value(subject));
    }
    if (*op_string(record, "chain-missing") != '\0')
        text(d, STYLE_WARN, "  not on the token: %s", op_string(record, "chain-missing"));
    else
        text(d, STYLE_GOOD, "  complete: it ends in a root");
}

static void certificate_fields(struct detail *d, const json_t *record)
{
    const json_t *c = json_object_get(record, "certificate");
    struct line *l;

    heading(d, "Certificate");
    member(d, "Subject", c, "subject");
    member(d, "Issuer", c, "issuer");
    member(d, "Serial", c, "serial");
    field(d, "Valid",
          text_format("%.10s to %.10s", op_string(c, "not-before"), op_string(c, "not-after")));
    days_field(d, op_number(c, "days-left", 0));
    member(d, "Key", c, "key");
    member(d, "Key usage", c, "key-usage");
    l = member(d, "For", c, "extended-key-usage");
    l->style = op_true(c, "code-signing") ? STYLE_GOOD : STYLE_WARN;
    member(d, "CA", c, "ca");
    member(d, "SHA-1", c, "sha1");
    member(d, "SHA-256", c, "sha256");
    l = field(d, "PEM", strdup("y copies it"));
    free(l->copy);
    l->copy = strdup(op_string(c, "pem"));
    chain_fields(d, record);
}

static const char *leaving(const json_t *attributes)
{
    if (op_true(attributes, "extractable"))
        return "CAN LEAVE the device";
    if (op_true(attributes, "never-extractable") && op_true(attributes, "always-sensitive"))
        return "cannot leave the device, and never could";
    if (json_is_false(json_object_get(attributes, "extractable")))
        return "cannot leave the device now; it may have before";
    return "";
}

static void object_fields(struct detail *d, const json_t *brief, const json_t *full)
{
    const json_t *o = full != NULL ? full : brief;
    bool is_private = strcmp(op_string(o, "class"), "private-key") == 0;
    const json_t *attributes = json_object_get(full, "attributes");
    struct line *l;

    member(d, "Label", o, "label");
    member(d, "Id", o, "id");
    member(d, "Type", o, "type");
    judgement(d, o);
    if (is_private && full != NULL) {
        l = field(d, "Copies", strdup(leaving(attributes)));
        l->style = op_true(attributes, "extractable") ? STYLE_BAD : STYLE_GOOD;
    }
    member(d, "Problem", o, "problem")->style = STYLE_BAD;
    member(d, "URI", o, "uri");
    member(d, "Its certificate", o, "certificate-uri");
    member(d, "Its private key", o, "private-key-uri");
    if (strcmp(op_string(o, "class"), "certificate") != 0) {
        field(d, "Container", strdup("cannot be known here: PKCS#11 does not tell it"))->style =
            STYLE_DIM;
        field(d, "Attributes", true_keys(attributes));
    }
    if (full == NULL)
        text(d, STYLE_DIM, "reading%s", screen_glyph(GLYPH_MORE));
    else if (json_object_get(full, "certificate") != NULL)
        certificate_fields(d, full);
}

static void module_fields(struct detail *d, const json_t *m)
{
    member(d, "Name", m, "name");
    member(d, "File", m, "path");
    member(d, "Error", m, "error")->style = STYLE_BAD;
    member(d, "Manufacturer", m, "manufacturer");
    member(d, "Description", m, "description");
    member(d, "Version", m, "library-version");
    member(d, "PKCS#11", m, "cryptoki-version");
    member(d, "Threads", m, "threads");
}

static enum style level_style(const char *level)
{
    return strcmp(level, "ok") == 0      ? STYLE_GOOD
           : strcmp(level, "error") == 0 ? STYLE_BAD
                                         : STYLE_WARN;
}

static void profile_fields(struct detail *d, const struct store *s, const json_t *p)
{
    const json_t *check = store_check(s, p);
    size_t index;
    json_t *f;

    member(d, "Name", p, "name");
    member(d, "File", p, "path");
    member(d, "Error", p, "error")->style = STYLE_BAD;
    member(d, "Description", p, "description");
    member(d, "Key", p, "key");
    member(d, "PIN from", p, "pin");
    field(d, "For a build", text_format("signet-batch sign %s FILE…", op_string(p, "name")));
    if (check == NULL)
        return;
    heading(d, op_true(check, "ready") ? "Ready to sign" : "Cannot sign yet");
    json_array_foreach(json_object_get(check, "findings"), index, f)
    {
        field(d, op_string(f, "subject"), strdup(op_string(f, "text")))->style =
            level_style(op_string(f, "level"));
    }
}

static void checklist_lines(struct detail *d, const struct store *s, const json_t *token)
{
    static const enum style styles[] = {[STATE_DONE] = STYLE_GOOD,
                                        [STATE_NEXT] = STYLE_WARN,
                                        [STATE_WAITING] = STYLE_DIM,
                                        [STATE_WRONG] = STYLE_BAD};
    struct checklist c;

    checklist_make(&c, s, token);
    free(d->title);
    d->title = text_format("Get your builds signing   %d of %d done", c.done, STEP_COUNT);
    for (int i = 0; i < STEP_COUNT; i++) {
        struct line *l = add(d, LINE_STEP, checklist_name((enum step)i), strdup(c.step[i].text));

        l->step = (enum step)i;
        l->state = c.step[i].state;
        l->style = styles[l->state];
        l->copy = strdup(c.step[i].text);
    }
    heading(d, "Worth knowing");
    if (op_true(json_object_get(token, "flags"), "user-pin-count-low"))
        text(d, STYLE_WARN, "  A try was lost; a correct login restores it (R).");
    if (json_is_false(json_object_get(token, "ca-accepts")))
        text(d, STYLE_WARN, "  %s", op_string(token, "ca-reason"));
    text(d, STYLE_DIM, "  d shows the token in full.");
}

/* Takes over what `l` owns. */
static void append_wrapped(struct detail *d, struct line *l, int columns)
{
    int room = columns - l->indent - (l->kind == LINE_STEP && l->state == STATE_NEXT ? 7 : 0);
    struct wrapped w = wrap_text(l->value == NULL || l->gauge != GAUGE_NONE ? "" : l->value, room);

    for (size_t i = 0; i < w.count; i++) {
        struct line *out = add(d, i == 0 ? l->kind : LINE_TEXT, i == 0 ? l->name : NULL,
                               l->gauge != GAUGE_NONE ? strdup(l->value) : strdup(w.line[i]));
        char *name = out->name, *value = out->value;

        *out = *l;
        out->name = name;
        out->value = value;
        out->rest = i > 0;
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

void detail_build(struct detail *d, const struct store *s, const struct row *r, bool full)
{
    detail_free(d);
    if (r == NULL)
        return;
    d->title = strdup(r->text);
    switch (r->kind) {
    case ROW_TOKEN:
        if (!full && !json_is_string(json_object_get(r->record, "hidden")))
            checklist_lines(d, s, r->record);
        else
            token_fields(d, s, r->record);
        break;
    case ROW_KEY:
    case ROW_OBJECT:
        object_fields(d, r->record, store_detail(s, op_string(r->record, "uri")));
        break;
    case ROW_PROFILE:
        profile_fields(d, s, r->record);
        break;
    case ROW_MODULE:
        module_fields(d, r->record);
        break;
    case ROW_NOTE:
        break;
    }
}
