/* SPDX-License-Identifier: Apache-2.0 */
#include "op/devices.h"

#include <string.h>

#include "base/text.h"
#include "op/record.h"
#include "op/text.h"

static json_t *printable(const char *text)
{
    return record_take(text_printable(text, strlen(text)));
}

static void set_problem(json_t *record, const char *problem)
{
    if (*problem != '\0')
        json_object_set_new(record, "problem", printable(problem));
}

static json_t *token_record(const struct devices *d, const struct seen *s,
                            const struct seen_token *t)
{
    const struct wire_card *card = t->card == SEEN_NO_CARD ? NULL : &s->card[t->card];
    json_t *record = json_pack("{s:s, s:i, s:s, s:s, s:s, s:o}", "token", t->label, "number",
                               (int)t->number, "uri", t->uri, "serial", t->serial, "title",
                               op_seen_title(s, t), d->rows, d->of_token(s, t));

    if (card != NULL) {
        const struct wire_application *own = card_application_of(card, &t->info);

        json_object_set_new(record, "reader", printable(card->reader.name));
        if (own != NULL)
            json_object_set_new(record, "application", json_string(own->title));
        set_problem(record, card->problem);
    }
    set_problem(record, t->unread.text);
    return record;
}

json_t *op_device_card(const struct devices *d, const struct wire_card *card)
{
    json_t *rows = d->of_card(card);
    const char *problem = card->problem;
    json_t *record;

    if (*problem == '\0' && json_array_size(rows) == 0 && d->none != NULL)
        problem = d->none(card);
    record = json_pack("{s:o, s:o}", "reader", printable(card->reader.name), d->rows, rows);
    if (card->count > 0)
        json_object_set_new(record, "title", json_string(card->application[0].title));
    set_problem(record, problem);
    return record;
}

static bool is_of_a_token(const struct seen *s, size_t card)
{
    for (size_t i = 0; i < s->token_count; i++)
        if (s->token[i].card == (int)card)
            return true;
    return false;
}

/* One that was named and cannot be shown is no success. */
static bool judge(const struct op_args *a, const struct seen *s, struct error *e)
{
    const char *name = op_given(a, "TOKEN") ? op_text(a, "TOKEN") : NULL;
    const struct wire_card *card = s->card_count == 0 ? NULL : &s->card[0];

    if (name == NULL || s->token_count > 0 || (card != NULL && card->count > 0))
        return true;
    if (card == NULL)
        return error_set(e, ERROR_MISSING, "'%s': no card is in the reader", name);
    return error_set(e, ERROR_UNFIT, "'%s': %s", card->reader.name, card->problem);
}

bool op_devices(const struct op_args *a, struct op_ctx *ctx, const struct devices *d,
                struct error *e)
{
    json_t *tokens, *cards, *record;
    struct seen seen;
    bool shown;

    if (!op_seen(a, ctx, "TOKEN", d->objects, &seen, e))
        return false;
    tokens = json_array();
    cards = json_array();
    for (size_t i = 0; i < seen.token_count; i++)
        json_array_append_new(tokens, token_record(d, &seen, &seen.token[i]));
    for (size_t i = 0; i < seen.card_count; i++)
        if (!is_of_a_token(&seen, i))
            json_array_append_new(cards, op_device_card(d, &seen.card[i]));
    record = json_pack("{s:o, s:o}", "tokens", tokens, "cards", cards);
    if (seen.pcsc.code != ERROR_NONE)
        json_object_set_new(record, "pcsc", json_string(seen.pcsc.text));
    op_emit(ctx, d->kind, record);
    shown = judge(a, &seen, e);
    op_seen_free(&seen);
    return shown;
}

static void text_device(const json_t *t, device_text *rows, unsigned width, struct buffer *out)
{
    if (op_number(t, "number", 0) > 0)
        buffer_printf(out, "@%lld  %s (%s)\n", (long long)op_number(t, "number", 0),
                      *op_string(t, "token") != '\0' ? op_string(t, "token") : "without a label",
                      op_string(t, "title"));
    else
        buffer_printf(out, "%s: %s\n", op_string(t, "reader"),
                      *op_string(t, "title") != '\0' ? op_string(t, "title") : "a card");
    op_prose(out, "problem", op_string(t, "problem"), width);
    rows(t, width, out);
}

void op_text_devices(const json_t *document, device_text *rows, unsigned width, struct buffer *out)
{
    const json_t *tokens = json_object_get(document, "tokens");
    const json_t *cards = json_object_get(document, "cards");
    size_t index;
    json_t *t;

    json_array_foreach(tokens, index, t) text_device(t, rows, width, out);
    json_array_foreach(cards, index, t) text_device(t, rows, width, out);
    if (json_array_size(tokens) + json_array_size(cards) == 0)
        buffer_append_text(out, "No token and no card is here.\n");
    if (*op_string(document, "pcsc") != '\0')
        buffer_printf(out, "Cards were not asked: %s\n", op_string(document, "pcsc"));
}
