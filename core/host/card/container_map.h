/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Container maps: the file cmapfile of the Windows Smart Card Minidriver Specification (7.07,
 * section 4.4, CONTAINER_MAP_RECORD), and the form of it that Yubico's minidriver keeps in PIV
 * object 5FFF10.
 */
#ifndef SIGNET_HOST_CARD_CONTAINER_MAP_H
#define SIGNET_HOST_CARD_CONTAINER_MAP_H

#include "host/card/tlv.h"

enum {
    MAP_RECORD = 86, /* bytes */
    MAP_YUBIKEY_RECORD = 107,
    MAP_NAME_UNITS = 40, /* of UTF-16 */
};

struct map_record {
    char name[MAP_NAME_UNITS * 3 + 1]; /* UTF-8 */
    bool is_default;
    uint8_t slot;   /* YubiKey: PIV key reference */
    bool signature; /* the key is one for signatures alone (AT_SIGNATURE) */
};

/* Record number `index`. False where there is none, or it is not valid: the others are. */
bool map_record_read(struct tlv map, size_t index, struct map_record *out);
size_t map_record_count(struct tlv map);

/* The same of a YubiKey's map (the records themselves, without tags). */
bool map_yubikey_read(struct tlv map, size_t index, struct map_record *out);
size_t map_yubikey_count(struct tlv map);

#endif
