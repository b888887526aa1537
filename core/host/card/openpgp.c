/* SPDX-License-Identifier: Apache-2.0 */
/* OpenPGP cards (functional specification of the OpenPGP application on ISO smart card operating
 * systems, 2.1 and 3.4). */
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "host/card/driver.h"
#include "host/card/openpgp_kdf.h"
#include "host/card/tlv.h"
#include "host/status.h"

enum {
    INS_GET_DATA = 0xca,
    INS_VERIFY = 0x20,
    INS_RESET_RETRY = 0x2c,
    PW1 = 0x81,
    PW3 = 0x83,
    DO_AID = 0x4f,
    DO_APPLICATION = 0x6e,
    DO_PW_STATUS = 0xc4,
    AID_LENGTH = 16,
    AID_VERSION = 6,
    PW_STATUS_LENGTH = 7,
    LEAST_PIN = 6,    /* PW1 */
    LEAST_SECRET = 8, /* reset code and PW3 (section 4.3) */
    USUAL_TRIES = 3,
    FORMAT_2 = 0x80, /* since version 3: PINs go as PIN block 2 of ISO 9564 */
};

/* Validity of PW1, three maximum lengths, tries left of PW1, reset code and PW3 (section 4.4.1). */
struct pw_status {
    uint8_t most[OPENPGP_PINS], left[OPENPGP_PINS];
};

static bool get_data(struct card *c, uint8_t object, struct buffer *data, uint16_t *sw,
                     struct wire_status *s)
{
    const struct apdu get = {.ins = INS_GET_DATA, .p2 = object, .answers = true};

    return card_send(c, &get, data, sw, s);
}

/* A simple object: its value, which some cards give with its tag; or from the application related
 * data (6E), where a card gives it there alone. *value is in `data`; empty: there is none. */
static bool get_value(struct card *c, uint8_t object, size_t length, struct buffer *data,
                      struct tlv *value, struct wire_status *s)
{
    struct tlv all;
    uint16_t sw;

    *value = (struct tlv){NULL, 0};
    if (!get_data(c, object, data, &sw, s))
        return false;
    all = (struct tlv){data->data, data->length};
    if (sw == SW_OK && all.length == length)
        *value = all;
    else if (sw == SW_OK && (!tlv_find(all, object, value) || value->length < length))
        *value = (struct tlv){NULL, 0};
    if (value->length > 0)
        return true;
    if (!get_data(c, DO_APPLICATION, data, &sw, s))
        return false;
    all = (struct tlv){data->data, data->length};
    if (sw != SW_OK || !tlv_find_deep(all, object, value) || value->length < length)
        *value = (struct tlv){NULL, 0};
    return true;
}

/* AID: RID and application 6 bytes, version 2, manufacturer 2, serial number 4, reserved 2 (section
 * 4.2.1). False with s->rv CKR_OK: it is no OpenPGP card. */
static bool read_aid(struct card *c, uint8_t aid[AID_LENGTH], struct wire_status *s)
{
    static const uint8_t begin[] = {0xd2, 0x76, 0, 0x01, 0x24, 0x01};
    struct buffer data = BUFFER_INIT;
    struct tlv value;
    bool is = get_value(c, DO_AID, AID_LENGTH, &data, &value, s) && value.length == AID_LENGTH &&
              memcmp(value.data, begin, sizeof begin) == 0;

    if (is)
        memcpy(aid, value.data, AID_LENGTH);
    buffer_free(&data);
    return is;
}

static bool detect(struct card *c, struct wire_application *out, struct wire_status *s)
{
    static const uint8_t aid[] = {0xd2, 0x76, 0, 0x01, 0x24, 0x01};
    uint8_t at[AID_LENGTH];

    if (!card_select(c, aid, sizeof aid, NULL, s) || !read_aid(c, at, s))
        return false;
    snprintf(out->title, sizeof out->title, "OpenPGP card %u.%u", at[AID_VERSION],
             at[AID_VERSION + 1]);
    snprintf(out->serial, sizeof out->serial, "%02X%02X %02X%02X%02X%02X", at[8], at[9], at[10],
             at[11], at[12], at[13]);
    snprintf(out->unblocked_by, sizeof out->unblocked_by, "the reset code, or the admin PIN (PW3)");
    return true;
}

