/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/model/detail.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cert/expiry.h"
#include "op/text.h"
#include "tui/model/device_lines.h"
#include "tui/model/lines.h"

static char *true_keys(const json_t *object)
{
    struct buffer list = BUFFER_INIT;

    op_true_keys(&list, object);
    return buffer_take(&list);
}

static struct line *judgement(struct detail *d, const json_t *record)
{
    struct line *l = lines_member(d, "For new orders", record, "ca-reason");

    l->style = op_true(record, "ca-accepts") ? STYLE_GOOD : STYLE_WARN;
    return l;
}

static void pin_fields(struct detail *d, const json_t *t)
{
    const json_t *flags = json_object_get(t, "flags");
    struct line *l = lines_member(d, "User PIN", t, "user-pin");

    if (op_true(flags, "user-pin-locked") || op_true(flags, "user-pin-final-try"))
        l->style = STYLE_BAD;
    else if (op_true(flags, "user-pin-count-low"))
        l->style = STYLE_WARN;
    lines_member(d, "SO PIN", t, "so-pin");
    lines_field(d, "Known from", strdup("the flags of PKCS#11; no try was spent"));
}

static void pin_entry_fields(struct detail *d, const json_t *t)
{
    const json_t *length = json_object_get(t, "pin-length"), *flags = json_object_get(t, "flags");

    lines_field(d, "PIN length",
                text_format("%lld to %lld", (long long)op_number(length, "minimum", 0),
                            (long long)op_number(length, "maximum", 0)));
    if (op_true(flags, "protected-authentication-path"))
        lines_field(d, "PIN entry", strdup("on the reader's own keys"));
}

static void mechanism_fields(struct detail *d, const json_t *t)
{
    size_t index;
    json_t *m;

    lines_heading(d, "Mechanisms");
    json_array_foreach(json_object_get(t, "mechanisms"), index, m)
    {
        json_int_t least = op_number(m, "minimum", 0), most = op_number(m, "maximum", 0);

        lines_field(d, op_string(m, "name"),
                    most > 0 ? text_format("%lld to %lld", (long long)least, (long long)most)
                             : strdup("-"));
    }
}

static void token_fields(struct detail *d, const struct store *s, const json_t *t)
{
    const json_t *memory = json_object_get(t, "memory");
    const json_t *figures = store_figures(s, op_string(t, "uri"));

    if (device_tells_more(figures)) {
        device_counters(d, figures);
        lines_heading(d, "Token");
    }
    lines_field(d, "Module", strdup(store_module_path(s, t)));
    lines_member(d, "Hidden", t, "hidden");
    if (store_is_blank(t))
        lines_under(d, STYLE_WARN, "Enter makes a token of it: its name, its PINs");
    lines_member(d, "Problem", t, "problem")->style = STYLE_BAD;
    lines_member(d, "Model", t, "model");
    lines_member(d, "Manufacturer", t, "manufacturer");
    lines_member(d, "Serial", t, "serial");
    lines_member(d, "Hardware", t, "hardware-version");
    lines_member(d, "Firmware", t, "firmware-version");
    lines_member(d, store_reader_of(s, t) != NULL ? "Reader" : "Slot", json_object_get(t, "slot"),
                 "description");
    lines_member(d, "URI", t, "uri");
    if (json_object_get(t, "flags") == NULL)
        return;
    judgement(d, t);
    lines_heading(d, "PINs");
    if (!device_tells_more(figures))
        pin_fields(d, t);
    pin_entry_fields(d, t);
    lines_heading(d, "Capacity and flags");
    lines_member(d, "Sessions, most", json_object_get(t, "sessions"), "maximum");
    lines_member(d, "Public memory", memory, "public-free");
    lines_member(d, "Private memory", memory, "private-free");
    lines_field(d, "Flags", true_keys(json_object_get(t, "flags")));
    mechanism_fields(d, t);
}

static void days_field(struct detail *d, json_int_t days)
{
    struct line *l = lines_field(d, "Days left",
                                 days < 0 ? text_format("expired %lld days ago", (long long)-days)
                                          : text_format("%lld", (long long)days));

    l->style = days < 0 ? STYLE_BAD : days < CERT_WARN_DAYS ? STYLE_WARN : STYLE_GOOD;
    l->gauge = GAUGE_DAYS;
    l->total = CERT_LONGEST_DAYS;
    l->filled = days < 0 ? 0 : days > CERT_LONGEST_DAYS ? CERT_LONGEST_DAYS : (int)days;
}

static void chain_fields(struct detail *d, const json_t *record)
{
    size_t index;
    json_t *subject;

    lines_heading(d, "Chain");
    json_array_foreach(json_object_get(record, "chain"), index, subject)
    {
        lines_text(d, STYLE_PLAIN, "%*s%s", (int)(2 + 2 * index), "", json_string_value(subject));
    }
    if (*op_string(record, "chain-missing") != '\0')
        lines_text(d, STYLE_WARN, "  not on the token: %s", op_string(record, "chain-missing"));
    else
        lines_text(d, STYLE_GOOD, "  complete: it ends in a root");
}

