/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CheckSum of a PE image: a 16-bit one's-complement sum over the little-endian words of the
 * file, the field itself as zero, and the file's length added (Microsoft PE format, optional
 * header, CheckSum; as CheckSumMappedFile counts). It is additive, so parts may be counted in any
 * order, each with the offset that it stands at.
 */
#ifndef SIGNET_SIGN_PE_CHECKSUM_H
#define SIGNET_SIGN_PE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* What `length` bytes at `offset` add. Sums of a file below 4 GiB cannot overflow. */
uint64_t pe_checksum_of(const uint8_t *bytes, size_t length, uint64_t offset);

/* The field's value for the sum of all parts and the length of the file. */
uint32_t pe_checksum_finish(uint64_t sum, uint64_t file_length);

#endif
