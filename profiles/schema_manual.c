/* SPDX-License-Identifier: Apache-2.0 */
/* The keys as the manual page tells them. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "profiles/schema.h"

/* scdoc gives these a meaning. */
static void escaped(struct buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("_*\\<>#~", *text) != NULL)
            buffer_append_byte(out, '\\');
        buffer_append_byte(out, (uint8_t)*text);
    }
}

/* One end of a range, as it is written. */
static void append_end(struct buffer *out, const struct schema_key *k, int64_t value,
                       struct profile *scratch)
{
    char *text;

    *schema_number(k, scratch) = value;
    text = schema_value(k, scratch, 0);
    buffer_append_text(out, text == NULL ? "?" : text);
    free(text);
}

static void manual_range(const struct schema_key *k, struct profile *scratch, struct buffer *out)
{
    for (size_t i = 0; k->type == SCHEMA_CHOICE && k->choices[i] != NULL; i++)
        buffer_printf(out, "%s*%s*", i == 0 ? " One of " : ", ", k->choices[i]);
    if (k->type == SCHEMA_CHOICE)
        buffer_append_byte(out, '.');
    if ((k->type == SCHEMA_INTEGER || k->type == SCHEMA_DURATION) && k->minimum != k->maximum) {
        buffer_append_text(out, " From ");
        append_end(out, k, k->minimum, scratch);
        buffer_append_text(out, " to ");
        append_end(out, k, k->maximum, scratch);
        buffer_append_byte(out, '.');
    }
}

/* As it is written: a dotted name is a map. */
static void manual_example(const struct schema_key *k, struct buffer *out)
{
    const char *dot = strchr(k->name, '.');
    char *text = dot == NULL ? text_format("%s: %s", k->name, k->example)
                             : text_format("%.*s: {%s: %s}", (int)(dot - k->name), k->name, dot + 1,
                                           k->example);

    if (text != NULL)
        escaped(out, text);
    free(text);
}

void schema_manual(struct buffer *out)
{
    struct profile *defaults = profile_new(NULL);

    for (size_t i = 0; defaults != NULL && i < schema_key_count; i++) {
        const struct schema_key *k = &schema_keys[i];
        char *value = schema_is_number(k) ? schema_value(k, defaults, 0) : NULL;

        buffer_printf(out, "*%s*\n\t", k->name);
        escaped(out, k->help);
        manual_range(k, defaults, out);
        if (value != NULL)
            buffer_printf(out, " Default: %s.", value);
        if (k->shared)
            buffer_append_text(out, " Taken from *use* where absent.");
        buffer_append_text(out, "++\nExample: ");
        manual_example(k, out);
        buffer_append_text(out, "\n\n");
        free(value);
    }
    profile_free(&defaults);
}
