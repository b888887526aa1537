/* SPDX-License-Identifier: Apache-2.0 */
/* GIDS (Generic Identity Device Specification 2.0): cards made for the drivers that Windows has. */
#include <stdio.h>
#include <string.h>

#include "host/card/container_map.h"
#include "host/card/driver.h"
#include "host/card/inflate.h"
#include "host/status.h"

enum {
    INS_GET_DATA = 0xcb,
    APPLICATION = 0x3fff,
    AID_LENGTH = 9, /* without the version that follows */
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

/* File identifier in P1 and P2, object in a tag list. *sw is SW_DATA_NOT_FOUND, too, where the card
 * answers with something else. */
static bool get_object(struct card *c, uint16_t file, uint16_t object, struct buffer *data,
                       struct tlv *value, uint16_t *sw, struct wire_status *s)
{
    const uint8_t tags[] = {0x5c, 2, (uint8_t)(object >> 8), (uint8_t)object};
    const struct apdu get = {.ins = INS_GET_DATA,
                             .p1 = (uint8_t)(file >> 8),
                             .p2 = (uint8_t)file,
                             .data = tags,
                             .length = sizeof tags,
                             .answers = true};

    if (!card_send(c, &get, data, sw, s))
        return false;
    if (*sw == SW_OK && !tlv_find((struct tlv){data->data, data->length}, object, value))
        *sw = SW_DATA_NOT_FOUND;
    return true;
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

/* The file "cardid", 16 bytes, which tools show as the serial number. */
static bool name_card(struct card *c, struct tlv master, struct wire_application *out,
                      struct wire_status *s)
{
    struct buffer data = BUFFER_INIT;
    struct tlv id;
    uint16_t file, object, sw;
    bool there = find_file(master, "", "cardid", &file, &object), read = true;

    if (there)
        read = get_object(c, file, object, &data, &id, &sw, s);
    if (there && read && sw == SW_OK && id.length == 16)
        for (size_t i = 0; i < id.length; i++)
            snprintf(out->serial + 2 * i, sizeof out->serial - 2 * i, "%02x", id.data[i]);
    buffer_free(&data);
    return read;
}

/* The application template names the application, and behind its AID the version. */
static bool is_named_gids(const struct buffer *fci, const uint8_t *aid, uint8_t *version)
{
    struct tlv template, name;

    if (!tlv_find((struct tlv){fci->data, fci->length}, 0x61, &template) ||
        !tlv_find(template, 0x4f, &name) || name.length < AID_LENGTH ||
        memcmp(name.data, aid, AID_LENGTH) != 0)
        return false;
    *version = name.length > AID_LENGTH ? name.data[AID_LENGTH] : 0;
    return true;
}

/* One that does not name itself is known by its master file: some cards select anything. */
static bool detect(struct card *c, struct wire_application *out, struct wire_status *s)
{
    static const uint8_t aid[AID_LENGTH] = {0xa0, 0, 0, 0x03, 0x97, 0x42, 0x54, 0x46, 0x59};
    struct buffer data = BUFFER_INIT;
    struct tlv master = {NULL, 0};
    uint16_t sw = SW_NOT_FOUND;
    uint8_t version = 0;
    bool is = card_select(c, aid, sizeof aid, &data, s), named;

    named = is && is_named_gids(&data, aid, &version);
    is = is && get_object(c, MASTER_FILE, MASTER_OBJECT, &data, &master, &sw, s) &&
         (named || sw == SW_OK);
    if (is)
        snprintf(out->title, sizeof out->title, "GIDS card");
    if (is && version > 0)
        snprintf(out->title, sizeof out->title, "GIDS card %u", version);
    is = is && (sw != SW_OK || name_card(c, master, out, s));
    buffer_free(&data);
    return is;
}

static int figure(struct tlv status, uint32_t tag)
{
    struct tlv value;

    return tlv_find(status, tag, &value) && value.length == 1 && value.data[0] < 0xff
               ? value.data[0]
               : WIRE_UNKNOWN;
}

static bool read_counter(struct card *c, struct wire_application *out, enum wire_pin pin,
                         const char *name, uint16_t object, struct wire_status *s)
{
    struct wire_counter *counter =
        driver_counter(out, pin, name, WIRE_UNKNOWN, "card, PIN status object (7F71, 7F73)", s);
    struct buffer data = BUFFER_INIT;
    struct tlv status;
    uint16_t sw;

    if (counter == NULL || !get_object(c, APPLICATION, object, &data, &status, &sw, s)) {
        buffer_free(&data);
        return false;
    }
    if (sw == SW_OK) {
        counter->left = figure(status, TAG_LEFT);
        if (counter->left == WIRE_UNKNOWN)
            counter->left = figure(status, TAG_LEFT_OLD);
        counter->maximum = figure(status, TAG_LIMIT);
    }
    if (pin == WIRE_PIN_PUK && (sw == SW_DATA_NOT_FOUND || sw == SW_NOT_FOUND))
        counter->unset = true;
    else if (counter->left == WIRE_UNKNOWN)
        snprintf(counter->problem, sizeof counter->problem,
                 "the card does not tell it (it answers %04X)", sw);
    buffer_free(&data);
    return true;
}

static bool counters(struct card *c, struct wire_application *out, struct wire_status *s)
{
    return read_counter(c, out, WIRE_PIN_USER, "PIN", DO_PIN, s) &&
           read_counter(c, out, WIRE_PIN_PUK, "PUK", DO_PUK, s);
}

/* mscp/kscNN or kxcNN, NN in hexadecimal: a certificate, as it is or compressed (01 00, length,
 * zlib). */
static bool read_certificate(struct card *c, struct tlv master, const char *name,
                             struct wire_container *out, struct wire_status *s)
{
    struct buffer data = BUFFER_INIT, der = BUFFER_INIT;
    struct tlv value;
    uint16_t file, object, sw = SW_NOT_FOUND;
    bool there, read = true;

