/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card that answers with any bytes, to every driver. The input: what is done (tests/fuzz/seeds.py
 * has the numbers; 80 more for T=0), the length of the ATR and the ATR, then the answers in order,
 * each behind its length (two bytes, little endian); after the last one the card is gone.
 */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "host/card/driver.h"
#include "host/status.h"
#include "unit/card/describe.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

struct input {
    const uint8_t *at;
    size_t left;
    bool t0;                      /* five bytes are no data */
    bool reading;                 /* nothing may be sent that could cost a try */
    unsigned verified, unblocked; /* commands that held a secret */
};

static uint8_t take(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

static void watch(struct input *in, const uint8_t *command, size_t length)
{
    if (length < 4 || length > 261)
        abort();
    if (length == 4 || (in->t0 && length == 5 && command[4] == 0))
        return;
    if (command[1] == 0x20)
        in->verified++;
    if (command[1] == 0x2c || command[1] == 0x24)
        in->unblocked++;
    if ((in->reading && in->verified + in->unblocked > 0) || in->verified > 1 || in->unblocked > 1)
        abort();
}

static bool answer(void *link, const uint8_t *command, size_t length, struct buffer *out,
                   struct wire_status *s)
{
    struct input *in = link;
    size_t size;

    watch(in, command, length);
    if (in->left < 2)
        return status_fail(s, CKR_DEVICE_REMOVED, "SCardTransmit", "the card is gone");
    size = take(in);
    size |= (size_t)take(in) << 8;
    if (size > in->left)
        size = in->left;
    buffer_append(out, in->at, size);
    in->at += size;
    in->left -= size;
    return true;
}

/* What was read goes to the program, whatever it is. */
static void tell(const struct wire_card *found)
{
    struct buffer sent = BUFFER_INIT, text = BUFFER_INIT;
    struct wire_reader reader;
    struct wire_card got;

    wire_card_put(&sent, found);
    reader = wire_reader_of(sent.data, sent.length);
    if (!wire_card_get(&reader, &got))
        abort();
    describe_card(&got, &text);
    wire_card_free(&got);
    buffer_free(&sent);
    buffer_free(&text);
}

static void read_family(const struct card_driver *d, struct card *c)
{
    struct wire_card found = {.reader.name = strdup("reader")};
    struct wire_application *a = wire_card_add(&found);
    struct wire_status s = {.rv = CKR_OK};

    if (d->detect(c, a, &s) && (d->counters == NULL || d->counters(c, a, &s)) &&
        (d->containers == NULL || d->containers(c, a, &s)))
        if (d->keys != NULL)
            d->keys(c, a, &s);
    tell(&found);
    wire_card_free(&found);
}

static void read_card(struct card *c, bool counters_alone)
{
    struct wire_card found = {.reader.name = strdup("reader")};
    struct wire_status s = {.rv = CKR_OK};

    if (drivers_read(c, counters_alone, &found, &s) != (s.rv == CKR_OK))
        abort();
    tell(&found);
    wire_card_free(&found);
}

/* A refusal says why, and no secret is sent without saying so. */
static void unblock(const struct card_driver *d, enum wire_pin by, struct card *c, struct input *in)
{
    static const char so[] = "3537363231383830";
    const char *secret = d == &driver_sc_hsm ? so : "12345678";
    struct wire_status s = {.rv = CKR_OK};
    struct wire_unblock u = {.by = by,
                             .secret = secret_new(secret, strlen(secret), NULL),
                             .new_pin = secret_new("654321", 6, NULL)};
    bool done;

    in->reading = false;
    done = d->unblock(c, &u, &s);
    if (done != (s.rv == CKR_OK) || (!done && s.text[0] == '\0') || (done && !s.accepted) ||
        s.attempted != (in->verified + in->unblocked > 0) || (s.accepted && !s.attempted))
        abort();
    wire_unblock_free(&u);
}

static void attest(struct card *c)
{
    struct wire_attestation made = {0};
    struct wire_status s = {.rv = CKR_OK};

    driver_piv.attest(c, 0x9c, &made, &s);
    wire_attestation_free(&made);
}

/* A command that is longer than one APDU. */
static void chain(struct card *c)
{
    static const uint8_t data[600];
    const struct apdu a = {.ins = 0xdb, .data = data, .length = sizeof data, .answers = true};
    struct buffer out = BUFFER_INIT;
    struct wire_status s = {.rv = CKR_OK};
    uint16_t sw;

    if (card_send(c, &a, &out, &sw, &s) && out.length > CARD_ANSWER_MAX)
        abort();
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const struct card_driver *const drivers[] = {&driver_piv, &driver_openpgp, &driver_gids,
                                                        &driver_idprime, &driver_sc_hsm};
    struct input in = {.at = bytes, .left = length, .reading = true};
    struct card c = {.exchange = answer, .link = &in};
    uint8_t first = take(&in), what = (first & 0x7f) % 13;

    c.t0 = in.t0 = first & 0x80;
    c.atr_length = take(&in);
    if (c.atr_length > sizeof c.atr || c.atr_length > in.left)
        return 0;
    for (size_t i = 0; i < c.atr_length; i++)
        c.atr[i] = take(&in);
    if (what < 5)
        read_family(drivers[what], &c);
    else if (what < 7)
        read_card(&c, what == 6);
    else if (what == 7)
        unblock(&driver_piv, WIRE_PIN_PUK, &c, &in);
    else if (what < 10)
        unblock(&driver_openpgp, what == 8 ? WIRE_PIN_RESET : WIRE_PIN_SO, &c, &in);
    else if (what == 10)
        unblock(&driver_sc_hsm, WIRE_PIN_SO, &c, &in);
    else if (what == 11)
        attest(&c);
    else
        chain(&c);
    return 0;
}
