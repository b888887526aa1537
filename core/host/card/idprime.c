/* SPDX-License-Identifier: Apache-2.0 */
/* IDPrime cards and eTokens with that applet (Thales), by the files of their minidriver. */
#include <stdio.h>
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
    MOST_BYTES = 0x7fff, /* what the offset of READ BINARY reaches */
    USUAL_TRIES = 5,
    ENTRY = 21, /* of the index: file 2, length 2, name 8, directory 9 */
};

/* The allow-list: ATRs by model in hexadecimal, "." for any digit. The first that fits counts. */
static const struct {
    const char *title, *atr;
    bool signature_pin;
} models[] = {
    {"IDPrime 3810", "3b7f..000080318065b084413df612....829000", false},
    {"IDPrime 830", "3b7f..000080318065b08456511012....829000", false},
    {"IDPrime 930", "3b7f..000080318065b0846160fb12....829000", false},
    {"SafeNet eToken 5110+ (IDPrime 930)", "3bff..00008131..4380318065b084......120178829000..",
     false},
    {"IDPrime 840", "3b7f..000080318065b0850300ef12....829000", false},
    {"IDPrime 940", "3b7f..000080318065b085......12....829000", true},
    {"SafeNet eToken 5110 (IDPrime 940)", "3bff..00008131fe4380318065b0........120...829000..",
     true},
    {"IDPrime MD", "3b7f..000080318065b0........12....829000", false},
    {"SafeNet eToken (IDPrime MD)", "3bff..00008131..4380318065b0........120ffe829000..", false},
};

static int model_of(const struct card *c)
{
    char atr[2 * CARD_ATR_MAX + 1] = "";

    for (size_t i = 0; i < c->atr_length; i++)
        snprintf(atr + 2 * i, sizeof atr - 2 * i, "%02x", c->atr[i]);
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        const char *model = models[i].atr;
        size_t k = 0;

        while (model[k] != '\0' && (model[k] == atr[k] || (model[k] == '.' && atr[k] != '\0')))
            k++;
        if (model[k] == '\0' && atr[k] == '\0')
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
    if (*length > MOST_BYTES)
        *length = MOST_BYTES;
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
                                  .p1 = (uint8_t)(out->length >> 8),
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

/* The file of entry `at` of the index, if it is a certificate: mscp/kscNN or kxcNN. */
static uint16_t certificate_of(const uint8_t *at)
{
    bool is = memcmp(at + 12, "mscp", 5) == 0 &&
              (memcmp(at + 4, "ksc", 3) == 0 || memcmp(at + 4, "kxc", 3) == 0);

    return is ? (uint16_t)(at[0] << 8 | at[1]) : 0;
}

/* The certificate of a container is that with its number. Newer eTokens number them otherwise: the
 * only certificate belongs to the only container. 0: it cannot be told. */
static uint16_t certificate_file(const struct buffer *index, unsigned number, bool alone)
{
    const char digits[2] = {(char)('0' + number / 10 % 10), (char)('0' + number % 10)};
    size_t entries = index->length == 0 ? 0 : index->data[0], certificates = 0;
    uint16_t file = 0;

    for (size_t i = 0; i < entries && 1 + (i + 1) * ENTRY <= index->length; i++) {
        const uint8_t *at = index->data + 1 + i * ENTRY;

        if (certificate_of(at) == 0)
            continue;
        if (memcmp(at + 7, digits, sizeof digits) == 0)
            return certificate_of(at);
        certificates++;
        file = certificate_of(at);
    }
    return alone && certificates == 1 ? file : 0;
}

static bool read_certificate(struct card *c, uint16_t file, struct wire_container *out,
                             struct wire_status *s)
{
    struct buffer data = BUFFER_INIT, der = BUFFER_INIT;
    uint16_t sw;
    bool read = read_file(c, file, &data, &sw, s);

    if (read)
        inflate_certificate((struct tlv){data.data, data.length}, &der);
    driver_keep(&der, &out->certificate, &out->certificate_length);
    buffer_free(&data);
    buffer_free(&der);
    return read;
}

static bool add_container(struct card *c, uint16_t file, unsigned number,
                          const struct map_record *r, struct wire_application *out,
                          struct wire_status *s)
{
    struct wire_container *container = wire_application_add_container(out);

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
    unsigned valid = 0;

    for (unsigned i = 0; i < map_record_count(records); i++)
        valid += map_record_read(records, i, &record);
    for (unsigned i = 0; read && i < map_record_count(records); i++)
        if (map_record_read(records, i, &record))
            read = add_container(c, certificate_file(&index, i, valid == 1), i, &record, out, s);
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
