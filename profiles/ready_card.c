/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/ready_card.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "token/card.h"
#include "token/vendor.h"

/* Takes the reader's name and state. */
static void skip(struct wire_reader_state *reader, struct wire_card *out)
{
    *out = (struct wire_card){.reader = *reader};
    *reader = (struct wire_reader_state){0};
    snprintf(out->problem, sizeof out->problem,
             "another program uses the card; nothing is asked of it meanwhile");
}

static void read_each(struct ready_cards *out, struct host *h, struct wire_readers *readers,
                      struct cancel *cancel)
{
    struct error e = ERROR_INIT;

    out->card = calloc(readers->count + 1, sizeof *out->card);
    for (size_t i = 0; out->card != NULL && i < readers->count && host_alive(h); i++) {
        struct wire_reader_state *reader = &readers->reader[i];

        if (!reader->present)
            continue;
        if (reader->in_use)
            skip(reader, &out->card[out->count++]);
        else if (card_read(h, reader->name, false, cancel, &out->card[out->count], &e))
            out->count++;
        else
            log_line("%s: %s", reader->name, e.text);
    }
}

void ready_cards_read(struct ready_cards *out, struct cancel *cancel)
{
    struct wire_readers readers = {0};
    struct error e = ERROR_INIT;
    struct host *h;

    *out = (struct ready_cards){0};
    if (!card_service_is_there())
        return;
    h = card_host_start(cancel, &e);
    if (h != NULL && card_readers(h, cancel, &readers, &e))
        read_each(out, h, &readers, cancel);
    else
        log_line("cards are not asked: %s", e.text);
    wire_readers_free(&readers);
    host_stop(&h);
}

void ready_cards_free(struct ready_cards *c)
{
    for (size_t i = 0; i < c->count; i++)
        wire_card_free(&c->card[i]);
    free(c->card);
    wire_application_free(&c->vendor);
    *c = (struct ready_cards){0};
}

void ready_card_match(struct ready *r)
{
    for (size_t i = 0; i < r->cards.count && r->card == NULL; i++)
        if (card_is_slot(r->cards.card[i].reader.name, &r->token->slot.info))
            r->card = &r->cards.card[i];
    /* Most modules have nothing of the kind, and one that fails at it has it neither. */
    if (r->card == NULL)
        vendor_read(inventory_host(&r->inventory, r->token), r->token->slot.id, NULL,
                    &r->cards.vendor, NULL);
}

static const struct wire_application *application(const struct ready *r)
{
    return r->card == NULL ? NULL : card_application_of(r->card, &r->token->slot.token);
}

static enum ready_touch touch_of(const struct wire_card_key *k)
{
    if (strcmp(k->touch_policy, "always") == 0)
        return READY_TOUCH_EACH;
    return strncmp(k->touch_policy, "cached", 6) == 0 ? READY_TOUCH_CACHED : READY_TOUCH_NONE;
}

void ready_card_match_key(struct ready *r)
{
    const struct wire_application *a = application(r);

    for (size_t i = 0; a != NULL && i < a->key_count && r->key->spki != NULL; i++) {
        const struct wire_card_key *k = &a->key[i];

        if (k->spki_length == r->key->spki_length &&
            memcmp(k->spki, r->key->spki, k->spki_length) == 0) {
            r->card_key = k;
            r->touch = touch_of(k);
        }
    }
}

const struct wire_counter *ready_card_counter(const struct ready *r)
{
    const struct wire_application *a = r->card == NULL ? &r->cards.vendor : application(r);

    for (size_t i = 0; a != NULL && i < a->counter_count; i++)
        if (a->counter[i].pin == WIRE_PIN_USER && a->counter[i].left != WIRE_UNKNOWN)
            return &a->counter[i];
    return NULL;
}

