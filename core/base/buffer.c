/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that grow. Old memory is wiped when it moves, since a buffer may carry a PIN to a host. */
#include "base/buffer.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SMALLEST = 64 };

static bool grow(struct buffer *b, size_t capacity)
{
    uint8_t *data = malloc(capacity);

    if (data == NULL)
        return false;
    if (b->length > 0)
        memcpy(data, b->data, b->length);
    if (b->data != NULL) {
        OPENSSL_cleanse(b->data, b->capacity);
        free(b->data);
    }
    b->data = data;
    b->capacity = capacity;
    return true;
}

static bool reserve(struct buffer *b, size_t more)
{
    size_t capacity;

    if (b->failed)
        return false;
    if (more <= b->capacity - b->length)
        return true;
    if (more > SIZE_MAX / 2 - b->length)
        return !(b->failed = true);
    capacity = b->capacity < SMALLEST ? SMALLEST : b->capacity * 2;
    if (capacity < b->length + more)
        capacity = b->length + more;
    if (!grow(b, capacity))
        b->failed = true;
    return !b->failed;
}

uint8_t *buffer_extend(struct buffer *b, size_t length)
{
    if (!reserve(b, length == 0 ? 1 : length))
        return NULL;
    b->length += length;
    return b->data + b->length - length;
}

void buffer_append(struct buffer *b, const void *bytes, size_t length)
{
    uint8_t *room;

    if (length == 0)
        return;
    room = buffer_extend(b, length);
    if (room != NULL)
        memcpy(room, bytes, length);
}

void buffer_append_byte(struct buffer *b, uint8_t byte)
{
    buffer_append(b, &byte, 1);
}

void buffer_append_text(struct buffer *b, const char *text)
{
    buffer_append(b, text, strlen(text));
}

void buffer_printf(struct buffer *b, const char *format, ...)
{
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    /* One byte more than the text, for the NUL that vsnprintf insists on. */
    if (length < 0 || !reserve(b, (size_t)length + 1)) {
        b->failed = true;
        return;
    }
    va_start(args, format);
    vsnprintf((char *)b->data + b->length, (size_t)length + 1, format, args);
    va_end(args);
    b->length += (size_t)length;
}

bool buffer_ok(const struct buffer *b, struct error *e)
{
    return b->failed ? error_set_memory(e) : true;
}

const char *buffer_text(struct buffer *b)
{
    if (!reserve(b, 1))
        return NULL;
    b->data[b->length] = '\0';
    return (const char *)b->data;
}

char *buffer_take(struct buffer *b)
{
    char *text = NULL;

    if (buffer_text(b) != NULL) {
        text = (char *)b->data;
        *b = (struct buffer)BUFFER_INIT;
    }
    buffer_free(b);
    return text;
}

void buffer_reset(struct buffer *b)
{
    b->length = 0;
}

void buffer_free(struct buffer *b)
{
    if (b->data != NULL)
        OPENSSL_cleanse(b->data, b->capacity);
    free(b->data);
    *b = (struct buffer)BUFFER_INIT;
}
