/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/pe_checksum.h"

enum { BLOCK = 32768 }; /* bytes whose words cannot overflow 32 bits */

static uint64_t sum_words(const uint8_t *bytes, size_t length)
{
    uint64_t sum = 0;

    while (length >= 2) {
        size_t part = (length < BLOCK ? length : BLOCK) & ~(size_t)1;
        uint32_t partial = 0;

        for (size_t i = 0; i < part; i += 2)
            partial += (uint32_t)bytes[i] | (uint32_t)bytes[i + 1] << 8;
        sum += partial;
        bytes += part;
        length -= part;
    }
    return length == 1 ? sum + bytes[0] : sum;
}

uint64_t pe_checksum_of(const uint8_t *bytes, size_t length, uint64_t offset)
{
    if (length == 0)
        return 0;
    if (offset % 2 == 0)
        return sum_words(bytes, length);
    return ((uint64_t)bytes[0] << 8) + sum_words(bytes + 1, length - 1);
}

uint32_t pe_checksum_finish(uint64_t sum, uint64_t file_length)
{
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint32_t)(sum + file_length);
}
