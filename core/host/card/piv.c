/* SPDX-License-Identifier: Apache-2.0 */
/* PIV: the application, its PINs, and what stands in its objects. */
#include "host/card/piv.h"

#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "host/card/inflate.h"
#include "host/status.h"

enum {
    INS_GET_DATA = 0xcb,
    INS_RESET_RETRY = 0x2c,
    INS_VERSION = 0xfd,
    INS_SERIAL = 0xf8,
    INS_METADATA = 0xf7,
    PIN_BYTES = 8, /* padded with FF */
};

const uint8_t piv_slots[] = {0x9a, 0x9c, 0x9d, 0x9e, 0x82, 0x83, 0x84, 0x85, 0x86,
                             0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f,
                             0x90, 0x91, 0x92, 0x93, 0x94, 0x95, 0};

/* SP 800-73-4 part 1, table 3. */
static uint32_t certificate_object(uint8_t slot)
{
    switch (slot) {
    case 0x9a:
        return 0x5fc105;
    case 0x9c:
        return 0x5fc10a;
    case 0x9d:
        return 0x5fc10b;
    case 0x9e:
        return 0x5fc101;
    default:
        return 0x5fc10d + (uint32_t)(slot - 0x82);
    }
}

bool piv_object(struct card *c, uint32_t object, struct buffer *data, struct tlv *value,
                bool *there, struct wire_status *s)
{
    uint8_t tag[] = {0x5c, 3, (uint8_t)(object >> 16), (uint8_t)(object >> 8), (uint8_t)object};
    struct apdu get = {
        .ins = INS_GET_DATA, .p1 = 0x3f, .p2 = 0xff, .data = tag, .length = 5, .answers = true};
    struct tlv all;
    uint32_t found;
    uint16_t sw;

    if (object <= 0xff) {
        memcpy(tag, (const uint8_t[]){0x5c, 1, (uint8_t)object}, 3);
        get.length = 3;
    }
    if (!card_send(c, &get, data, &sw, s))
        return false;
    all = (struct tlv){data->data, data->length};
    *there = sw == SW_OK && tlv_next(&all, &found, value) && (found == 0x53 || found == object) &&
             value->length > 0;
    return true;
}

bool piv_certificate(struct card *c, uint8_t slot, struct buffer *der, struct wire_status *s)
{
    struct buffer data = BUFFER_INIT;
    struct tlv object, value, info;
    bool there = false, read;

    read = piv_object(c, certificate_object(slot), &data, &object, &there, s);
    buffer_reset(der);
    if (read && there && tlv_find(object, 0x70, &value)) {
        bool zipped = tlv_find(object, 0x71, &info) && info.length > 0 && (info.data[0] & 1);

        /* One that cannot be unpacked is none. */
        if (!zipped)
            buffer_append(der, value.data, value.length);
        else if (!inflate_gzip(value, CARD_ANSWER_MAX, der))
            buffer_reset(der);
    }
    buffer_free(&data);
    return read;
}

bool piv_metadata(struct card *c, uint8_t reference, struct buffer *data, bool *known,
                  struct wire_status *s)
{
    const struct apdu get = {.ins = INS_METADATA, .p2 = reference, .answers = true};
    uint16_t sw;
    bool asked = card_send(c, &get, data, &sw, s);

    *known = asked && sw == SW_OK && data->length > 0;
    return asked;
}

/* A YubiKey tells its version and number; what answers otherwise is another PIV card. */
static bool name_yubikey(struct card *c, struct wire_application *out, bool *is,
                         struct wire_status *s)
{
    const struct apdu version = {.ins = INS_VERSION, .answers = true},
                      serial = {.ins = INS_SERIAL, .answers = true};
    struct buffer data = BUFFER_INIT;
    uint16_t sw;
    bool done = card_send(c, &version, &data, &sw, s);

    *is = done && sw == SW_OK && data.length == 3;
    if (*is) {
        snprintf(out->title, sizeof out->title, "YubiKey PIV %u.%u.%u", data.data[0], data.data[1],
                 data.data[2]);
        done = card_send(c, &serial, &data, &sw, s);
        if (done && sw == SW_OK && data.length == 4)
            snprintf(out->serial, sizeof out->serial, "%lu",
                     (unsigned long)data.data[0] << 24 | (unsigned long)data.data[1] << 16 |
                         (unsigned long)data.data[2] << 8 | data.data[3]);
    }
    buffer_free(&data);
    return done;
}

/* The GUID of the card holder unique identifier (SP 800-73-4 part 1, table 9). */
static bool name_by_chuid(struct card *c, struct wire_application *out, struct wire_status *s)
{
    struct buffer data = BUFFER_INIT;
    struct tlv object, guid;
    bool there = false, read = piv_object(c, PIV_OBJECT_CHUID, &data, &object, &there, s);

    snprintf(out->title, sizeof out->title, "PIV card");
    if (read && there && tlv_find(object, 0x34, &guid) && guid.length == 16)
        for (size_t i = 0; i < guid.length; i++)
            snprintf(out->serial + 2 * i, sizeof out->serial - 2 * i, "%02x", guid.data[i]);
    buffer_free(&data);
    return read;
}