static void certificate_fields(struct detail *d, const json_t *record)
{
    const json_t *c = json_object_get(record, "certificate");
    struct line *l;

    lines_heading(d, "Certificate");
    lines_member(d, "Subject", c, "subject");
    lines_member(d, "Issuer", c, "issuer");
    lines_member(d, "Serial", c, "serial");
    lines_field(
        d, "Valid",
        text_format("%.10s to %.10s", op_string(c, "not-before"), op_string(c, "not-after")));
    days_field(d, op_number(c, "days-left", 0));
    lines_member(d, "Key", c, "key");
    lines_member(d, "Key usage", c, "key-usage");
    l = lines_member(d, "For", c, "extended-key-usage");
    l->style = op_true(c, "code-signing") ? STYLE_GOOD : STYLE_WARN;
    lines_member(d, "CA", c, "ca");
    lines_member(d, "SHA-1", c, "sha1");
    lines_member(d, "SHA-256", c, "sha256");
    l = lines_field(d, "PEM", strdup("y copies it"));
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

static void object_fields(struct detail *d, const json_t *names, const json_t *brief,
                          const json_t *full)
{
    const json_t *o = full != NULL ? full : brief;
    bool is_private = strcmp(op_string(o, "class"), "private-key") == 0;
    const json_t *attributes = json_object_get(full, "attributes");
    struct line *l;

    lines_member(d, "Label", o, "label");
    lines_member(d, "Id", o, "id");
    lines_member(d, "Type", o, "type");
    judgement(d, o);
    if (is_private && full != NULL) {
        l = lines_field(d, "Copies", strdup(leaving(attributes)));
        l->style = op_true(attributes, "extractable") ? STYLE_BAD : STYLE_GOOD;
    }
    lines_member(d, "Problem", o, "problem")->style = STYLE_BAD;
    lines_member(d, "URI", o, "uri");
    lines_member(d, "Its certificate", o, "certificate-uri");
    lines_member(d, "Its private key", o, "private-key-uri");
    device_container(d, names, o);
    if (strcmp(op_string(o, "class"), "certificate") != 0)
        lines_field(d, "Attributes", true_keys(attributes));
    if (full == NULL)
        lines_text(d, STYLE_DIM, "reading%s", screen_glyph(GLYPH_MORE));
    else if (json_object_get(full, "certificate") != NULL)
        certificate_fields(d, full);
}

static void module_fields(struct detail *d, const json_t *m)
{
    lines_member(d, "Name", m, "name");
    lines_member(d, "File", m, "path");
    lines_member(d, "Error", m, "error")->style = STYLE_BAD;
    lines_member(d, "Manufacturer", m, "manufacturer");
    lines_member(d, "Description", m, "description");
    lines_member(d, "Version", m, "library-version");
    lines_member(d, "PKCS#11", m, "cryptoki-version");
    lines_member(d, "Threads", m, "threads");
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

    lines_member(d, "Name", p, "name");
    lines_member(d, "File", p, "path");
    lines_member(d, "Error", p, "error")->style = STYLE_BAD;
    lines_member(d, "Description", p, "description");
    lines_member(d, "Key", p, "key");
    lines_member(d, "PIN from", p, "pin");
    lines_field(d, "For a build", text_format("signet-batch sign %s FILE…", op_string(p, "name")));
    if (check == NULL)
        return;
    lines_heading(d, op_true(check, "ready") ? "Ready to sign" : "Cannot sign yet");
    json_array_foreach(json_object_get(check, "findings"), index, f)
    {
        lines_field(d, op_string(f, "subject"), strdup(op_string(f, "text")))->style =
            level_style(op_string(f, "level"));
    }
}

static void checklist_lines(struct detail *d, const struct store *s, const json_t *token)
{
    static const enum style styles[] = {[STATE_DONE] = STYLE_GOOD,
                                        [STATE_NEXT] = STYLE_WARN,
                                        [STATE_WAITING] = STYLE_DIM,
                                        [STATE_WRONG] = STYLE_BAD};
    const json_t *figures = store_figures(s, op_string(token, "uri"));
    const json_t *pin = store_user_pin(s, token);
    struct checklist c;

    checklist_make(&c, s, token);
    free(d->title);
    d->title = text_format("Get your builds signing   %d of %d done", c.done, STEP_COUNT);
    for (int i = 0; i < STEP_COUNT; i++) {
        struct line *l =
            lines_add(d, LINE_STEP, checklist_name((enum step)i), strdup(c.step[i].text));

        l->step = (enum step)i;
        l->state = c.step[i].state;
        l->style = styles[l->state];
        l->copy = strdup(c.step[i].text);
    }
    if (device_tells_more(figures)) {
        lines_heading(d, "PINs");
        if (store_reader_of(s, token) != NULL)
            lines_member(d, "Reader", json_object_get(token, "slot"), "description");
        device_counters(d, figures);
    }
    lines_heading(d, "Worth knowing");
    if (pin != NULL ? op_number(pin, "left", 0) > 0 &&
                          op_number(pin, "left", 0) < op_number(pin, "maximum", 0)
                    : op_true(json_object_get(token, "flags"), "user-pin-count-low"))
        lines_text(d, STYLE_WARN, "  A try was lost; a correct login restores it (R).");
    if (json_is_false(json_object_get(token, "ca-accepts")))
        lines_text(d, STYLE_WARN, "  %s", op_string(token, "ca-reason"));
    lines_text(d, STYLE_DIM, "  d shows the token in full.");
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
        object_fields(d, store_names(s, op_string(r->token, "uri")), r->record,
                      store_detail(s, op_string(r->record, "uri")));
        break;
    case ROW_CARD:
    case ROW_READER:
        device_reader(d, s, r->record);
        break;
    case ROW_NONE:
        device_doctor(d, s->doctor);
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
