/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/pe/pe_checksum.h"

#include "sign/le.h"

/* Two words at a time: 0x10000 counts as 1 in a one's-complement sum of 16 bits. */
static uint64_t sum_words(const uint8_t *bytes, size_t length)
{
    uint64_t sum = 0;

    for (; length >= 4; bytes += 4, length -= 4)
        sum += le_32(bytes);
    if (length >= 2)
        sum += le_16(bytes);
    return length % 2 == 0 ? sum : sum + bytes[length - 1];
}

uint64_t pe_checksum_of(const uint8_t *bytes, size_t length, uint64_t offset)
{
    if (length == 0 || offset % 2 == 0)
        return sum_words(bytes, length);
    return ((uint64_t)bytes[0] << 8) + sum_words(bytes + 1, length - 1);
}

uint32_t pe_checksum_finish(uint64_t sum, uint64_t file_length)
{
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint32_t)(sum + file_length);
}
