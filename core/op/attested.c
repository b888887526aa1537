/* SPDX-License-Identifier: Apache-2.0 */
#include "op/attested.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "op/named.h"
#include "op/seen.h"
#include "op/session.h"
#include "token/uri.h"

enum { NO_SLOT = -1 }; /* to be found by the public key */

/* PIV key references: SP 800-73-4 part 1, table 4b. */
static bool read_slot(const struct op_args *a, int *slot, struct error *e)
{
    const char *text = op_text(a, "slot");
    size_t length = 0;
    uint8_t byte = 0;

    *slot = NO_SLOT;
    if (text == NULL)
        return true;
    if (!text_unhex(text, &byte, 1, &length) || length != 1 ||
        !((byte >= 0x82 && byte <= 0x95) || (byte >= 0x9a && byte <= 0x9e && byte != 0x9b)))
        return error_set(e, ERROR_USAGE, "--slot: '%s' should be 9a, 9c, 9d, 9e or 82 to 95", text);
    *slot = byte;
    return true;
}

/* The card of a reader, with its keys; no module is asked. */
static bool take_reader(struct attested *t, const char *name, struct op_ctx *ctx, struct error *e)
{
    struct host *h = card_host_start(ctx->cancel, e);
    bool read = h != NULL && card_read(h, name, false, ctx->cancel, &t->card, e);

    host_stop(&h);
    return read;
}

static bool copy_spki(struct attested *t, const uint8_t *spki, size_t length, struct error *e)
{
    t->spki = malloc(length);
    if (t->spki == NULL)
        return error_set_memory(e);
    memcpy(t->spki, spki, length);
    t->spki_length = length;
    return true;
}

static bool take_key(struct attested *t, const struct seen_token *seen, const char *name,
                     struct error *e)
{
    const struct token token = {.slot = {.has_token = true, .token = seen->info}};
    const struct wire_object *o = op_object(&t->objects, &token, name, NULL, e);

    if (o == NULL)
        return t->slot != NO_SLOT ||
               error_prefix(e, "say which key: its slot by --slot, or its pkcs11: URI");
    if (o->spki == NULL)
        return t->slot != NO_SLOT ||
               error_set(e, ERROR_MISSING,
                         "the token does not tell the public half of that key; say its slot on "
                         "the card: --slot");
    return copy_spki(t, o->spki, o->spki_length, e);
}

/* With --slot, a name that is no object's names the token alone. */
static bool names_object(const char *name)
{
    struct token_uri *uri = token_uri_is(name) ? token_uri_parse(name, NULL) : NULL;
    bool names = uri != NULL && token_uri_names_object(uri);

    token_uri_free(&uri);
    return names;
}

static void take_card(struct attested *t, struct wire_card *card)
{
    t->card = *card;
    *card = (struct wire_card){0};
}

/* The card that the only token of `seen` is. */
static bool take_card_of_token(struct attested *t, struct seen *seen, struct error *e)
{
    struct seen_token *one = &seen->token[0];

    if (one->card == SEEN_NO_CARD)
        return error_set(e, seen->pcsc.code != ERROR_NONE ? seen->pcsc.code : ERROR_UNFIT,
                         "'%s' cannot be asked as a card, and cards alone attest: %s", one->label,
                         seen->pcsc.code != ERROR_NONE ? seen->pcsc.text : "no reader here has it");
    take_card(t, &seen->card[one->card]);
    return true;
}

static bool take_token(struct attested *t, struct seen *seen, const char *name, struct error *e)
{
    struct seen_token *one = &seen->token[0];

    if (!take_card_of_token(t, seen, e))
        return false;
    t->objects = one->objects;
    one->objects = (struct wire_objects){0};
    return (t->slot != NO_SLOT && !names_object(name)) || take_key(t, one, name, e);
}

static bool take_seen(struct attested *t, struct seen *seen, const char *name, struct error *e)
{
    if (seen->token_count > 0)
        return take_token(t, seen, name, e);
    if (seen->card_count == 0)
        return error_set(e, ERROR_MISSING, "'%s': the card was taken out", name);
    if (t->slot == NO_SLOT)
        return error_set(e, ERROR_USAGE, "'%s' is a card: say which of its keys by --slot", name);
    take_card(t, &seen->card[0]);
    return true;
}

/* By the whole name of a reader, without a module that may hang; or as all names are taken. */
static bool find_target(const struct op_args *a, struct op_ctx *ctx, struct attested *t,
                        struct error *e)
{
    const char *name = op_text(a, "KEY");
    bool is_reader = false, taken;
    struct seen seen;

    if (t->slot != NO_SLOT && !op_named_reader(name, ctx, &is_reader, e))
        return false;
    if (is_reader)
        return take_reader(t, name, ctx, e);
    if (!op_seen(a, ctx, "KEY", true, &seen, e))
        return false;
    taken = take_seen(t, &seen, name, e);
    op_seen_free(&seen);
    return taken;
}

