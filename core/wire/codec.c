/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/codec.h"

#include <stdlib.h>
#include <string.h>

static void put_big_endian(struct buffer *out, uint64_t value, size_t size)
{
    uint8_t bytes[8];

    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> 8 * (size - 1 - i));
    buffer_append(out, bytes, size);
}

void wire_put_u8(struct buffer *out, uint8_t value)
{
    buffer_append_byte(out, value);
}

void wire_put_u32(struct buffer *out, uint32_t value)
{
    put_big_endian(out, value, 4);
}

void wire_put_u64(struct buffer *out, uint64_t value)
{
    put_big_endian(out, value, 8);
}

void wire_put_bytes(struct buffer *out, const void *bytes, size_t length)
{
    if (length > UINT32_MAX) {
        out->failed = true;
        return;
    }
    wire_put_u32(out, (uint32_t)length);
    buffer_append(out, bytes, length);
}

void wire_put_text(struct buffer *out, const char *text)
{
    wire_put_bytes(out, text, text == NULL ? 0 : strlen(text));
}

struct wire_reader wire_reader_of(const void *bytes, size_t length)
{
    return (struct wire_reader){.at = bytes, .left = length};
}

/* The next `size` bytes, or NULL and failed. */
static const uint8_t *take(struct wire_reader *r, size_t size)
{
    const uint8_t *bytes = r->at;

    if (r->failed || size > r->left) {
        r->failed = true;
        return NULL;
    }
    /* An empty message may have no memory at all, and NULL takes no arithmetic. */
    if (size > 0) {
        r->at += size;
        r->left -= size;
    }
    return bytes;
}

static uint64_t get_big_endian(struct wire_reader *r, size_t size)
{
    const uint8_t *bytes = take(r, size);
    uint64_t value = 0;

    for (size_t i = 0; bytes != NULL && i < size; i++)
        value = value << 8 | bytes[i];
    return value;
}

uint8_t wire_get_u8(struct wire_reader *r)
{
    return (uint8_t)get_big_endian(r, 1);
}

uint32_t wire_get_u32(struct wire_reader *r)
{
    return (uint32_t)get_big_endian(r, 4);
}

uint64_t wire_get_u64(struct wire_reader *r)
{
    return get_big_endian(r, 8);
}

const uint8_t *wire_get_bytes(struct wire_reader *r, size_t *length)
{
    size_t size = wire_get_u32(r);
    const uint8_t *bytes = take(r, size);

    *length = r->failed ? 0 : size;
    return bytes;
}

void wire_get_exact(struct wire_reader *r, void *out, size_t size)
{
    size_t length;
    const uint8_t *bytes = wire_get_bytes(r, &length);

    if (length != size)
        r->failed = true;
    if (r->failed)
        memset(out, 0, size);
    else
        memcpy(out, bytes, size);
}

char *wire_get_text(struct wire_reader *r)
{
    size_t length;
    const uint8_t *bytes = wire_get_bytes(r, &length);
    char *text;

    if (r->failed || (length > 0 && memchr(bytes, '\0', length) != NULL)) {
        r->failed = true;
        return NULL;
    }
    text = malloc(length + 1);
    if (text == NULL) {
        r->failed = true;
        return NULL;
    }
    if (length > 0)
        memcpy(text, bytes, length);
    text[length] = '\0';
    return text;
}

uint8_t *wire_get_copy(struct wire_reader *r, size_t *length)
{
    const uint8_t *bytes = wire_get_bytes(r, length);
    uint8_t *copy;

    if (*length == 0)
        return NULL;
    copy = malloc(*length);
    if (copy == NULL) {
        r->failed = true;
        *length = 0;
        return NULL;
    }
    memcpy(copy, bytes, *length);
    return copy;
}

void wire_get_field(struct wire_reader *r, char *out, size_t size)
{
    size_t length;
    const uint8_t *bytes = wire_get_bytes(r, &length);

    if (length >= size || (length > 0 && memchr(bytes, '\0', length) != NULL)) {
        r->failed = true;
        length = 0;
    }
    if (length > 0)
        memcpy(out, bytes, length);
    out[length] = '\0';
}

bool wire_get_bool(struct wire_reader *r)
{
    uint8_t value = wire_get_u8(r);

    if (value > 1)
        r->failed = true;
    return value == 1;
}

size_t wire_get_count(struct wire_reader *r, size_t least)
{
    size_t count = wire_get_u32(r);

    if (count > r->left / least) {
        r->failed = true;
        return 0;
    }
    return count;
}

void wire_put_secret(struct buffer *out, const struct secret *s)
{
    wire_put_u8(out, s != NULL);
    if (s != NULL)
        wire_put_bytes(out, secret_bytes(s), secret_length(s));
}

struct secret *wire_get_secret(struct wire_reader *r)
{
    struct secret *s = NULL;
    const uint8_t *bytes;
    size_t length;

    if (!wire_get_bool(r))
        return NULL;
    bytes = wire_get_bytes(r, &length);
    if (!r->failed)
        s = secret_new(bytes, length, NULL);
    if (s == NULL)
        r->failed = true;
    return s;
}

bool wire_reader_done(const struct wire_reader *r, struct error *e)
{
    if (!r->failed && r->left == 0)
        return true;
    return error_set(e, ERROR_HOST, "the token host sent a message that cannot be read");
}
