/* SPDX-License-Identifier: Apache-2.0 */
#include "host/card/container_map.h"

enum {
    NAME_BYTES = MAP_NAME_UNITS * 2,
    FLAG_VALID = 1,
    FLAG_DEFAULT = 2,
    AT_KEYEXCHANGE = 1,
    AT_SIGNATURE = 2,
};

static unsigned le16(const uint8_t *at)
{
    return at[0] | (unsigned)at[1] << 8;
}

static size_t put_utf8(char *out, unsigned c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* UTF-16LE up to its NUL. Half a pair alone is no character and becomes U+FFFD. */
static void read_name(const uint8_t *at, char *out)
{
    size_t length = 0;

    for (unsigned i = 0; i < MAP_NAME_UNITS && le16(at + 2 * i) != 0; i++) {
        unsigned c = le16(at + 2 * i), low = i + 1 < MAP_NAME_UNITS ? le16(at + 2 * i + 2) : 0;

        if (c >= 0xd800 && c < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            i++;
        } else if (c >= 0xd800 && c < 0xe000) {
            c = 0xfffd;
        }
        length += put_utf8(out + length, c);
    }
    out[length] = '\0';
}

size_t map_record_count(struct tlv map)
{
    return map.length / MAP_RECORD;
}

/* name[40], flags, reserved, signature key bits, exchange key bits */
bool map_record_read(struct tlv map, size_t index, struct map_record *out)
{
    const uint8_t *at;

    if (index >= map_record_count(map))
        return false;
    at = map.data + index * MAP_RECORD;
    *out = (struct map_record){
        .is_default = at[NAME_BYTES] & FLAG_DEFAULT,
        .signature = le16(at + NAME_BYTES + 2) != 0 && le16(at + NAME_BYTES + 4) == 0,
    };
    read_name(at, out->name);
    return at[NAME_BYTES] & FLAG_VALID && out->name[0] != '\0';
}

size_t map_yubikey_count(struct tlv map)
{
    return map.length / MAP_YUBIKEY_RECORD;
}

/* name[40], slot, key specification, bits, flags, PIN, association with ECDH, SHA-1 of the
 * certificate */
bool map_yubikey_read(struct tlv map, size_t index, struct map_record *out)
{
    const uint8_t *at;

    if (index >= map_yubikey_count(map))
        return false;
    at = map.data + index * MAP_YUBIKEY_RECORD;
    *out = (struct map_record){
        .slot = at[NAME_BYTES],
        .signature = at[NAME_BYTES + 1] == AT_SIGNATURE,
        .is_default = at[NAME_BYTES + 4] & FLAG_DEFAULT,
    };
    read_name(at, out->name);
    return at[NAME_BYTES + 4] & FLAG_VALID && out->name[0] != '\0';
}