static bool find_piv(struct attested *t, struct error *e)
{
    for (size_t i = 0; i < t->card.count && t->piv == NULL; i++)
        if (strcmp(t->card.application[i].family, "piv") == 0)
            t->piv = &t->card.application[i];
    return t->piv != NULL ||
           error_set(e, ERROR_UNFIT, "'%s': %s", t->card.reader.name,
                     t->card.problem[0] != '\0'
                         ? t->card.problem
                         : "the card has no PIV application, whose keys alone are attested");
}

const struct wire_card_key *op_attested_key(const struct attested *t, int slot)
{
    for (size_t i = 0; i < t->piv->key_count; i++)
        if (t->piv->key[i].slot == slot)
            return &t->piv->key[i];
    return NULL;
}

/* The slot whose key the card itself says to be this one. */
static int slot_by_metadata(const struct attested *t)
{
    for (size_t i = 0; i < t->piv->key_count && t->spki != NULL; i++) {
        const struct wire_card_key *k = &t->piv->key[i];

        if (k->spki_length == t->spki_length && memcmp(k->spki, t->spki, t->spki_length) == 0)
            return k->slot;
    }
    return NO_SLOT;
}

/* What metadata tells needs no question. */
static bool can_be_attested(const struct attested *t, int slot, struct error *e)
{
    const struct wire_card_key *k = op_attested_key(t, slot);

    if (k == NULL && t->piv->key_count > 0)
        return error_set(e, ERROR_MISSING, "there is no key in slot %02X of '%s'", (unsigned)slot,
                         t->piv->title);
    if (k != NULL && strcmp(k->origin, "imported") == 0)
        return error_set(e, ERROR_UNFIT,
                         "the key in slot %02X was imported, and a YubiKey attests only keys that "
                         "it made itself; whoever wants it attested needs a new one, made on the "
                         "card",
                         (unsigned)slot);
    return true;
}

static bool ask(struct attested *t, struct host *h, int slot, struct op_ctx *ctx, struct error *e)
{
    struct wire_attestation raw = {0};
    bool done = card_attest(h, t->card.reader.name, (uint8_t)slot, ctx->cancel, &raw, e) &&
                attestation_read(raw.certificate, raw.certificate_length, raw.intermediate,
                                 raw.intermediate_length, &t->said, e);

    wire_attestation_free(&raw);
    if (done)
        t->slot = slot;
    else
        attestation_free(&t->said);
    return done;
}

/* Older YubiKeys tell of no keys: each is attested until it is the one. */
static bool ask_each(struct attested *t, struct host *h, struct op_ctx *ctx, struct error *e)
{
    static const uint8_t slots[] = {0x9a, 0x9c, 0x9d, 0x9e};

    for (size_t i = 0; i < sizeof slots; i++) {
        if (ask(t, h, slots[i], ctx, e) && attestation_is_of(&t->said, t->spki, t->spki_length))
            return true;
        attestation_free(&t->said);
        if (!host_alive(h))
            return false;
    }
    return error_set(e, ERROR_MISSING,
                     "no slot of '%s' attests this key: either it was imported, or it is in a slot "
                     "that --slot must say",
                     t->piv->title);
}

static bool get_attestation(struct attested *t, struct op_ctx *ctx, struct error *e)
{
    struct host *h = card_host_start(ctx->cancel, e);
    bool done = h != NULL && find_piv(t, e);
    int slot = t->slot;

    if (done && slot == NO_SLOT)
        slot = slot_by_metadata(t);
    if (done && slot == NO_SLOT && t->piv->key_count > 0)
        done = error_set(e, ERROR_MISSING, "no slot of '%s' holds this key", t->piv->title);
    else if (done && slot == NO_SLOT)
        done = ask_each(t, h, ctx, e);
    else if (done)
        done = can_be_attested(t, slot, e) && ask(t, h, slot, ctx, e);
    host_stop(&h);
    return done;
}

bool op_attested(const struct op_args *args, struct op_ctx *ctx, struct attested *out,
                 struct error *e)
{
    *out = (struct attested){0};
    return read_slot(args, &out->slot, e) && find_target(args, ctx, out, e) &&
           get_attestation(out, ctx, e);
}

bool op_attested_seen(struct op_ctx *ctx, struct seen *seen, const uint8_t *spki, size_t length,
                      struct attested *out, struct error *e)
{
    *out = (struct attested){.slot = NO_SLOT};
    return copy_spki(out, spki, length, e) && take_card_of_token(out, seen, e) &&
           get_attestation(out, ctx, e);
}

void op_attested_free(struct attested *t)
{
    wire_card_free(&t->card);
    wire_objects_free(&t->objects);
    attestation_free(&t->said);
    free(t->spki);
    *t = (struct attested){0};
}
