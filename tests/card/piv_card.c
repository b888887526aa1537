/* SPDX-License-Identifier: Apache-2.0 */
/* Selection, PINs and data objects. */
#include "piv_card.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/card/tlv.h"
#include "store.h"

enum { TRIES = 3, PIN_BYTES = 8 };

static bool is_yubikey(void)
{
    return *store_text("version") != '\0';
}

/* With a file `gids`, the card has such an application too, which tells nothing. */
static bool select_gids(struct session *s, const struct command *c, struct buffer *answer)
{
    static const uint8_t aid[] = {0xa0, 0, 0, 0x03, 0x97, 0x42, 0x54, 0x46, 0x59};
    struct buffer template = BUFFER_INIT;

    if (*store_text("gids") == '\0' || c->length < sizeof aid ||
        memcmp(c->data, aid, sizeof aid) != 0)
        return false;
    *s = (struct session){0};
    tlv_put(&template, 0x4f, aid, sizeof aid);
    tlv_put(answer, 0x61, template.data, template.length);
    buffer_free(&template);
    return true;
}

static uint16_t select_application(struct session *s, const struct command *c,
                                   struct buffer *answer)
{
    static const uint8_t aid[] = {0xa0, 0, 0, 0x03, 0x08, 0, 0, 0x10, 0, 0x01, 0};
    struct buffer template = BUFFER_INIT, authority = BUFFER_INIT;

    if (c->p1 == 4 && select_gids(s, c, answer))
        return 0x9000;
    if (c->p1 != 4 || c->length < 5 || c->length > sizeof aid ||
        memcmp(c->data, aid, c->length) != 0)
        return 0x6a82;
    /* Another application, or this one again: what was proved is forgotten. */
    *s = (struct session){.selected = true};
    if (*store_text("select") != '\0') {
        const char *text = store_text("select");

        for (unsigned byte; sscanf(text, "%2x", &byte) == 1; text += 2)
            buffer_append_byte(answer, (uint8_t)byte);
        return 0x9000;
    }
    tlv_put(&template, 0x4f, aid + 5, 6);
    tlv_put(&authority, 0x4f, aid, 5);
    tlv_put(&template, 0x79, authority.data, authority.length);
    tlv_put(answer, 0x61, template.data, template.length);
    buffer_free(&template);
    buffer_free(&authority);
    return 0x9000;
}

static int left(const char *which)
{
    char name[16];

    snprintf(name, sizeof name, "%s-left", which);
    return store_number(name, TRIES);
}

static void set_left(const char *which, int tries)
{
    char name[16];

    snprintf(name, sizeof name, "%s-left", which);
    store_set_number(name, tries);
}

/* Padded with FF to eight bytes, as the card gets it. */
static bool matches(const char *which, const uint8_t *given)
{
    uint8_t padded[PIN_BYTES];
    const char *text = store_text(which);

    memset(padded, 0xff, sizeof padded);
    memcpy(padded, text, strlen(text) < PIN_BYTES ? strlen(text) : PIN_BYTES);
    return memcmp(padded, given, PIN_BYTES) == 0;
}

static void store_padded(const char *which, const uint8_t *given)
{
    char text[PIN_BYTES + 1] = "";
    size_t length = 0;

    while (length < PIN_BYTES && given[length] != 0xff)
        length++;
    memcpy(text, given, length);
    store_set_text(which, text);
}

static uint16_t spend_try(const char *which, const uint8_t *given)
{
    if (left(which) == 0)
        return 0x6983;
    if (matches(which, given)) {
        set_left(which, store_number(strcmp(which, "pin") == 0 ? "pin-max" : "puk-max", TRIES));
        return 0x9000;
    }
    set_left(which, left(which) - 1);
    return (uint16_t)(left(which) == 0 ? 0x6983 : 0x63c0 | left(which));
}

/* What an empty VERIFY tells; a YubiKey NEO (version 1) has another nibble there. */
static uint16_t tries_left(void)
{
    return (uint16_t)((*store_text("version") == '1' ? 0x6300 : 0x63c0) | left("pin"));
}

static uint16_t verify(struct session *s, const struct command *c)
{
    uint16_t sw;

    if (c->p2 != 0x80)
        return 0x6a88;
    /* SP 800-73-4 part 2, section 3.2.1: P1 FF ends the login. */
    if (c->p1 == 0xff && c->length == 0) {
        s->verified = s->once = false;
        return 0x9000;
    }
    if (c->length == 0)
        return s->verified ? 0x9000 : left("pin") == 0 ? 0x6983 : tries_left();
    if (c->length != PIN_BYTES)
        return 0x6a80;
    sw = spend_try("pin", c->data);
    s->verified = s->once = sw == 0x9000;
    return sw;
}

static uint16_t change_reference(struct session *s, const struct command *c)
{
    const char *which = c->p2 == 0x80 ? "pin" : "puk";
    uint16_t sw;

    if ((c->p2 != 0x80 && c->p2 != 0x81) || c->length != 2 * PIN_BYTES)
        return 0x6a88;
    sw = spend_try(which, c->data);
    if (sw == 0x9000)
        store_padded(which, c->data + PIN_BYTES);
    (void)s;
    return sw;
}

static uint16_t reset_retry(const struct command *c)
{
    uint16_t sw;

    if (c->p2 != 0x80 || c->length != 2 * PIN_BYTES)
        return 0x6a88;
    sw = spend_try("puk", c->data);
    if (sw == 0x9000) {
        store_padded("pin", c->data + PIN_BYTES);
        set_left("pin", store_number("pin-max", TRIES));
    }
    return sw;
}