static bool tell(struct ready_finding *out, enum ready_level level, const char *subject,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

static bool tell(struct ready_finding *out, enum ready_level level, const char *subject,
                 const char *format, ...)
{
    va_list args;

    *out = (struct ready_finding){.level = level, .subject = subject};
    va_start(args, format);
    vsnprintf(out->error.text, sizeof out->error.text, format, args);
    va_end(args);
    text_make_printable(out->error.text);
    return true;
}

bool ready_card_unread(const struct ready *r, struct ready_finding *out)
{
    return r->card != NULL && r->card->count == 0 && r->card->problem[0] != '\0' &&
           tell(out, READY_WARNING, "card",
                "%s; tries left and touch policy are as PKCS#11 tells them", r->card->problem);
}

bool ready_card_tries(const struct ready *r, struct ready_finding *out)
{
    const struct wire_counter *c = ready_card_counter(r);
    bool lost = c != NULL && (c->left < c->maximum || c->left <= 1);
    bool factory = c != NULL && c->is_default == 1;
    char maximum[16] = "";

    if (c == NULL)
        return false;
    if (c->maximum != WIRE_UNKNOWN)
        snprintf(maximum, sizeof maximum, " of %d", c->maximum);
    return tell(out, lost || factory ? READY_WARNING : READY_OK, "tries", "%d%s left [%s]%s",
                c->left, maximum, c->source,
                factory ? "; the PIN is still the one the card came with: change it" : "");
}

/* Without a terminal nobody is there, and each signature would wait until the token gives up. A
 * touch that lasts may have been given by who started the run. */
static bool unattended_touch(const struct ready *r, bool terminal, struct ready_finding *out)
{
    if (r->touch == READY_TOUCH_CACHED)
        return tell(out, READY_WARNING, "touch",
                    "the key wants a touch, which lasts 15 s: a build without a person waits until "
                    "the token gives up");
    tell(
        out, terminal ? READY_WARNING : READY_ERROR, "touch",
        "the key wants a touch for each signature, %s; sign where a person is, or with a key whose "
        "touch policy is never",
        terminal ? "which nobody gives in a build" : "and nobody is here to give it");
    out->error.code = terminal ? ERROR_NONE : ERROR_UNFIT;
    return true;
}

bool ready_card_touch(const struct ready *r, bool terminal, struct ready_finding *out)
{
    if (r->touch == READY_TOUCH_NONE)
        return false;
    if (!terminal || r->request.actor == GATE_HEADLESS)
        return unattended_touch(r, terminal, out);
    return tell(out, READY_OK, "touch", "the key wants a touch%s; sign says when",
                r->touch == READY_TOUCH_CACHED ? ", which lasts 15 s" : " for each signature");
}

/* What the module says of CKA_ALWAYS_AUTHENTICATE: it signs by that. */
static bool module_says(const struct ready *r, bool set)
{
    uint32_t bit = 1u << WIRE_ALWAYS_AUTHENTICATE;

    return r->key->class == CKO_PRIVATE_KEY && (r->key->flags_known & bit) &&
           !(r->key->flags_set & bit) == !set;
}

bool ready_card_login(const struct ready *r, struct ready_finding *out)
{
    bool card = r->card_key != NULL && (strcmp(r->card_key->pin_policy, "always") == 0 ||
                                        strcmp(r->card_key->pin_policy, "match always") == 0);

    if (!card && !module_says(r, true))
        return false;
    if (card && module_says(r, false))
        return tell(out, READY_WARNING, "login",
                    "the card wants the PIN for each signature, and the module does not say so "
                    "(CKA_ALWAYS_AUTHENTICATE): it may sign once and then no more; --trial does "
                    "not show that");
    if (r->source != NULL && pin_source_kind(r->source) == PIN_PINPAD)
        return tell(out, READY_WARNING, "login",
                    "the key wants the PIN for each signature: it is typed at the reader for each "
                    "file");
    return tell(out, READY_OK, "login",
                "the key wants the PIN for each signature [%s]: it is sent each time, which takes "
                "longer; the first refusal ends the run",
                card ? "card, GET METADATA" : "CKA_ALWAYS_AUTHENTICATE");
}
