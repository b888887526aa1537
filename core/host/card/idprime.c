/* SPDX-License-Identifier: Apache-2.0 */
/* IDPrime cards and eTokens with that applet (Thales), by the files of their minidriver. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/card/container_map.h"
#include "host/card/driver.h"
#include "host/card/inflate.h"
#include "host/status.h"

enum {
    INS_SELECT = 0xa4,
    INS_READ_BINARY = 0xb0,
    PIN = 0x11,
    SIGNATURE_PIN = 0x83,
    FILE_CARD_ID = 0x0201,
    FILE_MAP = 0x0204,
    FILE_INDEX = 0x0101,
    MOST_AT_ONCE = 240,
    USUAL_TRIES = 5,
    ENTRY = 21, /* of the index: file 2, length 2, name 8, directory 9 */
};

/* The allow-list: historical bytes by model; 00 in the mask: any. */
static const struct {
    const char *title;
    uint8_t atr[20], mask[20];
    bool signature_pin;
} models[] = {
    {"IDPrime 940",
     {0x3b, 0x7f, 0x96, 0,    0,    0x80, 0x31, 0x80, 0x65, 0xb0,
      0x85, 0x59, 0x56, 0xfb, 0x12, 0x0f, 0xfe, 0x82, 0x90, 0},
     {0xff, 0xff, 0,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0,    0,    0xff, 0xff, 0xff},
     true},
    {"IDPrime 930",
     {0x3b, 0x7f, 0x96, 0,    0,    0x80, 0x31, 0x80, 0x65, 0xb0,
      0x84, 0x61, 0x60, 0xfb, 0x12, 0x0f, 0xfe, 0x82, 0x90, 0},
     {0xff, 0xff, 0,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0,    0,    0xff, 0xff, 0xff},
     false},
    {"IDPrime MD",
     {0x3b, 0x7f, 0x96, 0, 0,    0x80, 0x31, 0x80, 0x65, 0xb0,
      0x84, 0,    0,    0, 0x12, 0x0f, 0xfe, 0x82, 0x90, 0},
     {0xff, 0xff, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xfe, 0,    0, 0,    0xff, 0,    0,    0xff, 0xff, 0xff},
     false},
};

static int model_of(const struct card *c)
{
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        size_t k = 0;

        if (c->atr_length != sizeof models[i].atr)
            continue;
        while (k < c->atr_length &&
               (c->atr[k] & models[i].mask[k]) == (models[i].atr[k] & models[i].mask[k]))
            k++;
        if (k == c->atr_length)
            return (int)i;
    }
    return -1;
}

/* SELECT from the master file; its FCI tells the length (tag 80 or 81). */
static bool select_file(struct card *c, uint16_t file, size_t *length, uint16_t *sw,
                        struct wire_status *s)
{
    const uint8_t name[] = {(uint8_t)(file >> 8), (uint8_t)file};
    const struct apdu select = {
        .ins = INS_SELECT, .p1 = 0x08, .data = name, .length = sizeof name, .answers = true};
    struct buffer fci = BUFFER_INIT;
    struct tlv size;
    bool sent = card_send(c, &select, &fci, sw, s);

    *length = 0;
    if (sent && *sw == SW_OK &&
        (tlv_find_deep((struct tlv){fci.data, fci.length}, 0x81, &size) ||
         tlv_find_deep((struct tlv){fci.data, fci.length}, 0x80, &size)) &&
        size.length == 2)
        *length = (size_t)(size.data[0] << 8 | size.data[1]);
    buffer_free(&fci);
    return sent;
}

static bool read_bytes(struct card *c, size_t length, struct buffer *out, uint16_t *sw,
                       struct wire_status *s)
{
    struct buffer part = BUFFER_INIT;
    bool sent = true;

    buffer_reset(out);
    while (sent && *sw == SW_OK && out->length < length) {
        size_t left = length - out->length;
        const struct apdu read = {.ins = INS_READ_BINARY,
                                  .p1 = (uint8_t)(out->length >> 8 & 0x7f),
                                  .p2 = (uint8_t)out->length,
                                  .answers = true,
                                  .expected = (uint8_t)(left < MOST_AT_ONCE ? left : MOST_AT_ONCE)};

        sent = card_send(c, &read, &part, sw, s);
        buffer_append(out, part.data, part.length);
        if (part.length == 0)
            break;
    }
    buffer_free(&part);
    return sent;
}

/* *sw says how it went; what could be read is in `out`. */
static bool read_file(struct card *c, uint16_t file, struct buffer *out, uint16_t *sw,
                      struct wire_status *s)
{
    size_t length;

    buffer_reset(out);
    return select_file(c, file, &length, sw, s) &&
           (*sw != SW_OK || read_bytes(c, length, out, sw, s));
}

