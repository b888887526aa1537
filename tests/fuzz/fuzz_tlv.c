/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the objects of a card, as its container map and as a compressed certificate. */
#include <stdlib.h>
#include <string.h>

#include "host/card/container_map.h"
#include "host/card/inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* An object written again reads the same. */
static void write_again(uint32_t tag, struct tlv value)
{
    struct buffer out = BUFFER_INIT;
    struct tlv in, again;
    uint32_t found;

    tlv_put(&out, tag, value.data, value.length);
    in = (struct tlv){out.data, out.length};
    if (!tlv_next(&in, &found, &again) || in.length != 0 || found != tag ||
        again.length != value.length || memcmp(again.data, value.data, value.length) != 0)
        abort();
    buffer_free(&out);
}

static void read_objects(const uint8_t *bytes, size_t length)
{
    struct tlv in = {bytes, length}, value;
    uint32_t tag;

    while (tlv_next(&in, &tag, &value)) {
        if (value.data < bytes || value.length > length ||
            value.data > bytes + length - value.length || in.data + in.length != bytes + length)
            abort();
        write_again(tag, value);
    }
    /* Into the first object again and again, in place. */
    in = (struct tlv){bytes, length};
    while (tlv_next(&in, &tag, &in))
        if (in.data + in.length > bytes + length)
            abort();
    in = (struct tlv){bytes, length};
    tlv_find_deep(in, 0xc4, &value);
    tlv_find_deep(in, 0x7f49, &value);
    tlv_find_deep(in, 0x5fff10, &value);
}

/* A name is UTF-8 in full: no byte of it stands alone. */
static void check_name(const char *name)
{
    const uint8_t *at = (const uint8_t *)name;

    if (strlen(name) > sizeof((struct map_record *)0)->name - 1)
        abort();
    while (*at != 0) {
        unsigned more = *at < 0x80 ? 0 : *at >= 0xf0 ? 3 : *at >= 0xe0 ? 2 : *at >= 0xc2 ? 1 : 9;

        for (at++; more > 0; more--, at++)
            if ((*at & 0xc0) != 0x80)
                abort();
    }
}

static void read_maps(const uint8_t *bytes, size_t length)
{
    struct tlv map = {bytes, length};
    struct map_record record;

    for (size_t i = 0; i <= map_record_count(map); i++)
        if (map_record_read(map, i, &record))
            check_name(record.name);
    for (size_t i = 0; i <= map_yubikey_count(map); i++)
        if (map_yubikey_read(map, i, &record))
            check_name(record.name);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct buffer out = BUFFER_INIT;

    read_objects(bytes, length);
    read_maps(bytes, length);
    buffer_append_byte(&out, 0);
    if (inflate_gzip((struct tlv){bytes, length}, 4096, &out) ? out.length > 1 + 4096
                                                              : out.length != 1)
        abort();
    buffer_free(&out);
    return 0;
}
