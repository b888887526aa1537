/* SPDX-License-Identifier: Apache-2.0 */
#include "token/card.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "token/settle.h"

/* The variable is pcsc-lite's own, its places are those of its builds. */
bool card_service_is_there(void)
{
    static const char *const places[] = {"/run/pcscd/pcscd.comm", "/var/run/pcscd/pcscd.comm"};
    const char *named = getenv("PCSCLITE_CSOCK_NAME");

    if (named != NULL)
        return access(named, F_OK) == 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (access(places[i], F_OK) == 0)
            return true;
    return false;
}

struct host *card_host_start(struct cancel *cancel, struct error *e)
{
    return host_start(WIRE_PCSC, cancel, e);
}

/* One call whose answer is unpacked by `get` into `out`. */
static bool call(struct host *h, enum wire_type type, unsigned lane, const struct buffer *body,
                 struct cancel *cancel, bool (*get)(struct wire_reader *r, void *out), void *out,
                 struct error *e)
{
    struct buffer answer = BUFFER_INIT;
    struct wire_reader r;
    bool done = buffer_ok(body, e) && host_call(h, type, lane, body, cancel, &answer, e);

    if (done) {
        r = wire_reader_of(answer.data, answer.length);
        done = get(&r, out) || wire_reader_done(&r, e);
    }
    buffer_free(&answer);
    return done;
}

static bool get_readers(struct wire_reader *r, void *out)
{
    return wire_readers_get(r, out);
}

static bool get_card(struct wire_reader *r, void *out)
{
    return wire_card_get(r, out);
}

static bool get_attestation(struct wire_reader *r, void *out)
{
    return wire_attestation_get(r, out);
}

bool card_readers(struct host *h, struct cancel *cancel, struct wire_readers *out, struct error *e)
{
    const struct buffer nothing = BUFFER_INIT;

    return call(h, WIRE_READERS, 0, &nothing, cancel, get_readers, out, e);
}

bool card_readers_wait(struct host *h, const struct wire_readers *known, struct cancel *cancel,
                       struct wire_readers *out, struct error *e)
{
    struct buffer body = BUFFER_INIT;
    bool done;

    wire_readers_put(&body, known);
    done = call(h, WIRE_READERS_WAIT, 1, &body, cancel, get_readers, out, e);
    buffer_free(&body);
    return done;
}

bool card_read(struct host *h, const char *reader, bool counters_alone, struct cancel *cancel,
               struct wire_card *out, struct error *e)
{
    struct buffer body = BUFFER_INIT;
    bool done;

    wire_put_text(&body, reader);
    wire_put_u8(&body, counters_alone);
    done = call(h, WIRE_CARD, 0, &body, cancel, get_card, out, e);
    buffer_free(&body);
    return done;
}

bool card_read_when_free(struct host *h, const char *reader, bool counters_alone,
                         struct cancel *cancel, struct wire_card *out, struct error *e)
{
    int64_t end = 0;
    bool read;

    for (;;) {
        read = card_read(h, reader, counters_alone, cancel, out, e);
        if (!read || !out->reader.in_use || !settle_again(&end, cancel))
            return read;
        wire_card_free(out);
    }
}

bool card_is_busy(const struct wire_card *c)
{
    return c->reader.in_use || c->reader.exclusive;
}

static bool read_of_slot(struct host *h, const CK_SLOT_INFO *slot, struct host **module,
                         struct cancel *cancel, struct wire_card *out, struct error *e)
{
    const struct wire_reader_state *reader;
    struct wire_readers readers;
    bool read = false;

    if (!card_readers(h, cancel, &readers, e))
        return false;
    reader = card_reader_of(&readers, slot);
    if (reader != NULL) {
        host_stop(module);
        read = card_read_when_free(h, reader->name, true, cancel, out, e);
    }
    wire_readers_free(&readers);
    return read;
}

bool card_read_slot(const CK_SLOT_INFO *slot, struct host **module, struct cancel *cancel,
                    struct wire_card *out, bool *found, struct error *e)
{
    struct error failed = ERROR_INIT;
    struct host *h = card_host_start(cancel, e);

    *out = (struct wire_card){0};
    *found = h != NULL && read_of_slot(h, slot, module, cancel, out, &failed);
    host_stop(&h);
    if (*found && out->count == 0) {
        *found = false;
        if (!card_is_busy(out))
            wire_card_free(out);
    }
    if (cancel_requested(cancel)) {
        wire_card_free(out);
        return error_set(e, ERROR_CANCELLED, "cancelled while reading the card");
    }
    return true;
}

bool card_attest(struct host *h, const char *reader, uint8_t slot, struct cancel *cancel,
                 struct wire_attestation *out, struct error *e)
{
    struct buffer body = BUFFER_INIT;
    bool done;

    wire_put_text(&body, reader);
    wire_put_u8(&body, slot);
    done = call(h, WIRE_ATTEST, 0, &body, cancel, get_attestation, out, e);
    buffer_free(&body);
    return done;
}

bool card_is_slot(const char *reader, const CK_SLOT_INFO *slot)
{
    size_t length = sizeof slot->slotDescription, name = strlen(reader);

    while (length > 0 &&
           (slot->slotDescription[length - 1] == ' ' || slot->slotDescription[length - 1] == '\0'))
        length--;
    if (name > sizeof slot->slotDescription)
        name = sizeof slot->slotDescription;
    while (name > 0 && reader[name - 1] == ' ')
        name--;
    return length > 0 && length == name && memcmp(reader, slot->slotDescription, length) == 0;
}

const struct wire_reader_state *card_reader_of(const struct wire_readers *all,
                                               const CK_SLOT_INFO *slot)
{
    const struct wire_reader_state *only = NULL;

    for (size_t i = 0; i < all->count; i++)
        if (card_is_slot(all->reader[i].name, slot)) {
            if (only != NULL)
                return NULL;
            only = &all->reader[i];
        }
    return only;
}

const struct wire_counter *card_counter(const struct wire_card *c, enum wire_pin pin)
{
    for (size_t i = 0; i < c->count; i++)
        for (size_t k = 0; k < c->application[i].counter_count; k++)
            if (c->application[i].counter[k].pin == pin)
                return &c->application[i].counter[k];
    return NULL;
}

/* Whether one of the token's texts holds `word`. */
static bool names(const CK_TOKEN_INFO *token, const char *word)
{
    size_t length = strlen(word);

    return memmem(token->label, sizeof token->label, word, length) != NULL ||
           memmem(token->model, sizeof token->model, word, length) != NULL ||
           memmem(token->manufacturerID, sizeof token->manufacturerID, word, length) != NULL;
}

bool card_is_openpgp(const CK_TOKEN_INFO *token)
{
    return names(token, "OpenPGP");
}

/* A YubiKey, say, has PIV and OpenPGP: modules tell them apart in the token's texts. */
const struct wire_application *card_application_of(const struct wire_card *c,
                                                   const CK_TOKEN_INFO *token)
{
    bool openpgp = card_is_openpgp(token);
    const struct wire_application *only = NULL;

    /* Where something went wrong, another application may be there unseen. */
    if (c->count == 1 && c->problem[0] == '\0')
        return &c->application[0];
    for (size_t i = 0; i < c->count; i++) {
        if ((strcmp(c->application[i].family, "openpgp") == 0) != openpgp)
            continue;
        if (only != NULL)
            return NULL;
        only = &c->application[i];
    }
    return only;
}
