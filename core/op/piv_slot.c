/* SPDX-License-Identifier: Apache-2.0 */
#include "op/piv_slot.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "op/session.h"

static bool read_slot(const char *text, uint8_t *slot, struct error *e)
{
    size_t length = 0;
    uint8_t byte = 0;

    if (!text_unhex(text, &byte, 1, &length) || length != 1 ||
        !((byte >= 0x82 && byte <= 0x95) || (byte >= 0x9a && byte <= 0x9e && byte != 0x9b)))
        return error_set(e, ERROR_USAGE, "--slot: '%s' should be 9a, 9c, 9d, 9e or 82 to 95", text);
    *slot = byte;
    return true;
}

static bool take_token(struct piv_slot *s, struct error *e)
{
    struct seen_token *t = &s->seen.token[0];

    if (t->card == SEEN_NO_CARD)
        return error_set(e, s->seen.pcsc.code != ERROR_NONE ? s->seen.pcsc.code : ERROR_UNFIT,
                         "'%s' cannot be asked as a card, and cards alone have slots: %s", t->label,
                         s->seen.pcsc.code != ERROR_NONE ? s->seen.pcsc.text
                                                         : "no reader here has it");
    s->card = s->seen.card[t->card];
    s->seen.card[t->card] = (struct wire_card){0};
    s->label = strdup(t->label);
    s->device = inventory_device(&t->info);
    return true;
}

/* A card that no module shows, or shows several tokens of. */
static void take_card(struct piv_slot *s)
{
    s->card = s->seen.card[0];
    s->seen.card[0] = (struct wire_card){0};
}

static bool find_card(const struct op_args *a, struct op_ctx *ctx, const char *name,
                      struct piv_slot *s, struct error *e)
{
    if (!op_seen(a, ctx, name, true, &s->seen, e))
        return false;
    if (s->seen.token_count == 1)
        return take_token(s, e);
    if (s->seen.card_count != 1)
        return error_set(e, ERROR_MISSING,
                         s->seen.card_count == 0
                             ? "no card is here; signet readers tells of readers"
                             : "several cards are here; name one by its reader");
    take_card(s);
    return true;
}

static bool find_piv(struct piv_slot *s, struct error *e)
{
    for (size_t i = 0; i < s->card.count && s->piv == NULL; i++)
        if (strcmp(s->card.application[i].family, "piv") == 0)
            s->piv = &s->card.application[i];
    if (s->piv == NULL)
        return error_set(
            e, s->card.reader.in_use ? ERROR_BUSY : ERROR_UNFIT, "'%s': %s", s->card.reader.name,
            s->card.problem[0] != '\0' ? s->card.problem : "the card has no PIV application");
    if (s->label == NULL)
        s->label = strdup(s->piv->title);
    if (s->device == NULL)
        s->device = inventory_device_name(s->piv->serial, s->piv->title, s->card.reader.name);
    s->serial = strdup(s->piv->serial);
    return (s->label != NULL && s->device != NULL && s->serial != NULL) || error_set_memory(e);
}

bool op_piv_slot(const struct op_args *args, struct op_ctx *ctx, const char *name, const char *slot,
                 struct piv_slot *out, struct error *e)
{
    *out = (struct piv_slot){0};
    return read_slot(slot, &out->slot, e) && find_card(args, ctx, name, out, e) && find_piv(out, e);
}

void op_piv_slot_free(struct piv_slot *s)
{
    op_seen_free(&s->seen);
    wire_card_free(&s->card);
    free(s->label);
    free(s->device);
    free(s->serial);
    *s = (struct piv_slot){0};
}

/* The OpenPGP application of the same card numbers its keys likewise. */
const struct seen_token *op_piv_slot_token(const struct piv_slot *s)
{
    const struct seen_token *first = NULL;

    for (size_t i = 0; i < s->seen.token_count; i++) {
        const struct seen_token *t = &s->seen.token[i];

        if (card_is_openpgp(&t->info))
            continue;
        if (t->objects.count > 0)
            return t;
        if (first == NULL)
            first = t;
    }
    return first;
}

const struct wire_objects *op_piv_slot_objects(const struct piv_slot *s)
{
    const struct seen_token *t = op_piv_slot_token(s);

    return t == NULL ? NULL : &t->objects;
}

uint8_t op_piv_slot_id(const struct piv_slot *s)
{
    static const uint8_t first[] = {0x9a, 0x9c, 0x9d, 0x9e};

    for (uint8_t i = 0; i < sizeof first; i++)
        if (first[i] == s->slot)
            return (uint8_t)(i + 1);
    return (uint8_t)(s->slot - 0x82 + 5);
}

const struct wire_card_key *op_piv_slot_key(const struct piv_slot *s)
{
    for (size_t i = 0; i < s->piv->key_count; i++)
        if (s->piv->key[i].slot == s->slot)
            return &s->piv->key[i];
    return NULL;
}

bool op_piv_slot_request(const struct op_args *args, struct op_ctx *ctx, const struct piv_slot *s,
                         const struct gate_person *person, struct pin_source **source,
                         struct gate_card *out, struct error *e)
{
    const char *named = op_text(args, "management-key");

    *source = pin_source_parse(named == NULL ? "prompt" : named, e);
    if (*source == NULL)
        return false;
    *out = (struct gate_card){
        .reader = s->card.reader.name,
        .family = s->piv->family,
        .device = s->device,
        .label = s->label,
        .serial = s->serial,
        .management_key = *source,
        .actor = gate_actor_of(*source),
        .wait_ms = OP_WAIT_MS,
        .person = person,
        .program = ctx->op->verb,
        .cancel = ctx->cancel,
    };
    return true;
}
