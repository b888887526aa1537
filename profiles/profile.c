/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles as values: made, freed, written. */
#include "profiles/profile.h"

#include <stdlib.h>
#include <string.h>

#include "profiles/quote.h"
#include "profiles/schema.h"

void profile_list_free(struct profile_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->item[i]);
    free(l->item);
    *l = (struct profile_list){0};
}

struct profile *profile_new(struct error *e)
{
    struct profile *p = calloc(1, sizeof *p);

    if (p == NULL) {
        error_set_memory(e);
        return NULL;
    }
    for (size_t i = 0; i < schema_key_count; i++)
        if (schema_is_number(&schema_keys[i]))
            *schema_number(&schema_keys[i], p) = schema_keys[i].otherwise;
    return p;
}

void profile_free(struct profile **profile)
{
    struct profile *p = *profile;

    if (p == NULL)
        return;
    for (size_t i = 0; i < schema_key_count; i++) {
        const struct schema_key *k = &schema_keys[i];

        if (schema_is_list(k))
            profile_list_free(schema_list(k, p));
        else if (!schema_is_number(k))
            free(*schema_text(k, p));
    }
    free(p->place);
    free(p->path);
    free(p);
    *profile = NULL;
}

static void write_key(struct buffer *out, const struct schema_key *k, const struct profile *p,
                      const char *name)
{
    char *value;

    buffer_printf(out, "%s: ", name);
    if (schema_is_list(k))
        buffer_append_byte(out, '[');
    for (size_t i = 0; (value = schema_value(k, p, i)) != NULL; i++) {
        if (i > 0)
            buffer_append_text(out, ", ");
        if (schema_is_number(k))
            buffer_append_text(out, value);
        else
            quote_yaml(out, value, schema_is_list(k));
        free(value);
    }
    buffer_append_text(out, schema_is_list(k) ? "]\n" : "\n");
}

/* Keys of one map stand side by side in the table. */
bool profile_write(const struct profile *p, struct buffer *out, struct error *e)
{
    char map[64] = "";

    for (size_t i = 0; i < schema_key_count; i++) {
        const struct schema_key *k = &schema_keys[i];
        const char *dot = strchr(k->name, '.');

        if (schema_is_default(k, p) && i > 0)
            continue;
        if (dot == NULL) {
            if (i == 0)
                buffer_append_text(out, "signet: 1\n");
            else
                write_key(out, k, p, k->name);
            continue;
        }
        if (strncmp(map, k->name, (size_t)(dot - k->name) + 1) != 0) {
            size_t length = (size_t)(dot - k->name);

            memcpy(map, k->name, length + 1);
            map[length + 1] = '\0';
            buffer_printf(out, "%.*s:\n", (int)length, k->name);
        }
        buffer_append_text(out, "  ");
        write_key(out, k, p, dot + 1);
    }
    return buffer_ok(out, e);
}
