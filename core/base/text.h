/* SPDX-License-Identifier: Apache-2.0 */
/* Text from outside made safe to show, hex, and small comparisons. */
#ifndef SIGNET_BASE_TEXT_H
#define SIGNET_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

/* Appends `length` bytes so that no terminal can be harmed: valid UTF-8 stays, control characters
 * (C0, DEL, C1, U+2028, U+2029 and the bidirectional controls) and invalid bytes become \xNN, one
 * per byte. */
void text_append_printable(struct buffer *out, const void *bytes, size_t length);

/* The same as a new string, freed by the caller with free(); NULL when memory ran out. */
char *text_printable(const void *bytes, size_t length);

/* In place and in the same length: what text_append_printable would escape becomes '?', one per
 * byte. For lines of a fixed size. */
void text_make_printable(char *text);

/* A fixed field of PKCS#11 (blank or NUL padded, not terminated; PKCS#11 3.0 base section 3.2):
 * trailing padding dropped, printable. New string, freed by the caller. */
char *text_padded(const void *field, size_t size);

/* Lower-case hex, two digits a byte, appended. */
void text_append_hex(struct buffer *out, const void *bytes, size_t length);

/* New string of lower-case hex, freed by the caller; NULL when memory ran out. */
char *text_hex(const void *bytes, size_t length);

/* The value of a hex digit, 0 to 15; -1: it is none. */
int text_hex_digit(int digit);

/* Reads hex digits, with optional ':' or blanks between bytes. False when `text` has anything else,
 * an odd count of digits, or more than `capacity` bytes. */
bool text_unhex(const char *text, uint8_t *bytes, size_t capacity, size_t *length);

/* True when `length` bytes are well-formed UTF-8 (RFC 3629), without NUL. */
bool text_is_utf8(const void *bytes, size_t length);

/* Edits (insert, drop, change, swap) between two short words; for "did you mean". At most 64
 * characters are looked at. */
unsigned text_distance(const char *a, const char *b);

/* The nearest of `count` words to `word`, or NULL when none is near enough to be meant. */
const char *text_nearest(const char *word, const char *const *words, size_t count);

/* strdup with printf; freed by the caller; NULL when memory ran out. */
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* `text` quoted for a POSIX shell: unchanged where nothing needs quoting. New string, freed by the
 * caller. */
char *text_shell_quote(const char *text);

#endif