static bool read_status(struct card *c, struct pw_status *out, struct wire_status *s)
{
    struct buffer data = BUFFER_INIT;
    struct tlv value;
    bool done = get_value(c, DO_PW_STATUS, PW_STATUS_LENGTH, &data, &value, s);

    if (done && value.length == 0)
        done = status_fail(s, CKR_DEVICE_ERROR, "", "the card tells no PW status bytes (DO C4)");
    if (done) {
        memcpy(out->most, value.data + 1, sizeof out->most);
        memcpy(out->left, value.data + 4, sizeof out->left);
    }
    buffer_free(&data);
    return done;
}

static struct wire_counter *add(struct wire_application *out, enum wire_pin pin, const char *name,
                                uint8_t left, struct wire_status *s)
{
    struct wire_counter *counter =
        driver_counter(out, pin, name, USUAL_TRIES, "card, PW status bytes (DO C4)", s);

    if (counter != NULL && left < 0xff)
        counter->left = left;
    else if (counter != NULL)
        snprintf(counter->problem, sizeof counter->problem, "the card tells a figure that is none");
    return counter;
}

/* Maxima are not told. */
static bool counters(struct card *c, struct wire_application *out, struct wire_status *s)
{
    struct wire_counter *reset;
    struct pw_status status;

    if (!read_status(c, &status, s) ||
        add(out, WIRE_PIN_USER, "PW1", status.left[OPENPGP_PW1], s) == NULL)
        return false;
    reset = add(out, WIRE_PIN_RESET, "reset code", status.left[OPENPGP_RESET_CODE], s);
    if (reset == NULL)
        return false;
    /* A reset code that has no tries was never set, or is used up: the card tells both alike. */
    reset->unset = status.left[OPENPGP_RESET_CODE] == 0;
    return add(out, WIRE_PIN_SO, "PW3 (admin)", status.left[OPENPGP_PW3], s) != NULL;
}

static bool containers(struct card *c, struct wire_application *out, struct wire_status *s)
{
    (void)c, (void)s;
    snprintf(out->container_problem, sizeof out->container_problem,
             "OpenPGP cards hold no container names; Windows makes them up");
    return true;
}

/* What a card would count as a wrong try although it cannot be right is not sent. */
static bool may_try(const struct wire_unblock *u, const struct pw_status *status, bool version_3,
                    struct wire_status *s)
{
    bool by_code = u->by == WIRE_PIN_RESET;

    if (status->left[by_code ? OPENPGP_RESET_CODE : OPENPGP_PW3] == 0)
        return status_fail(s, CKR_PIN_LOCKED, "", "%s",
                           by_code ? "the reset code was never set, or is used up"
                                   : "the admin PIN (PW3) is blocked");
    if (version_3 && (status->most[OPENPGP_PW1] & FORMAT_2))
        return status_fail(s, CKR_FUNCTION_NOT_SUPPORTED, "",
                           "the card takes PINs as PIN blocks, which this version does not write");
    if (secret_length(u->secret) < LEAST_SECRET)
        return status_fail(s, CKR_PIN_LEN_RANGE, "", "%s of an OpenPGP card has at least %d bytes",
                           by_code ? "the reset code" : "the admin PIN (PW3)", LEAST_SECRET);
    return secret_length(u->new_pin) >= LEAST_PIN ||
           status_fail(s, CKR_PIN_LEN_RANGE, "", "the PIN of an OpenPGP card has at least %d bytes",
                       LEAST_PIN);
}

/* The most significant bit is no part of a length. */
static bool fits(size_t length, const struct pw_status *status, enum openpgp_pin pin,
                 struct wire_status *s)
{
    unsigned most = status->most[pin] & ~FORMAT_2 & 0xff;

    return most == 0 || length <= most ||
           status_fail(s, CKR_PIN_LEN_RANGE, "", "this card takes at most %u bytes as %s", most,
                       pin == OPENPGP_PW1          ? "PIN"
                       : pin == OPENPGP_RESET_CODE ? "reset code"
                                                   : "admin PIN (PW3)");
}

/* Section 7.2.2. */
static bool verify_admin(struct card *c, const uint8_t *pin, size_t length, uint16_t *sw,
                         struct wire_status *s)
{
    const struct apdu verify = {.ins = INS_VERIFY, .p2 = PW3, .data = pin, .length = length};

    s->attempted = true;
    return card_send(c, &verify, NULL, sw, s);
}

/* What PW3 opened is closed again: the card stays powered for others. Version 3 knows this command;
 * it carries no PIN and costs nothing. */
