/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that a card holds compressed. */
#ifndef SIGNET_HOST_CARD_INFLATE_H
#define SIGNET_HOST_CARD_INFLATE_H

#include "host/card/tlv.h"

/* Appends what is in a gzip or zlib stream. False, with nothing appended, where it is no such thing
 * or holds more than `most` bytes. */
bool inflate_gzip(struct tlv in, size_t most, struct buffer *out);

#endif
