/* SPDX-License-Identifier: Apache-2.0 */
/* OpenPGP cards (functional specification of the OpenPGP application on ISO smart card operating
 * systems, 2.1 and 3.4). */
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "host/card/driver.h"
#include "host/card/tlv.h"
#include "host/status.h"

enum {
    INS_GET_DATA = 0xca,
    INS_VERIFY = 0x20,
    INS_RESET_RETRY = 0x2c,
    PW1 = 0x81,
    PW3 = 0x83,
    DO_AID = 0x4f,
    DO_PW_STATUS = 0xc4,
    AID_LENGTH = 16,
    PW_STATUS_LENGTH = 7,
    MOST_PIN = 127,
    USUAL_TRIES = 3,
};

static bool get_data(struct card *c, uint8_t object, struct buffer *data, uint16_t *sw,
                     struct wire_status *s)
{
    const struct apdu get = {.ins = INS_GET_DATA, .p2 = object, .answers = true};

    return card_send(c, &get, data, sw, s);
}

/* AID: RID and application 6 bytes, version 2, manufacturer 2, serial number 4, reserved 2 (section
 * 4.2.1). */
static bool detect(struct card *c, struct wire_application *out, struct wire_status *s)
{
    static const uint8_t aid[] = {0xd2, 0x76, 0, 0x01, 0x24, 0x01};
    struct buffer data = BUFFER_INIT;
    uint16_t sw;
    bool is = card_select(c, aid, sizeof aid, &data, s) && get_data(c, DO_AID, &data, &sw, s) &&
              sw == SW_OK && data.length == AID_LENGTH && memcmp(data.data, aid, sizeof aid) == 0;

    if (is) {
        const uint8_t *at = data.data;

        snprintf(out->title, sizeof out->title, "OpenPGP card %u.%u", at[6], at[7]);
        snprintf(out->serial, sizeof out->serial, "%02X%02X %02X%02X%02X%02X", at[8], at[9], at[10],
                 at[11], at[12], at[13]);
        snprintf(out->unblocked_by, sizeof out->unblocked_by,
                 "the reset code, or the admin PIN (PW3)");
    }
    buffer_free(&data);
    return is;
}

static bool add(struct wire_application *out, enum wire_pin pin, const char *name, uint8_t left,
                struct wire_status *s)
{
    struct wire_counter *counter =
        driver_counter(out, pin, name, USUAL_TRIES, "card, PW status bytes (DO C4)", s);

    if (counter != NULL)
        counter->left = left;
    return counter != NULL;
}

/* DO C4: validity of PW1, three maximum lengths, tries left of PW1, reset code and PW3 (section
 * 4.4.1). Maxima are not told. */
static bool counters(struct card *c, struct wire_application *out, struct wire_status *s)
{
    struct buffer data = BUFFER_INIT;
    struct tlv inner;
    const uint8_t *at;
    uint16_t sw;
    bool done = get_data(c, DO_PW_STATUS, &data, &sw, s);

    if (done && sw != SW_OK)
        done = card_refused("reading the PW status bytes", sw, s);
    at = data.data;
    /* Some give the object with its tag. */
    if (done && tlv_find((struct tlv){data.data, data.length}, DO_PW_STATUS, &inner) &&
        inner.length >= PW_STATUS_LENGTH)
        at = inner.data;
    else if (done && data.length < PW_STATUS_LENGTH)
        done = status_fail(s, CKR_DEVICE_ERROR, "", "the card's PW status bytes are too short");
    done = done && add(out, WIRE_PIN_USER, "PW1", at[4], s) &&
           add(out, WIRE_PIN_RESET, "reset code", at[5], s) &&
           add(out, WIRE_PIN_SO, "PW3 (admin)", at[6], s);
    /* A reset code that has no tries was never set, or is used up: the card tells both alike. */
    if (done && at[5] == 0)
        out->counter[1].unset = true;
    buffer_free(&data);
    return done;
}

static bool containers(struct card *c, struct wire_application *out, struct wire_status *s)
{
    (void)c, (void)s;
    snprintf(out->container_problem, sizeof out->container_problem,
             "OpenPGP cards hold no container names; Windows makes them up");
    return true;
}

static bool verify_admin(struct card *c, const struct secret *pin, uint16_t *sw,
                         struct wire_status *s)
{
    const struct apdu verify = {
        .ins = INS_VERIFY, .p2 = PW3, .data = secret_bytes(pin), .length = secret_length(pin)};

    s->attempted = true;
    return card_send(c, &verify, NULL, sw, s);
}

/* Section 7.2.4: after PW3 the new PIN alone (P1 02); or the reset code and the new PIN (P1 00). */
static bool unblock(struct card *c, const struct wire_unblock *u, struct wire_status *s)
{
    bool by_code = u->by == WIRE_PIN_RESET;
    uint8_t data[2 * MOST_PIN];
    size_t secret = secret_length(u->secret), fresh = secret_length(u->new_pin), length = 0;
    struct apdu reset = {.ins = INS_RESET_RETRY, .p1 = by_code ? 0 : 2, .p2 = PW1, .data = data};
    uint16_t sw = SW_OK;
    bool done = true;

    if (!by_code && u->by != WIRE_PIN_SO)
        return status_fail(s, CKR_FUNCTION_NOT_SUPPORTED, "",
                           "an OpenPGP card takes its reset code or its admin PIN (PW3)");
    if (secret > MOST_PIN || fresh < 6 || fresh > MOST_PIN)
        return status_fail(s, CKR_PIN_LEN_RANGE, "", "the PIN of an OpenPGP card has 6 to %d bytes",
                           MOST_PIN);
    if (!by_code)
        done = verify_admin(c, u->secret, &sw, s);
    if (done && sw == SW_OK) {
        if (by_code) {
            memcpy(data, secret_bytes(u->secret), secret);
            length = secret;
        }
        memcpy(data + length, secret_bytes(u->new_pin), fresh);
        reset.length = length + fresh;
        s->accepted = !by_code;
        s->attempted = true;
        done = card_send(c, &reset, NULL, &sw, s);
    }
    secret_wipe(data, sizeof data);
    if (!done)
        return false;
    s->accepted = s->accepted || sw == SW_OK;
    return sw == SW_OK || card_refused("setting a new PIN", sw, s);
}

const struct card_driver driver_openpgp = {
    .family = "openpgp",
    .detect = detect,
    .counters = counters,
    .containers = containers,
    .unblock = unblock,
};