static void close_admin(struct card *c)
{
    const struct apdu close = {.ins = INS_VERIFY, .p1 = 0xff, .p2 = PW3};
    struct wire_status unimportant = {0};
    uint16_t sw;

    card_send(c, &close, NULL, &sw, &unimportant);
}

struct unblocking {
    uint8_t data[2 * OPENPGP_PIN_MAX]; /* the secret, then the new PIN */
    size_t secret, length;
    bool by_code, version_3;
};

/* Asks the card for all that it takes to make the commands; nothing of it costs a try. */
static bool prepare(struct card *c, const struct wire_unblock *u, struct unblocking *out,
                    struct wire_status *s)
{
    enum openpgp_pin which = out->by_code ? OPENPGP_RESET_CODE : OPENPGP_PW3;
    uint8_t aid[AID_LENGTH];
    struct pw_status status;
    struct openpgp_kdf kdf;
    size_t fresh = 0;

    if (!read_aid(c, aid, s))
        return s->rv != CKR_OK ? false
                               : status_fail(s, CKR_DEVICE_ERROR, "", "the card tells no AID");
    out->version_3 = aid[AID_VERSION] >= 3;
    if (!read_status(c, &status, s) || !may_try(u, &status, out->version_3, s) ||
        !openpgp_kdf_read(c, &kdf, s) ||
        !openpgp_kdf_put(&kdf, which, u->secret, out->data, &out->secret, s) ||
        !openpgp_kdf_put(&kdf, OPENPGP_PW1, u->new_pin, out->data + out->secret, &fresh, s))
        return false;
    out->length = out->secret + fresh;
    return fits(out->secret, &status, which, s) && fits(fresh, &status, OPENPGP_PW1, s);
}

/* Section 7.2.4: after PW3 the new PIN alone (P1 02); or the reset code and the new PIN (P1 00). */
static bool set_pin(struct card *c, const struct unblocking *b, uint16_t *sw, struct wire_status *s)
{
    const struct apdu by_code = {.ins = INS_RESET_RETRY,
                                 .p2 = PW1,
                                 .data = b->data,
                                 .length = b->length},
                      by_admin = {.ins = INS_RESET_RETRY,
                                  .p1 = 2,
                                  .p2 = PW1,
                                  .data = b->data + b->secret,
                                  .length = b->length - b->secret};
    bool done;

    if (b->by_code) {
        s->attempted = true;
        done = card_send(c, &by_code, NULL, sw, s);
        s->accepted = done && *sw == SW_OK;
        return done;
    }
    if (!verify_admin(c, b->data, b->secret, sw, s) || *sw != SW_OK)
        return s->rv == CKR_OK;
    s->accepted = true;
    done = card_send(c, &by_admin, NULL, sw, s);
    if (done && b->version_3)
        close_admin(c);
    return done;
}

/* Wrong secrets are answered with 63Cx, or with these by the letter of the specification. */
static bool refused(bool by_code, uint16_t sw, struct wire_status *s)
{
    if (s->accepted)
        return card_refused("setting a new PIN, after PW3 was accepted", sw, s);
    if (sw == SW_NOT_ALLOWED || (by_code && sw == SW_NOT_SATISFIED))
        return status_fail(s, CKR_PIN_INCORRECT, "",
                           "the card takes this %s for a wrong one (it answers %04X)",
                           by_code ? "reset code" : "admin PIN (PW3)", sw);
    return card_refused("setting a new PIN", sw, s);
}

static bool unblock(struct card *c, const struct wire_unblock *u, struct wire_status *s)
{
    bool by_code = u->by == WIRE_PIN_RESET;
    struct unblocking b = {.by_code = by_code};
    uint16_t sw = 0;
    bool done;

    if (!by_code && u->by != WIRE_PIN_SO)
        return status_fail(s, CKR_FUNCTION_NOT_SUPPORTED, "",
                           "an OpenPGP card takes its reset code or its admin PIN (PW3)");
    done = prepare(c, u, &b, s) && set_pin(c, &b, &sw, s);
    secret_wipe(&b, sizeof b);
    if (!done)
        return false;
    return sw == SW_OK || refused(by_code, sw, s);
}

const struct card_driver driver_openpgp = {
    .family = "openpgp",
    .detect = detect,
    .counters = counters,
    .containers = containers,
    .unblock = unblock,
};
