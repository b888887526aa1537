/* SPDX-License-Identifier: Apache-2.0 */
/* GIDS (Generic Identity Device Specification 2.0): cards made for the drivers that Windows has. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/card/container_map.h"
#include "host/card/driver.h"
#include "host/card/inflate.h"
#include "host/status.h"

enum {
    INS_GET_DATA = 0xcb,
    DO_PIN = 0x7f71,
    DO_PUK = 0x7f73,
    TAG_LEFT = 0x97,
    TAG_LEFT_OLD = 0x9f17,
    TAG_LIMIT = 0x93,
    MASTER_FILE = 0xa000,
    MASTER_OBJECT = 0xdf1f,
    NAME = 9, /* bytes of a name in the master file, with its NUL */
    /* A record: directory, name, two bytes of nothing, object, file; the last two little endian. */
    RECORD = 28,
    RECORD_OBJECT = 20,
    RECORD_FILE = 24,
};

/* File identifier in P1 and P2, object in a tag list. */
static bool get_object(struct card *c, uint16_t file, uint16_t object, struct buffer *data,
                       struct tlv *value, bool *there, struct wire_status *s)
{
    const uint8_t tags[] = {0x5c, 2, (uint8_t)(object >> 8), (uint8_t)object};
    const struct apdu get = {.ins = INS_GET_DATA,
                             .p1 = (uint8_t)(file >> 8),
                             .p2 = (uint8_t)file,
                             .data = tags,
                             .length = sizeof tags,
                             .answers = true};
    uint16_t sw;

    if (!card_send(c, &get, data, &sw, s))
        return false;
    *there = sw == SW_OK && tlv_find((struct tlv){data->data, data->length}, object, value);
    return true;
}

static bool detect(struct card *c, struct wire_application *out, struct wire_status *s)
{
    static const uint8_t aids[][10] = {{0xa0, 0, 0, 0x03, 0x97, 0x42, 0x54, 0x46, 0x59, 0x02},
                                       {0xa0, 0, 0, 0x03, 0x97, 0x42, 0x54, 0x46, 0x59, 0x01}};
    struct buffer data = BUFFER_INIT;
    bool is = false;

    for (size_t i = 0; i < 2 && !is && s->rv == CKR_OK; i++) {
        is = card_select(c, aids[i], sizeof aids[i], &data, s);
        if (is)
            snprintf(out->title, sizeof out->title, "GIDS card %u", aids[i][9]);
    }
    buffer_free(&data);
    return is;
}

static bool read_counter(struct card *c, struct wire_application *out, enum wire_pin pin,
                         const char *name, uint16_t object, struct wire_status *s)
{
    struct wire_counter *counter =
        driver_counter(out, pin, name, WIRE_UNKNOWN, "card, PIN status object (7F71, 7F73)", s);
    struct buffer data = BUFFER_INIT;
    struct tlv status, value;
    bool there = false, read;

    if (counter == NULL)
        return false;
    read = get_object(c, 0x3fff, object, &data, &status, &there, s);
    if (there && (tlv_find(status, TAG_LEFT, &value) || tlv_find(status, TAG_LEFT_OLD, &value)) &&
        value.length == 1)
        counter->left = value.data[0];
    if (there && tlv_find(status, TAG_LIMIT, &value) && value.length == 1)
        counter->maximum = value.data[0];
    if (!there && pin == WIRE_PIN_PUK)
        counter->unset = true;
    else if (counter->left == WIRE_UNKNOWN)
        snprintf(counter->problem, sizeof counter->problem, "the card does not tell it");
    buffer_free(&data);
    return read;
}

static bool counters(struct card *c, struct wire_application *out, struct wire_status *s)
{
    return read_counter(c, out, WIRE_PIN_USER, "PIN", DO_PIN, s) &&
           read_counter(c, out, WIRE_PIN_PUK, "PUK", DO_PUK, s);
}

