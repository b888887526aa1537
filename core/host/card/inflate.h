/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that a card holds compressed. */
#ifndef SIGNET_HOST_CARD_INFLATE_H
#define SIGNET_HOST_CARD_INFLATE_H

#include "host/card/tlv.h"

/* Appends what is in a gzip or zlib stream. False, with nothing appended, where it is no such thing
 * or holds more than `most` bytes. */
bool inflate_gzip(struct tlv in, size_t most, struct buffer *out);

/* A certificate as minidrivers store it: as it is, or 01 00, its length in two bytes and a zlib
 * stream of CARD_ANSWER_MAX bytes at most. Nothing is appended where it cannot be unpacked. */
void inflate_certificate(struct tlv stored, struct buffer *der);

#endif
