/* SPDX-License-Identifier: Apache-2.0 */
/* Records as text for people: small helpers of the renderers. */
#ifndef SIGNET_OP_TEXT_H
#define SIGNET_OP_TEXT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buffer.h"

/* The string at `key`, or "" . */
const char *op_string(const json_t *record, const char *key);
bool op_true(const json_t *record, const char *key);
json_int_t op_number(const json_t *record, const char *key, json_int_t otherwise);

/* "  name        value" with the value from column 22 on; nothing when the value is empty. */
void op_line(struct buffer *out, const char *name, const char *value);

/* Appends `text` and a line end, broken between words so that no line is longer than `width`; from
 * `column` on, where the next lines begin, too. */
void op_wrap(struct buffer *out, const char *text, size_t column, size_t width);

/* Such a line of words, broken for `width` columns; what is there to be copied goes by op_line. */
void op_prose(struct buffer *out, const char *name, const char *text, unsigned width);

/* The value of `key` whatever its type, on such a line; booleans as yes and no. */
void op_field(struct buffer *out, const json_t *record, const char *name, const char *key);

/* "412 days left", "expired 3 days ago". */
void op_days(struct buffer *out, json_int_t days);

/* The keys of an object whose value is true, comma separated. */
void op_true_keys(struct buffer *out, const json_t *object);

/* Any record, "key: value" a line: what is printed where an operation has no renderer. */
void op_plain(const json_t *record, unsigned indent, struct buffer *out);

#endif