static bool detect(struct card *c, struct wire_application *out, struct wire_status *s)
{
    static const uint8_t aid[] = {0xa0, 0, 0, 0, 0x18, 0x80, 0, 0, 0, 0x06, 0x62};
    struct buffer data = BUFFER_INIT;
    int model = model_of(c);
    uint16_t sw;
    bool is = model >= 0 && card_select(c, aid, sizeof aid, &data, s);

    if (is)
        snprintf(out->title, sizeof out->title, "%s", models[model].title);
    if (is && read_file(c, FILE_CARD_ID, &data, &sw, s))
        for (size_t i = 0; i < data.length && i < 16; i++)
            snprintf(out->serial + 2 * i, sizeof out->serial - 2 * i, "%02x", data.data[i]);
    buffer_free(&data);
    return is && s->rv == CKR_OK;
}

static bool counters(struct card *c, struct wire_application *out, struct wire_status *s)
{
    struct wire_counter *counter =
        driver_counter(out, WIRE_PIN_USER, "PIN", USUAL_TRIES, "card, empty VERIFY", s);
    int model = model_of(c);

    if (counter == NULL || !driver_ask_tries(c, PIN, counter, s))
        return false;
    if (model < 0 || !models[model].signature_pin)
        return true;
    counter = driver_counter(out, WIRE_PIN_SIGNATURE, "signature PIN", WIRE_UNKNOWN,
                             "card, empty VERIFY", s);
    return counter != NULL && driver_ask_tries(c, SIGNATURE_PIN, counter, s);
}

/* The file of mscp/kscNN or kxcNN; 0: there is none. */
static uint16_t certificate_file(const struct buffer *index, unsigned number)
{
    size_t count = index->length == 0 ? 0 : index->data[0];

    for (size_t i = 0; i < count && 1 + (i + 1) * ENTRY <= index->length; i++) {
        const uint8_t *at = index->data + 1 + i * ENTRY;
        char digits[3] = {(char)('0' + number / 10 % 10), (char)('0' + number % 10), 0};

        if (memcmp(at + 12, "mscp", 5) == 0 &&
            (memcmp(at + 4, "ksc", 3) == 0 || memcmp(at + 4, "kxc", 3) == 0) &&
            memcmp(at + 7, digits, 2) == 0)
            return (uint16_t)(at[0] << 8 | at[1]);
    }
    return 0;
}

static bool read_certificate(struct card *c, uint16_t file, struct wire_container *out,
                             struct wire_status *s)
{
    struct buffer data = BUFFER_INIT, der = BUFFER_INIT;
    uint16_t sw;
    bool read = read_file(c, file, &data, &sw, s);

    if (read && data.length > 4 && data.data[0] == 1 && data.data[1] == 0)
        inflate_gzip((struct tlv){data.data + 4, data.length - 4}, CARD_ANSWER_MAX, &der);
    else if (read)
        buffer_append(&der, data.data, data.length);
    if (der.length > 0 && !der.failed && (out->certificate = malloc(der.length)) != NULL) {
        memcpy(out->certificate, der.data, der.length);
        out->certificate_length = der.length;
    }
    buffer_free(&data);
    buffer_free(&der);
    return read;
}

static bool add_container(struct card *c, const struct buffer *index, unsigned number,
                          const struct map_record *r, struct wire_application *out,
                          struct wire_status *s)
{
    struct wire_container *container = wire_application_add_container(out);
    uint16_t file = certificate_file(index, number);

    if (container == NULL || (container->name = strdup(r->name)) == NULL ||
        (container->provider = strdup("Microsoft Base Smart Card Crypto Provider")) == NULL)
        return status_fail(s, CKR_HOST_MEMORY, "", "no memory");
    snprintf(container->place, sizeof container->place, "container %u", number);
    snprintf(container->source, sizeof container->source, "card, container map (EF 0204)");
    container->is_default = r->is_default;
    return file == 0 || read_certificate(c, file, container, s);
}

static bool containers(struct card *c, struct wire_application *out, struct wire_status *s)
{
    struct buffer map = BUFFER_INIT, index = BUFFER_INIT;
    struct map_record record;
    uint16_t sw = 0, index_sw;
    bool read =
        read_file(c, FILE_MAP, &map, &sw, s) && read_file(c, FILE_INDEX, &index, &index_sw, s);
    struct tlv records = {map.data, map.length};

    for (unsigned i = 0; read && i < map_record_count(records); i++)
        if (map_record_read(records, i, &record))
            read = add_container(c, &index, i, &record, out, s);
    if (out->container_count == 0)
        snprintf(out->container_problem, sizeof out->container_problem, "%s",
                 sw == SW_NOT_ALLOWED
                     ? "the card shows its container map only after a login; its PKCS#11 driver "
                       "may tell the names"
                     : "the card's container map is empty");
    buffer_free(&map);
    buffer_free(&index);
    return read;
}

const struct card_driver driver_idprime = {
    .family = "idprime",
    .detect = detect,
    .counters = counters,
    .containers = containers,
};