/* The slot whose certificate is in this object; 0: none (SP 800-73-4 part 1, table 3). */
static uint8_t slot_of(uint32_t object)
{
    static const struct {
        uint32_t object;
        uint8_t slot;
    } slots[] = {
        {0x5fc105, 0x9a}, {0x5fc10a, 0x9c}, {0x5fc10b, 0x9d}, {0x5fc101, 0x9e}, {0x5fff01, 0xf9}};

    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++)
        if (slots[i].object == object)
            return slots[i].slot;
    return object >= 0x5fc10d && object <= 0x5fc120 ? (uint8_t)(0x82 + object - 0x5fc10d) : 0;
}

/* The certificate of a slot stands as a file of its own. */
static bool certificate_object(uint32_t object, struct buffer *out)
{
    struct buffer der = BUFFER_INIT;
    char name[16];
    bool there;

    snprintf(name, sizeof name, "%02x.der", slot_of(object));
    there = slot_of(object) != 0 && store_bytes(name, &der);
    if (there) {
        tlv_put(out, 0x70, der.data, der.length);
        tlv_put(out, 0x71, "\0", 1);
        tlv_put(out, 0xfe, "", 0);
    }
    buffer_free(&der);
    return there;
}

static uint32_t object_of(const struct command *c, struct tlv *rest)
{
    struct tlv in = {c->data, c->length}, name;
    uint32_t tag, object = 0;

    if (!tlv_next(&in, &tag, &name) || tag != 0x5c || name.length > 3)
        return 0;
    for (size_t i = 0; i < name.length; i++)
        object = object << 8 | name.data[i];
    *rest = in;
    return object;
}

static uint16_t get_data(const struct command *c, struct buffer *answer)
{
    static const uint8_t discovery[] = {0x4f, 0x0b, 0xa0, 0, 0,    0x03, 0x08, 0,    0,
                                        0x10, 0,    0x01, 0, 0x5f, 0x2f, 0x02, 0x40, 0};
    struct buffer value = BUFFER_INIT;
    struct tlv rest;
    uint32_t object = object_of(c, &rest);
    char name[32];
    bool there;

    if (object == 0x7e) {
        tlv_put(answer, 0x7e, discovery, sizeof discovery);
        return 0x9000;
    }
    snprintf(name, sizeof name, "%06x.object", object);
    there = store_bytes(name, &value) || certificate_object(object, &value);
    if (there)
        tlv_put(answer, 0x53, value.data, value.length);
    buffer_free(&value);
    return there ? 0x9000 : 0x6a82;
}

static uint16_t put_data(struct session *s, const struct command *c)
{
    struct tlv rest = {NULL, 0}, value;
    uint32_t object = object_of(c, &rest), tag;
    char name[32];

    if (!s->manager)
        return 0x6982;
    if (object == 0 || !tlv_next(&rest, &tag, &value) || tag != 0x53)
        return 0x6a80;
    if (value.length > (size_t)store_number("object-max", 3052))
        return 0x6a84;
    snprintf(name, sizeof name, "%06x.object", object);
    store_set_bytes(name, value.data, value.length);
    return 0x9000;
}

static uint16_t version(struct buffer *answer)
{
    unsigned parts[3] = {0};

    if (sscanf(store_text("version"), "%u.%u.%u", &parts[0], &parts[1], &parts[2]) != 3)
        return 0x6d00;
    for (int i = 0; i < 3; i++)
        buffer_append_byte(answer, (uint8_t)parts[i]);
    return 0x9000;
}

static uint16_t serial(struct buffer *answer)
{
    uint32_t number = (uint32_t)store_number("serial", 1234567);

    for (int shift = 24; shift >= 0; shift -= 8)
        buffer_append_byte(answer, (uint8_t)(number >> shift));
    return 0x9000;
}

static uint16_t pin_metadata(const char *which, const char *normal, struct buffer *answer)
{
    char name[16];
    uint8_t tries[2];

    snprintf(name, sizeof name, "%s-max", which);
    tries[0] = (uint8_t)store_number(name, TRIES);
    tries[1] = (uint8_t)left(which);
    tlv_put(answer, 0x05, strcmp(store_text(which), normal) == 0 ? "\1" : "\0", 1);
    tlv_put(answer, 0x06, tries, 2);
    return 0x9000;
}

static uint16_t metadata(const struct command *c, struct buffer *answer)
{
    unsigned major = 0, minor = 0;

    /* There since 5.3. */
    sscanf(store_text("version"), "%u.%u", &major, &minor);
    if (major < 5 || (major == 5 && minor < 3))
        return 0x6d00;
    return c->p2 == 0x80   ? pin_metadata("pin", "123456", answer)
           : c->p2 == 0x81 ? pin_metadata("puk", "12345678", answer)
                           : key_metadata(c, answer);
}

static uint16_t yubikey(const struct command *c, struct buffer *answer)
{
    switch (c->ins) {
    case 0xfd:
        return version(answer);
    case 0xf8:
        return serial(answer);
    case 0xf9:
        return key_attest(c, answer);
    case 0xf7:
        return metadata(c, answer);
    default:
        return 0x6d00;
    }
}

uint16_t piv_command(struct session *s, const struct command *c, struct buffer *answer)
{
    if (c->ins == 0xa4)
        return select_application(s, c, answer);
    if (!s->selected)
        return 0x6d00;
    switch (c->ins) {
    case 0x20:
        return verify(s, c);
    case 0x24:
        return change_reference(s, c);
    case 0x2c:
        return reset_retry(c);
    case 0xcb:
        return get_data(c, answer);
    case 0xdb:
        return put_data(s, c);
    case 0x87:
        return key_authenticate(s, c, answer);
    case 0x47:
        return key_generate(s, c, answer);
    default:
        return is_yubikey() ? yubikey(c, answer) : 0x6d00;
    }
}