static uint32_t le32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* The master file: a version byte (1), then records. */
static bool find_file(struct tlv master, const char *directory, const char *name, uint16_t *file,
                      uint16_t *object)
{
    if (master.length < 1 || master.data[0] != 1)
        return false;
    for (size_t at = 1; at + RECORD <= master.length; at += RECORD) {
        const uint8_t *r = master.data + at;

        if (strncmp((const char *)r, directory, NAME) == 0 &&
            strncmp((const char *)r + NAME, name, NAME) == 0) {
            *object = (uint16_t)le32(r + RECORD_OBJECT);
            *file = (uint16_t)le32(r + RECORD_FILE);
            return true;
        }
    }
    return false;
}

/* mscp/kscNN or kxcNN: a certificate, as it is or compressed (01 00, length, zlib). */
static bool read_certificate(struct card *c, struct tlv master, const char *name,
                             struct wire_container *out, struct wire_status *s)
{
    struct buffer data = BUFFER_INIT, der = BUFFER_INIT;
    struct tlv value;
    uint16_t file, object;
    bool there = false, read = true;

    if (find_file(master, "mscp", name, &file, &object))
        read = get_object(c, file, object, &data, &value, &there, s);
    if (there && value.length > 4 && value.data[0] == 1 && value.data[1] == 0)
        inflate_gzip((struct tlv){value.data + 4, value.length - 4}, CARD_ANSWER_MAX, &der);
    else if (there)
        buffer_append(&der, value.data, value.length);
    if (der.length > 0 && !der.failed && out->certificate == NULL &&
        (out->certificate = malloc(der.length)) != NULL) {
        memcpy(out->certificate, der.data, der.length);
        out->certificate_length = der.length;
    }
    buffer_free(&data);
    buffer_free(&der);
    return read;
}

static bool add_container(struct card *c, struct tlv master, unsigned index,
                          const struct map_record *r, struct wire_application *out,
                          struct wire_status *s)
{
    struct wire_container *container = wire_application_add_container(out);
    char signature[NAME], exchange[NAME];

    if (container == NULL || (container->name = strdup(r->name)) == NULL ||
        (container->provider = strdup("Microsoft Base Smart Card Crypto Provider")) == NULL)
        return status_fail(s, CKR_HOST_MEMORY, "", "no memory");
    snprintf(container->place, sizeof container->place, "container %u", index);
    snprintf(container->source, sizeof container->source, "card, GIDS container map");
    container->is_default = r->is_default;
    snprintf(signature, sizeof signature, "ksc%02u", index % 100);
    snprintf(exchange, sizeof exchange, "kxc%02u", index % 100);
    return read_certificate(c, master, r->signature ? signature : exchange, container, s) &&
           read_certificate(c, master, r->signature ? exchange : signature, container, s);
}

static bool containers(struct card *c, struct wire_application *out, struct wire_status *s)
{
    struct buffer files = BUFFER_INIT, data = BUFFER_INIT;
    struct tlv master = {NULL, 0}, map;
    uint16_t file, object;
    bool there = false, read;
    struct map_record record;

    read = get_object(c, MASTER_FILE, MASTER_OBJECT, &files, &master, &there, s);
    there = there && find_file(master, "mscp", "cmapfile", &file, &object);
    if (read && there)
        read = get_object(c, file, object, &data, &map, &there, s);
    for (unsigned i = 0; read && there && i < map_record_count(map); i++)
        if (map_record_read(map, i, &record))
            read = add_container(c, master, i, &record, out, s);
    if (out->container_count == 0)
        snprintf(out->container_problem, sizeof out->container_problem, "%s",
                 there ? "the card's container map is empty" : "the card has no container map");
    buffer_free(&files);
    buffer_free(&data);
    return read;
}

const struct card_driver driver_gids = {
    .family = "gids",
    .detect = detect,
    .counters = counters,
    .containers = containers,
};
