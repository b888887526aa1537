/* SPDX-License-Identifier: Apache-2.0 */
#include "op/attested.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
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

/* The reader of this name, or the only one that begins with it where `prefix`. */
static const char *find_reader(const struct wire_readers *all, const char *name, bool prefix,
                               bool *several)
{
    const char *found = NULL;

    *several = false;
    for (size_t i = 0; i < all->count; i++) {
        const char *reader = all->reader[i].name;

        if (strcmp(reader, name) == 0)
            return reader;
        if (!prefix || strncasecmp(reader, name, strlen(name)) != 0)
            continue;
        *several = *several || found != NULL;
        found = reader;
    }
    return found;
}

/* Takes the card of a reader, with its keys. *found is false where none has that name; `why` is
 * then why no reader is there, if that is known. */
static bool take_reader(struct attested *t, const char *name, bool prefix, struct op_ctx *ctx,
                        bool *found, struct error *why, struct error *e)
{
    struct host *h = card_host_start(ctx->cancel, e);
    struct wire_readers readers = {0};
    const char *reader = NULL;
    bool done = h != NULL, several = false;

    *found = false;
    if (done && card_readers(h, ctx->cancel, &readers, why))
        reader = find_reader(&readers, name, prefix, &several);
    *found = reader != NULL;
    if (several)
        done = error_set(e, ERROR_USAGE, "the names of several readers begin with '%s'", name);
    else if (reader != NULL)
        done = card_read(h, reader, false, ctx->cancel, &t->card, e);
    wire_readers_free(&readers);
    host_stop(&h);
    return done;
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

static bool take_card(struct attested *t, struct seen *seen, struct error *e)
{
    struct seen_token *one = &seen->token[0];
    struct wire_card *card = one->card == SEEN_NO_CARD ? NULL : &seen->card[one->card];

    if (card == NULL)
        return error_set(e, seen->pcsc.code != ERROR_NONE ? seen->pcsc.code : ERROR_UNFIT,
                         "'%s' cannot be asked as a card, and cards alone attest: %s", one->label,
                         seen->pcsc.code != ERROR_NONE ? seen->pcsc.text : "no reader here has it");
    t->card = *card;
    *card = (struct wire_card){0};
    return true;
}

static bool take_token(struct attested *t, struct seen *seen, const char *name, struct error *e)
{
    struct seen_token *one = &seen->token[0];

    if (!take_card(t, seen, e))
        return false;
    t->objects = one->objects;
    one->objects = (struct wire_objects){0};
    return (t->slot != NO_SLOT && !names_object(name)) || take_key(t, one, name, e);
}

/* No token has that name. A reader's may begin with it. */
static bool find_by_prefix(struct attested *t, const char *name, struct op_ctx *ctx,
                           const struct error *missing, struct error *e)
{
    struct error why = ERROR_INIT;
    bool found, taken = take_reader(t, name, true, ctx, &found, &why, e);

    if (found || !taken)
        return taken;
    return error_set(e, missing->code, "%s%s%s", missing->text,
                     why.code != ERROR_NONE ? "; readers: " : "; no reader has that name",
                     why.text);
}

/* By the name of a reader, by a token, by the beginning of a reader's name. */
static bool find_target(const struct op_args *a, struct op_ctx *ctx, struct attested *t,
                        struct error *e)
{
    const char *name = op_text(a, "KEY");
    bool plain = t->slot != NO_SLOT && !token_uri_is(name), found = false, taken;
    struct error missing = ERROR_INIT;
    struct seen seen;

    if (plain && !take_reader(t, name, false, ctx, &found, NULL, e))
        return false;
    if (found)
        return true;
    if (op_seen(a, ctx, "KEY", true, &seen, &missing)) {
        taken = take_token(t, &seen, name, e);
        op_seen_free(&seen);
        return taken;
    }
    if (plain && missing.code == ERROR_MISSING)
        return find_by_prefix(t, name, ctx, &missing, e);
    if (e != NULL)
        *e = missing;
    return false;
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
    return copy_spki(out, spki, length, e) && take_card(out, seen, e) &&
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
