/* SPDX-License-Identifier: Apache-2.0 */
/* SmartCard-HSM, Nitrokey HSM and others that answer alike (SmartCard-HSM user manual). */
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "base/text.h"
#include "host/card/driver.h"
#include "host/card/tlv.h"
#include "host/status.h"

enum {
    INS_RESET_RETRY = 0x2c,
    USER_PIN = 0x81,
    SO_PIN = 0x88,
    SO_BYTES = 8, /* 16 hexadecimal digits */
    LEAST_PIN = 6,
    MOST_PIN = 15,
    USUAL_TRIES = 3,
    USUAL_SO_TRIES = 15,
};

static const uint8_t application[] = {0xe8, 0x2b, 0x06, 0x01, 0x04, 0x01,
                                      0x81, 0xc3, 0x1f, 0x02, 0x01};

/* The historical bytes of the first ones tell no version, but a name: "HSM1" (tag 5). */
static bool is_named_hsm(const struct card *c)
{
    static const uint8_t name[] = {0x54, 'H', 'S', 'M', '1'};

    return memmem(c->atr, c->atr_length, name, sizeof name) != NULL;
}

/* The FCI of the application carries its version in tag 85. What has neither that nor the name is a
 * card that selects anything, and not one to send a VERIFY to. */
static bool detect(struct card *c, struct wire_application *out, struct wire_status *s)
{
    struct buffer data = BUFFER_INIT;
    struct tlv version;
    bool is = card_select(c, application, sizeof application, &data, s), told;

    told = is && tlv_find_deep((struct tlv){data.data, data.length}, 0x85, &version) &&
           version.length >= 2;
    is = is && (told || is_named_hsm(c));
    if (is) {
        snprintf(out->title, sizeof out->title, "SmartCard-HSM");
        if (told)
            snprintf(out->title, sizeof out->title, "SmartCard-HSM %u.%u",
                     version.data[version.length - 2], version.data[version.length - 1]);
        snprintf(out->unblocked_by, sizeof out->unblocked_by, "the SO PIN");
    }
    buffer_free(&data);
    return is;
}

static bool counters(struct card *c, struct wire_application *out, struct wire_status *s)
{
    struct wire_counter *counter =
        driver_counter(out, WIRE_PIN_USER, "PIN", USUAL_TRIES, "card, empty VERIFY", s);

    if (counter == NULL || !driver_ask_tries(c, USER_PIN, counter, s))
        return false;
    counter = driver_counter(out, WIRE_PIN_SO, "SO PIN", USUAL_SO_TRIES, "card, empty VERIFY", s);
    return counter != NULL && driver_ask_tries(c, SO_PIN, counter, s);
}

static bool containers(struct card *c, struct wire_application *out, struct wire_status *s)
{
    (void)c, (void)s;
    snprintf(out->container_problem, sizeof out->container_problem,
             "a SmartCard-HSM holds no container names; its minidriver makes them up");
    return true;
}

/* The SO PIN is written in hexadecimal, and sent as bytes. */
static bool so_bytes(const struct secret *pin, uint8_t *out)
{
    const uint8_t *text = secret_bytes(pin);

    if (secret_length(pin) != (size_t)SO_BYTES * 2)
        return false;
    for (size_t i = 0; i < SO_BYTES; i++) {
        int high = text_hex_digit(text[2 * i]), low = text_hex_digit(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* Some are logged in once they have taken a new PIN. SELECT logs out: the card stays powered for
 * others. */
static void close_session(struct card *c)
{
    struct wire_status unimportant = {0};

    card_select(c, application, sizeof application, NULL, &unimportant);
}

static bool unblock(struct card *c, const struct wire_unblock *u, struct wire_status *s)
{
    uint8_t data[SO_BYTES + MOST_PIN];
    size_t fresh = secret_length(u->new_pin);
    const struct apdu reset = {
        .ins = INS_RESET_RETRY, .p2 = USER_PIN, .data = data, .length = SO_BYTES + fresh};
    uint16_t sw = 0;
    bool done;

    if (u->by != WIRE_PIN_SO)
        return status_fail(s, CKR_FUNCTION_NOT_SUPPORTED, "", "a SmartCard-HSM takes its SO PIN");
    if (fresh < LEAST_PIN || fresh > MOST_PIN)
        return status_fail(s, CKR_PIN_LEN_RANGE, "",
                           "the PIN of a SmartCard-HSM has %d to %d characters", LEAST_PIN,
                           MOST_PIN);
    if (!so_bytes(u->secret, data)) {
        secret_wipe(data, sizeof data);
        return status_fail(s, CKR_PIN_LEN_RANGE, "",
                           "the SO PIN of a SmartCard-HSM has 16 hexadecimal digits");
    }
    memcpy(data + SO_BYTES, secret_bytes(u->new_pin), fresh);
    s->attempted = true;
    done = card_send(c, &reset, NULL, &sw, s);
    secret_wipe(data, sizeof data);
    s->accepted = done && sw == SW_OK;
    if (s->accepted)
        close_session(c);
    return done && (sw == SW_OK || card_refused("setting a new PIN by the SO PIN", sw, s));
}

const struct card_driver driver_sc_hsm = {
    .family = "sc-hsm",
    .detect = detect,
    .counters = counters,
    .containers = containers,
    .unblock = unblock,
};
