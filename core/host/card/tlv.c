/* SPDX-License-Identifier: Apache-2.0 */
#include "host/card/tlv.h"

enum { DEEPEST = 8 };

static bool take(struct tlv *in, uint8_t *byte)
{
    if (in->length == 0)
        return false;
    *byte = *in->data++;
    in->length--;
    return true;
}

static bool take_tag(struct tlv *in, uint32_t *tag)
{
    uint8_t byte;

    do
        if (!take(in, &byte))
            return false;
    while (byte == 0x00 || byte == 0xff);
    *tag = byte;
    if ((byte & 0x1f) != 0x1f)
        return true;
    do {
        if (*tag > 0xffff || !take(in, &byte))
            return false;
        *tag = *tag << 8 | byte;
    } while (byte & 0x80);
    return true;
}

static bool take_length(struct tlv *in, size_t *length)
{
    uint8_t byte;
    unsigned more;

    if (!take(in, &byte))
        return false;
    *length = byte;
    if (byte < 0x80)
        return true;
    more = byte & 0x7f;
    if (more == 0 || more > 3)
        return false;
    *length = 0;
    while (more-- > 0) {
        if (!take(in, &byte))
            return false;
        *length = *length << 8 | byte;
    }
    return true;
}

bool tlv_next(struct tlv *in, uint32_t *tag, struct tlv *value)
{
    struct tlv rest = *in;
    size_t length;

    if (!take_tag(&rest, tag) || !take_length(&rest, &length) || length > rest.length)
        return false;
    *in = (struct tlv){rest.data + length, rest.length - length};
    *value = (struct tlv){rest.data, length};
    return true;
}

bool tlv_find(struct tlv in, uint32_t tag, struct tlv *value)
{
    uint32_t found;

    while (tlv_next(&in, &found, value))
        if (found == tag)
            return true;
    return false;
}

static bool is_constructed(uint32_t tag)
{
    while (tag > 0xff)
        tag >>= 8;
    return tag & 0x20;
}

static bool find_below(struct tlv in, uint32_t tag, unsigned depth, struct tlv *value)
{
    struct tlv inner;
    uint32_t found;

    while (tlv_next(&in, &found, &inner)) {
        if (found == tag) {
            *value = inner;
            return true;
        }
        if (is_constructed(found) && depth < DEEPEST && find_below(inner, tag, depth + 1, value))
            return true;
    }
    return false;
}

bool tlv_find_deep(struct tlv in, uint32_t tag, struct tlv *value)
{
    return find_below(in, tag, 0, value);
}

static void put_tag(struct buffer *out, uint32_t tag)
{
    for (int shift = 16; shift >= 0; shift -= 8)
        if (tag >> shift != 0)
            buffer_append_byte(out, (uint8_t)(tag >> shift));
}

void tlv_put(struct buffer *out, uint32_t tag, const void *value, size_t length)
{
    put_tag(out, tag);
    if (length > 0xffff)
        buffer_append(out, (const uint8_t[]){0x83, (uint8_t)(length >> 16)}, 2);
    else if (length > 0xff)
        buffer_append_byte(out, 0x82);
    else if (length > 0x7f)
        buffer_append_byte(out, 0x81);
    if (length > 0xff)
        buffer_append_byte(out, (uint8_t)(length >> 8));
    buffer_append_byte(out, (uint8_t)length);
    buffer_append(out, value, length);
}