static bool piv_detect(struct card *c, struct wire_application *out, struct wire_status *s)
{
    static const uint8_t aid[] = {0xa0, 0, 0, 0x03, 0x08, 0, 0, 0x10, 0};
    struct buffer answer = BUFFER_INIT;
    struct tlv template, name;
    bool is, yubikey = false;

    is = card_select(c, aid, sizeof aid, &answer, s) &&
         tlv_find((struct tlv){answer.data, answer.length}, 0x61, &template) &&
         tlv_find(template, 0x4f, &name);
    buffer_free(&answer);
    if (!is)
        return false;
    snprintf(out->unblocked_by, sizeof out->unblocked_by, "the PUK");
    return name_yubikey(c, out, &yubikey, s) && (yubikey || name_by_chuid(c, out, s));
}

/* Of a YubiKey: 05 the default value is set, 06 {total, left}. */
static void read_metadata(const struct buffer *data, struct wire_counter *counter)
{
    struct tlv all = {data->data, data->length}, value;

    if (tlv_find(all, 0x05, &value) && value.length == 1)
        counter->is_default = value.data[0] != 0;
    if (tlv_find(all, 0x06, &value) && value.length == 2) {
        counter->maximum = value.data[0];
        counter->left = value.data[1];
    }
}

static bool piv_pin(struct card *c, struct wire_application *out, struct wire_status *s)
{
    struct wire_counter *pin = driver_counter(out, WIRE_PIN_USER, "PIN", "card, GET METADATA", s);
    struct buffer data = BUFFER_INIT;
    bool known = false, done;

    if (pin == NULL)
        return false;
    done = piv_metadata(c, PIV_PIN, &data, &known, s);
    if (known)
        read_metadata(&data, pin);
    buffer_free(&data);
    if (!done || known)
        return done;
    snprintf(pin->source, sizeof pin->source, "card, empty VERIFY");
    return driver_ask_tries(c, PIV_PIN, pin, s);
}

static bool piv_puk(struct card *c, struct wire_application *out, struct wire_status *s)
{
    struct wire_counter *puk = driver_counter(out, WIRE_PIN_PUK, "PUK", "card, GET METADATA", s);
    struct buffer data = BUFFER_INIT;
    bool known = false, done;

    if (puk == NULL)
        return false;
    done = piv_metadata(c, PIV_PUK, &data, &known, s);
    if (known)
        read_metadata(&data, puk);
    else
        snprintf(puk->problem, sizeof puk->problem, "PIV has no way to ask for it without a try");
    buffer_free(&data);
    return done;
}

static bool piv_counters(struct card *c, struct wire_application *out, struct wire_status *s)
{
    return piv_pin(c, out, s) && piv_puk(c, out, s);
}

static bool pad_pin(const struct secret *pin, const char *what, uint8_t *out, struct wire_status *s)
{
    size_t length = secret_length(pin);

    if (length < 6 || length > PIN_BYTES)
        return status_fail(s, CKR_PIN_LEN_RANGE, "", "the %s of a PIV card has 6 to 8 characters",
                           what);
    memset(out, 0xff, PIN_BYTES);
    memcpy(out, secret_bytes(pin), length);
    return true;
}

/* SP 800-73-4 part 2, section 3.2.3. */
static bool piv_unblock(struct card *c, const struct wire_unblock *u, struct wire_status *s)
{
    uint8_t both[2 * PIN_BYTES];
    const struct apdu reset = {
        .ins = INS_RESET_RETRY, .p2 = PIV_PIN, .data = both, .length = sizeof both};
    uint16_t sw = 0;
    bool done;

    if (u->by != WIRE_PIN_PUK)
        return status_fail(s, CKR_FUNCTION_NOT_SUPPORTED, "", "a PIV card takes its PUK alone");
    done = pad_pin(u->secret, "PUK", both, s) && pad_pin(u->new_pin, "PIN", both + PIN_BYTES, s);
    if (done) {
        s->attempted = true;
        done = card_send(c, &reset, NULL, &sw, s);
    }
    secret_wipe(both, sizeof both);
    if (!done)
        return false;
    s->accepted = sw == SW_OK;
    return sw == SW_OK || card_refused("setting a new PIN by the PUK", sw, s);
}

const struct card_driver driver_piv = {
    .family = "piv",
    .detect = piv_detect,
    .counters = piv_counters,
    .containers = piv_containers,
    .keys = piv_keys,
    .unblock = piv_unblock,
    .attest = piv_attest,
};
