/* SPDX-License-Identifier: Apache-2.0 */
/* Text from tokens, files and servers is not trusted: it is shown through these functions alone. */
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The length of the well-formed UTF-8 sequence at `at` and its code point; 0 where there is none
 * (RFC 3629 section 4: no overlong forms, no surrogates, nothing above U+10FFFF). */
static size_t decode(const uint8_t *at, size_t left, uint32_t *point)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = at[0] < 0x80   ? 1
                    : at[0] < 0xc2 ? 0
                    : at[0] < 0xe0 ? 2
                    : at[0] < 0xf0 ? 3
                    : at[0] < 0xf5 ? 4
                                   : 0;
    uint32_t value = length < 2 ? at[0] : at[0] & (0x7fu >> length);

    if (length == 0 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (at[i] & 0x3fu);
    }
    if (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *point = value;
    return length;
}

/* Characters that move the cursor, hide or reorder what stands beside them. */
static bool harmful(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0x061c || point == 0x200e ||
           point == 0x200f || (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2066 && point <= 0x2069) || point == 0xfeff;
}

void text_append_printable(struct buffer *out, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;

    while (length > 0) {
        uint32_t point = 0;
        size_t size = decode(at, length, &point);

        if (size > 0 && !harmful(point)) {
            buffer_append(out, at, size);
        } else {
            size = size == 0 ? 1 : size;
            for (size_t i = 0; i < size; i++)
                buffer_printf(out, "\\x%02X", at[i]);
        }
        at += size;
        length -= size;
    }
}

char *text_printable(const void *bytes, size_t length)
{
    struct buffer out = BUFFER_INIT;

    text_append_printable(&out, bytes, length);
    return buffer_take(&out);
}

void text_make_printable(char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        uint32_t point = 0;
        size_t size = decode((const uint8_t *)text, left, &point);

        if (size == 0 || harmful(point)) {
            size = size == 0 ? 1 : size;
            memset(text, '?', size);
        }
        text += size;
        left -= size;
    }
}

char *text_padded(const void *field, size_t size)
{
    const char *text = field;
    const char *end = memchr(text, '\0', size);
    size_t length = end == NULL ? size : (size_t)(end - text);

    while (length > 0 && text[length - 1] == ' ')
        length--;
    return text_printable(text, length);
}

void text_append_hex(struct buffer *out, const void *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *at = bytes;

    for (size_t i = 0; i < length; i++) {
        buffer_append_byte(out, (uint8_t)digits[at[i] >> 4]);
        buffer_append_byte(out, (uint8_t)digits[at[i] & 15]);
    }
}

char *text_hex(const void *bytes, size_t length)
{
    struct buffer out = BUFFER_INIT;

    text_append_hex(&out, bytes, length);
    return buffer_take(&out);
}

int text_hex_digit(int digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

bool text_unhex(const char *text, uint8_t *bytes, size_t capacity, size_t *length)
{
    size_t count = 0;

    while (*text != '\0') {
        int high, low;

        if (count > 0 && (*text == ':' || *text == ' ')) {
            text++;
            continue;
        }
        high = text_hex_digit(text[0]);
        low = high < 0 ? -1 : text_hex_digit(text[1]);
        if (low < 0 || count == capacity)
            return false;
        bytes[count++] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    *length = count;
    return true;
}

bool text_is_utf8(const void *bytes, size_t length)
{
    const uint8_t *at = bytes;

    while (length > 0) {
        uint32_t point = 0;
        size_t size = decode(at, length, &point);

        if (size == 0 || point == 0)
            return false;
        at += size;
        length -= size;
    }
    return true;
}

static unsigned least_of(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: Levenshtein's edits, and a swap of neighbours. */
unsigned text_distance(const char *a, const char *b)
{
    enum { LONGEST = 64 };
    unsigned rows[3][LONGEST + 1];
    unsigned *before = rows[0], *last = rows[1], *row = rows[2];
    size_t a_length = strnlen(a, LONGEST), b_length = strnlen(b, LONGEST);

    for (size_t j = 0; j <= b_length; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= a_length; i++) {
        unsigned *spare = before;

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            unsigned change = last[j - 1] + (a[i - 1] != b[j - 1]);

            row[j] = least_of(change, least_of(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least_of(row[j], before[j - 2] + 1);
        }
        before = last;
        last = row;
        row = spare;
    }
    return last[b_length];
}

const char *text_nearest(const char *word, const char *const *words, size_t count)
{
    const char *nearest = NULL;
    unsigned best = (unsigned)strnlen(word, 64) / 3 + 1;

    for (size_t i = 0; i < count; i++) {
        unsigned distance = text_distance(word, words[i]);

        if (distance <= best && (nearest == NULL || distance < best)) {
            nearest = words[i];
            best = distance;
        }
    }
    return nearest;
}

char *text_format(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    int length;

    va_start(args, format);
    length = vasprintf(&text, format, args);
    va_end(args);
    return length < 0 ? NULL : text;
}

char *text_shell_quote(const char *text)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
    struct buffer out = BUFFER_INIT;

    if (*text != '\0' && text[strspn(text, plain)] == '\0')
        return strdup(text);
    buffer_append_byte(&out, '\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            buffer_append_text(&out, "'\\''");
        else
            buffer_append_byte(&out, (uint8_t)*text);
    }
    buffer_append_byte(&out, '\'');
    return buffer_take(&out);
}
