/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BER-TLV as cards write it (ISO 7816-4, section 5.2.2): tags of one to three bytes, lengths of one
 * to four. Nothing is copied; every length is checked against what is there.
 */
#ifndef SIGNET_HOST_CARD_TLV_H
#define SIGNET_HOST_CARD_TLV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

struct tlv {
    const uint8_t *data;
    size_t length;
};

/* Takes the next object off `in`; *value may be *in, to go into it. False at the end, and where
 * what follows is no object. Filler bytes 00 and FF between objects are passed over. */
bool tlv_next(struct tlv *in, uint32_t *tag, struct tlv *value);

/* The first object with this tag at this level. */
bool tlv_find(struct tlv in, uint32_t tag, struct tlv *value);

/* The first one with this tag, in whatever depth of constructed objects; 8 levels at most. */
bool tlv_find_deep(struct tlv in, uint32_t tag, struct tlv *value);

/* Appends an object. */
void tlv_put(struct buffer *out, uint32_t tag, const void *value, size_t length);

#endif
