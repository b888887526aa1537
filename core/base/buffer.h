/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing run of bytes. Appending to a buffer that ran out of memory does nothing,
 * so that a caller may append many times and ask buffer_ok once.
 */
#ifndef SIGNET_BASE_BUFFER_H
#define SIGNET_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct buffer {
    uint8_t *data; /* NULL while empty */
    size_t length; /* bytes in use */
    size_t capacity;
    bool failed; /* memory ran out; sticky until buffer_free */
};

#define BUFFER_INIT                                                                                \
    {                                                                                              \
        NULL, 0, 0, false                                                                          \
    }

void buffer_append(struct buffer *b, const void *bytes, size_t length);
void buffer_append_byte(struct buffer *b, uint8_t byte);
void buffer_append_text(struct buffer *b, const char *text); /* without its NUL */
void buffer_printf(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Room for `length` more bytes, counted as in use, not set; NULL when memory ran out. */
uint8_t *buffer_extend(struct buffer *b, size_t length);

/* False, with ERROR_MEMORY, when any append failed. */
bool buffer_ok(const struct buffer *b, struct error *e);

/* Ends the bytes with a NUL that is not counted and returns them as text, still the
 * buffer's; NULL when memory ran out. */
const char *buffer_text(struct buffer *b);

/* Hands the bytes to the caller, who frees them with free(); NUL-terminated; the
 * buffer is empty afterwards. NULL when memory ran out. */
char *buffer_take(struct buffer *b);

/* Keeps the memory, forgets the bytes. */
void buffer_reset(struct buffer *b);

/* Wipes and frees; the buffer is as BUFFER_INIT afterwards. */
void buffer_free(struct buffer *b);

#endif
