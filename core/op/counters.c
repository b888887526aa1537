/* SPDX-License-Identifier: Apache-2.0 */
/* signet counters: tries left of every PIN, and how that is known. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "gate/gate.h"
#include "op/devices.h"
#include "op/named.h"
#include "op/ops.h"
#include "op/record.h"
#include "op/text.h"
#include "token/pool.h"

static const struct op_arg args[] = {
    OP_ANY_TOKEN,
    {.name = "reader",
     .type = OP_TEXT,
     .value = "NAME",
     .help = "the card in this reader alone; no module is asked"},
};

static json_t *figure(int value)
{
    return value == WIRE_UNKNOWN ? json_null() : json_integer(value);
}

static const char *pin_word(enum wire_pin pin)
{
    static const char *const words[WIRE_PIN_KINDS] = {
        [WIRE_PIN_USER] = "user", [WIRE_PIN_SIGNATURE] = "signature", [WIRE_PIN_SO] = "so",
        [WIRE_PIN_PUK] = "puk",   [WIRE_PIN_RESET] = "reset-code",
    };

    return words[pin];
}

json_t *op_counter_record(const struct wire_counter *c)
{
    json_t *record =
        json_pack("{s:s, s:s, s:o, s:o, s:s, s:b, s:b}", "pin", pin_word(c->pin), "name", c->name,
                  "left", figure(c->left), "maximum", figure(c->maximum), "known-by", c->source,
                  "logged-in", c->verified, "unset", c->unset);

    if (c->is_default != WIRE_UNKNOWN)
        json_object_set_new(record, "default", json_boolean(c->is_default == 1));
    if (c->problem[0] != '\0')
        json_object_set_new(record, "problem", json_string(c->problem));
    return record;
}

static json_t *flags_record(const CK_TOKEN_INFO *info, bool so)
{
    json_t *record = json_pack("{s:s, s:s, s:n, s:n, s:s, s:s}", "pin", so ? "so" : "user", "name",
                               so ? "SO PIN" : "PIN", "left", "maximum", "state",
                               gate_counter_text(info->flags, so), "known-by", "flags of PKCS#11");

    if (!so && !(info->flags & CKF_USER_PIN_INITIALIZED))
        json_object_set_new(record, "unset", json_true());
    if (info->flags & (so ? CKF_SO_PIN_TO_BE_CHANGED : CKF_USER_PIN_TO_BE_CHANGED))
        json_object_set_new(record, "default", json_true());
    return record;
}

/* The vendor's figure for a PIN; NULL where there is none. */
static const struct wire_counter *vendor_counter(const struct seen_token *t, enum wire_pin pin)
{
    for (size_t i = 0; i < t->vendor.counter_count; i++)
        if (t->vendor.counter[i].pin == pin && t->vendor.counter[i].left != WIRE_UNKNOWN)
            return &t->vendor.counter[i];
    return NULL;
}

static bool card_tells(const struct wire_card *card, enum wire_pin pin)
{
    return card != NULL && card_counter(card, pin) != NULL;
}

/* What the flags say is added where neither vendor nor an application of the card tells of that
 * PIN. */
static void add_flags(json_t *list, const struct seen_token *t, const struct wire_card *card)
{
    if (vendor_counter(t, WIRE_PIN_USER) == NULL && !card_tells(card, WIRE_PIN_USER))
        json_array_append_new(list, flags_record(&t->info, false));
    if (vendor_counter(t, WIRE_PIN_SO) == NULL && (card == NULL || card->count == 0))
        json_array_append_new(list, flags_record(&t->info, true));
}

/* One line for each PIN of a device: its own module tells maxima, too, and comes before what the
 * card tells; one that it cannot tell stands there only where the card does not know it either. */
static void add_vendor(json_t *list, const struct seen_token *t, const struct wire_card *card)
{
    for (size_t i = 0; i < t->vendor.counter_count; i++) {
        const struct wire_counter *c = &t->vendor.counter[i];

        if (c->left != WIRE_UNKNOWN || !card_tells(card, c->pin))
            json_array_append_new(list, op_counter_record(c));
    }
}

/* Those of the card that the vendor (of `t`, which may be NULL) does not tell. */
static void add_applications(json_t *list, const struct wire_card *card, const struct seen_token *t)
{
    for (size_t i = 0; i < card->count; i++)
        for (size_t k = 0; k < card->application[i].counter_count; k++) {
            const struct wire_counter *c = &card->application[i].counter[k];
            json_t *record;

            if (t != NULL && vendor_counter(t, c->pin) != NULL)
                continue;
            record = op_counter_record(c);
            json_object_set_new(record, "application", json_string(card->application[i].title));
            json_array_append_new(list, record);
        }
}

static json_t *of_token(const struct seen *s, const struct seen_token *t)
{
    const struct wire_card *card = t->card == SEEN_NO_CARD ? NULL : &s->card[t->card];
    json_t *counters = json_array();

    add_vendor(counters, t, card);
    if (card != NULL)
        add_applications(counters, card, t);
    add_flags(counters, t, card);
    return counters;
}

