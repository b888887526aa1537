/* SPDX-License-Identifier: Apache-2.0 */
/* PIV: the application, its PINs, and what stands in its objects. */
#include "host/card/piv.h"

#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "host/card/inflate.h"
#include "host/status.h"

enum {
    INS_VERIFY = 0x20,
    INS_GET_DATA = 0xcb,
    INS_RESET_RETRY = 0x2c,
    INS_VERSION = 0xfd,
    INS_SERIAL = 0xf8,
    INS_METADATA = 0xf7,
    PIN_BYTES = 8, /* padded with FF */
    USUAL_TRIES = 3,
};

static const uint8_t piv_aid[] = {0xa0, 0, 0, 0x03, 0x08, 0, 0, 0x10, 0};

const uint8_t piv_slots[] = {0x9a, 0x9c, 0x9d, 0x9e, 0x82, 0x83, 0x84, 0x85, 0x86,
                             0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f,
                             0x90, 0x91, 0x92, 0x93, 0x94, 0x95, 0};

uint32_t piv_certificate_object(uint8_t slot)
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

    read = piv_object(c, piv_certificate_object(slot), &data, &object, &there, s);
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

/* Yubico writes its name into the historical bytes; others speak its extensions, too. */
static bool is_made_by_yubico(const struct card *c)
{
    return memmem(c->atr, c->atr_length, "Yubi", 4) != NULL;
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
        snprintf(out->title, sizeof out->title, "%s PIV %u.%u.%u",
                 is_made_by_yubico(c) ? "YubiKey" : "YubiKey-like", data.data[0], data.data[1],
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

/* SP 800-73-4 part 2, table 3: a template 61, with the name after its provider in 4F. Early cards
 * give the whole name there; some get the template's length wrong, and name the provider all the
 * same. */
static bool is_piv(const struct buffer *answer)
{
    const size_t provider = 5, rest = sizeof piv_aid - provider;
    struct tlv template, name;

    if (!tlv_find((struct tlv){answer->data, answer->length}, 0x61, &template))
        return false;
    if (tlv_find(template, 0x4f, &name) && name.length >= rest &&
        memcmp(name.data, piv_aid + provider, rest) == 0)
        return true;
    return memmem(answer->data, answer->length, piv_aid, provider) != NULL;
}

/* By its name without the version; cards that want it whole get it whole. */
static bool select_piv(struct card *c, bool *is, struct wire_status *s)
{
    static const uint8_t whole[] = {0xa0, 0, 0, 0x03, 0x08, 0, 0, 0x10, 0, 0x01, 0};
    struct buffer answer = BUFFER_INIT;

    *is = card_select(c, piv_aid, sizeof piv_aid, &answer, s) && is_piv(&answer);
    if (!*is && s->rv == CKR_OK)
        *is = card_select(c, whole, sizeof whole, &answer, s) && is_piv(&answer);
    buffer_free(&answer);
    return s->rv == CKR_OK;
}

static bool piv_detect(struct card *c, struct wire_application *out, struct wire_status *s)
{
    bool is = false, yubikey = false;

    if (!select_piv(c, &is, s) || !is)
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

bool piv_is_yubikey(const struct wire_application *a)
{
    return strncmp(a->title, "YubiKey", 7) == 0;
}

/* The YubiKey NEO answers 63 0x where the standard has 63 Cx. */
static bool ask_tries(struct card *c, bool yubikey, struct wire_counter *pin, struct wire_status *s)
{
    const struct apdu verify = {.ins = INS_VERIFY, .p2 = PIV_PIN};
    uint16_t sw;

    snprintf(pin->source, sizeof pin->source, "card, empty VERIFY");
    if (!driver_ask_tries(c, PIV_PIN, pin, s))
        return false;
    if (pin->problem[0] == '\0' || !yubikey)
        return true;
    if (!card_send(c, &verify, NULL, &sw, s))
        return false;
    if ((sw & 0xfff0) == 0x6300) {
        pin->left = sw & 0x0f;
        pin->problem[0] = '\0';
    }
    return true;
}

/* From the metadata of a YubiKey that has any. */
static bool ask_metadata(struct card *c, uint8_t reference, const struct wire_application *a,
                         struct wire_counter *counter, struct wire_status *s)
{
    struct buffer data = BUFFER_INIT;
    bool known = false, done = !piv_is_yubikey(a) || piv_metadata(c, reference, &data, &known, s);

    if (known)
        read_metadata(&data, counter);
    buffer_free(&data);
    return done;
}

static bool piv_pin(struct card *c, struct wire_application *out, struct wire_status *s)
{
    struct wire_counter *pin =
        driver_counter(out, WIRE_PIN_USER, "PIN", USUAL_TRIES, "card, GET METADATA", s);

    return pin != NULL && ask_metadata(c, PIV_PIN, out, pin, s) &&
           (pin->left != WIRE_UNKNOWN || ask_tries(c, piv_is_yubikey(out), pin, s));
}

static bool piv_puk(struct card *c, struct wire_application *out, struct wire_status *s)
{
    struct wire_counter *puk =
        driver_counter(out, WIRE_PIN_PUK, "PUK", USUAL_TRIES, "card, GET METADATA", s);

    if (puk == NULL || !ask_metadata(c, PIV_PUK, out, puk, s))
        return false;
    if (puk->left == WIRE_UNKNOWN) {
        snprintf(puk->source, sizeof puk->source, "not told");
        snprintf(puk->problem, sizeof puk->problem, "PIV has no way to ask for it without a try");
    }
    return true;
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
    .authenticate = piv_authenticate,
    .generate = piv_generate,
    .store = piv_store,
};