    if (find_file(master, "mscp", name, &file, &object))
        read = get_object(c, file, object, &data, &value, &sw, s);
    there = read && sw == SW_OK;
    if (there)
        inflate_certificate(value, &der);
    if (out->certificate == NULL)
        driver_keep(&der, &out->certificate, &out->certificate_length);
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
    snprintf(signature, sizeof signature, "ksc%02X", index & 0xff);
    snprintf(exchange, sizeof exchange, "kxc%02X", index & 0xff);
    return read_certificate(c, master, r->signature ? signature : exchange, container, s) &&
           read_certificate(c, master, r->signature ? exchange : signature, container, s);
}

/* Why there is no name; sw: how reading the master file, or the map, went. */
static const char *no_names(uint16_t sw)
{
    switch (sw) {
    case SW_OK:
        return "the card's container map is empty";
    case SW_NOT_ALLOWED:
        return "the card shows its container map only after a login";
    default:
        return "the card has no container map";
    }
}

static bool containers(struct card *c, struct wire_application *out, struct wire_status *s)
{
    struct buffer files = BUFFER_INIT, data = BUFFER_INIT;
    struct tlv master = {NULL, 0}, map = {NULL, 0};
    uint16_t file, object, sw = SW_NOT_FOUND;
    struct map_record record;
    bool read = get_object(c, MASTER_FILE, MASTER_OBJECT, &files, &master, &sw, s);

    if (read && sw == SW_OK && !find_file(master, "mscp", "cmapfile", &file, &object))
        sw = SW_NOT_FOUND;
    else if (read && sw == SW_OK)
        read = get_object(c, file, object, &data, &map, &sw, s);
    for (unsigned i = 0; read && sw == SW_OK && i < map_record_count(map); i++)
        if (map_record_read(map, i, &record))
            read = add_container(c, master, i, &record, out, s);
    if (out->container_count == 0)
        snprintf(out->container_problem, sizeof out->container_problem, "%s", no_names(sw));
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