static json_t *of_card(const struct wire_card *card)
{
    json_t *counters = json_array();

    add_applications(counters, card, NULL);
    return counters;
}

static const struct devices devices = {
    .kind = "counters", .rows = "counters", .of_token = of_token, .of_card = of_card};

/* The name as PC/SC has it, of the one as it was shown; NULL: no such reader. New string. */
static char *find_reader(struct host *h, const char *shown, struct op_ctx *ctx, struct error *e)
{
    struct wire_readers all;
    char *found = NULL;

    if (!card_readers(h, ctx->cancel, &all, e))
        return NULL;
    for (size_t i = 0; i < all.count && found == NULL; i++) {
        char *printable = text_printable(all.reader[i].name, strlen(all.reader[i].name));

        if (printable != NULL && strcmp(printable, shown) == 0)
            found = strdup(all.reader[i].name);
        free(printable);
    }
    wire_readers_free(&all);
    if (found == NULL)
        error_set(e, ERROR_MISSING, "no reader '%s' is here; signet readers lists them", shown);
    return found;
}

/* Modules are named by the console alone, to let go of the card. */
static bool run_reader(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct host *h = card_host_start(ctx->cancel, e);
    char *reader = h == NULL ? NULL : find_reader(h, op_text(a, "reader"), ctx, e);
    struct wire_card card;
    bool read;

    for (size_t i = 0; ctx->pool != NULL && i < op_count(a, "module"); i++)
        host_pool_drop(ctx->pool, op_text_at(a, "module", i));
    read = reader != NULL && card_read_when_free(h, reader, true, ctx->cancel, &card, e);
    if (read) {
        op_emit(ctx, "counters",
                json_pack("{s:[], s:[o]}", "tokens", "cards", op_device_card(&devices, &card)));
        wire_card_free(&card);
    }
    free(reader);
    host_stop(&h);
    return read;
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    if (op_given(a, "reader"))
        return run_reader(a, ctx, e);
    return op_devices(a, ctx, &devices, e);
}

void op_text_counter(const json_t *c, struct buffer *out)
{
    const json_t *left = json_object_get(c, "left"), *most = json_object_get(c, "maximum");

    if (*op_string(c, "state") != '\0')
        buffer_append_text(out, op_string(c, "state"));
    else if (op_true(c, "unset"))
        buffer_append_text(out, "not set");
    else if (op_true(c, "logged-in"))
        buffer_append_text(out, "a login is open; the card tells no figure meanwhile");
    else if (!json_is_integer(left))
        buffer_printf(out, "not known: %s", op_string(c, "problem"));
    else if (json_integer_value(left) == 0)
        buffer_append_text(out, "BLOCKED");
    else
        buffer_printf(out, "%lld", (long long)json_integer_value(left));
    if (json_is_integer(left) && json_integer_value(left) > 0 && json_is_integer(most))
        buffer_printf(out, " of %lld tries left", (long long)json_integer_value(most));
    else if (json_is_integer(left) && json_integer_value(left) > 0)
        buffer_append_text(out, json_integer_value(left) == 1 ? " try left" : " tries left");
    if (op_true(c, "default"))
        buffer_append_text(out, "; still the one it came with: change it");
}

/* Whose PINs they are, where a card has several applications. */
static void text_application(const json_t *counters, const char *before, const json_t *c,
                             struct buffer *out)
{
    const char *now = op_string(c, "application");
    size_t index;
    json_t *other;

    if (*now == '\0' || strcmp(now, before) == 0)
        return;
    json_array_foreach(counters, index,
                       other) if (strcmp(op_string(other, "application"), now) != 0)
    {
        op_line(out, "application", now);
        return;
    }
}

static void text_rows(const json_t *t, unsigned width, struct buffer *out)
{
    const json_t *counters = json_object_get(t, "counters");
    const char *before = "";
    size_t index;
    json_t *c;

    json_array_foreach(counters, index, c)
    {
        struct buffer state = BUFFER_INIT;

        text_application(counters, before, c, out);
        before = op_string(c, "application");
        op_text_counter(c, &state);
        buffer_printf(&state, "  [%s]", op_string(c, "known-by"));
        op_prose(out, op_string(c, "name"), buffer_text(&state), width);
        buffer_free(&state);
    }
}

static void text(const char *kind, const json_t *r, unsigned width, bool colour, struct buffer *out)
{
    (void)kind, (void)colour;
    op_text_devices(r, text_rows, width, out);
}

const struct op op_counters = {
    .verb = "counters",
    .group = "PINs",
    .summary = "show the tries left of every PIN, without spending one",
    .description = "SafeNet's module is asked for its figures, the card itself where its family is "
                   "known, and what the flags of PKCS#11 say counts where neither tells; behind "
                   "each figure stands how it is known. A card that another program uses is left "
                   "alone.",
    .example = "signet counters\nsignet counters @1 --json",
    .effects = OP_READS,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
