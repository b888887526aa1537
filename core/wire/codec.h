/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How values stand in a message: integers big endian, bytes and text with a length of four bytes
 * before them. Writing appends to a struct buffer (ask buffer_ok once). Reading moves a cursor that
 * fails for good at the first value that does not fit, so that a reader may read a whole record and
 * ask wire_reader_done once.
 */
#ifndef SIGNET_WIRE_CODEC_H
#define SIGNET_WIRE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/secret.h"

void wire_put_u8(struct buffer *out, uint8_t value);
void wire_put_u32(struct buffer *out, uint32_t value);
void wire_put_u64(struct buffer *out, uint64_t value);
void wire_put_bytes(struct buffer *out, const void *bytes, size_t length); /* at most 4 GiB */
void wire_put_text(struct buffer *out, const char *text);         /* NULL is written as "" */
void wire_put_secret(struct buffer *out, const struct secret *s); /* or its absence: NULL */

struct wire_reader {
    const uint8_t *at;
    size_t left;
    bool failed; /* sticky */
};

struct wire_reader wire_reader_of(const void *bytes, size_t length);

/* Each gives 0, or empty, once the reader has failed. */
uint8_t wire_get_u8(struct wire_reader *r);
uint32_t wire_get_u32(struct wire_reader *r);
uint64_t wire_get_u64(struct wire_reader *r);

/* Points into the message; *length is set. */
const uint8_t *wire_get_bytes(struct wire_reader *r, size_t *length);

/* Fills exactly `size` bytes; fails when the message holds another length. */
void wire_get_exact(struct wire_reader *r, void *out, size_t size);

/* New string, freed by the caller with free(); "" stays "". NULL after a failure; a NUL inside
 * fails. */
char *wire_get_text(struct wire_reader *r);

/* A copy, freed by the caller with free(); NULL when there are no bytes. */
uint8_t *wire_get_copy(struct wire_reader *r, size_t *length);

/* Straight into locked memory, freed by the caller with secret_free; NULL for none. */
struct secret *wire_get_secret(struct wire_reader *r);

/* A text into a field of `size` bytes, terminated; fails when it is too long or holds a NUL. */
void wire_get_field(struct wire_reader *r, char *out, size_t size);

/* Written as wire_put_u8; fails for anything but 0 and 1. */
bool wire_get_bool(struct wire_reader *r);

/* A count of records that follow, each at least `least` bytes long; fails when they cannot be in
 * what is left. */
size_t wire_get_count(struct wire_reader *r, size_t least);

/* True when nothing failed and nothing is left; else ERROR_HOST. */
bool wire_reader_done(const struct wire_reader *r, struct error *e);

#endif
