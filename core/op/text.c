/* SPDX-License-Identifier: Apache-2.0 */
#include "op/text.h"

#include <stdlib.h>
#include <string.h>

enum { VALUE_COLUMN = 22 };

const char *op_string(const json_t *record, const char *key)
{
    const char *text = json_string_value(json_object_get(record, key));

    return text == NULL ? "" : text;
}

bool op_true(const json_t *record, const char *key)
{
    return json_is_true(json_object_get(record, key));
}

json_int_t op_number(const json_t *record, const char *key, json_int_t otherwise)
{
    const json_t *value = json_object_get(record, key);

    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

void op_line(struct buffer *out, const char *name, const char *value)
{
    if (value != NULL && *value != '\0')
        buffer_printf(out, "  %-19s %s\n", name, value);
}

void op_wrap(struct buffer *out, const char *text, size_t column, size_t width)
{
    size_t at = column;

    while (*text != '\0') {
        size_t length = strcspn(text, " \n");

        if (at > column && at + 1 + length > width) {
            buffer_printf(out, "\n%*s", (int)column, "");
            at = column;
        } else if (at > column) {
            buffer_append_byte(out, ' ');
            at++;
        }
        buffer_append(out, text, length);
        at += length;
        text += length;
        if (*text == '\n') {
            buffer_printf(out, "\n%*s", text[1] == '\0' || text[1] == '\n' ? 0 : (int)column, "");
            at = column;
        }
        text += *text != '\0';
    }
    buffer_append_byte(out, '\n');
}

void op_prose(struct buffer *out, const char *name, const char *text, unsigned width)
{
    if (text == NULL || *text == '\0')
        return;
    buffer_printf(out, "  %-19s ", name);
    op_wrap(out, text, VALUE_COLUMN, width > VALUE_COLUMN ? width - 1 : VALUE_COLUMN);
}

static void append_value(struct buffer *out, const json_t *value)
{
    if (json_is_string(value))
        buffer_append_text(out, json_string_value(value));
    else if (json_is_integer(value))
        buffer_printf(out, "%lld", (long long)json_integer_value(value));
    else if (json_is_boolean(value))
        buffer_append_text(out, json_is_true(value) ? "yes" : "no");
}

void op_field(struct buffer *out, const json_t *record, const char *name, const char *key)
{
    struct buffer value = BUFFER_INIT;

    append_value(&value, json_object_get(record, key));
    if (value.length > 0)
        op_line(out, name, buffer_text(&value));
    buffer_free(&value);
}

void op_days(struct buffer *out, json_int_t days)
{
    long long n = days < 0 ? -days : days;

    buffer_printf(out, days < 0 ? "expired %lld day%s ago" : "%lld day%s left", n,
                  n == 1 ? "" : "s");
}

void op_true_keys(struct buffer *out, const json_t *object)
{
    const char *key;
    json_t *value;
    bool first = true;

    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (!json_is_true(value))
            continue;
        buffer_printf(out, "%s%s", first ? "" : ", ", key);
        first = false;
    }
}

void op_plain(const json_t *record, unsigned indent, struct buffer *out)
{
    const char *key;
    json_t *value;
    size_t index;

    json_object_foreach((json_t *)(uintptr_t)record, key, value)
    {
        buffer_printf(out, "%*s%s:", (int)indent, "", key);
        if (json_is_object(value)) {
            buffer_append_byte(out, '\n');
            op_plain(value, indent + 2, out);
        } else if (json_is_array(value)) {
            json_t *item;

            buffer_append_byte(out, '\n');
            json_array_foreach(value, index, item)
            {
                buffer_printf(out, "%*s- ", (int)indent, "");
                append_value(out, item);
                buffer_append_byte(out, '\n');
                if (json_is_object(item))
                    op_plain(item, indent + 2, out);
            }
        } else {
            buffer_append_byte(out, ' ');
            append_value(out, value);
            buffer_append_byte(out, '\n');
        }
    }
}
