/* SPDX-License-Identifier: Apache-2.0 */
/* signet profile show: what holds, with what `use` gives and the defaults. */
#include <stdlib.h>

#include "op/text.h"
#include "profiles/ops.h"
#include "profiles/profile.h"
#include "profiles/schema.h"

static const struct op_arg args[] = {
    {.name = "NAME",
     .type = OP_PROFILE,
     .positional = true,
     .required = true,
     .help = "name or path of a profile"},
};

static json_t *value_of(const struct schema_key *k, const struct profile *p)
{
    json_t *list;
    char *value;

    if (!schema_is_list(k)) {
        value = schema_value(k, p, 0);
        if (value == NULL)
            return json_null();
        list = json_string(value);
        free(value);
        return list;
    }
    list = json_array();
    for (size_t i = 0; (value = schema_value(k, p, i)) != NULL; i++) {
        json_array_append_new(list, json_string(value));
        free(value);
    }
    return list;
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct profile *p = profile_load(op_text(a, "NAME"), NULL, e);
    json_t *record;

    if (p == NULL)
        return false;
    record = json_pack("{s:s}", "path", p->path);
    for (size_t i = 0; i < schema_key_count; i++)
        json_object_set_new(record, schema_keys[i].name, value_of(&schema_keys[i], p));
    op_emit(ctx, "profile", record);
    profile_free(&p);
    return true;
}

static void text(const char *kind, const json_t *r, unsigned width, bool colour, struct buffer *out)
{
    const char *key;
    json_t *value, *item;
    size_t index;

    (void)kind, (void)width, (void)colour;
    json_object_foreach((json_t *)(uintptr_t)r, key, value)
    {
        if (json_is_string(value))
            buffer_printf(out, "%-28s %s\n", key, json_string_value(value));
        json_array_foreach(value, index, item)
            buffer_printf(out, "%-28s %s\n", index == 0 ? key : "", json_string_value(item));
    }
}

const struct op op_profile_show = {
    .verb = "profile show",
    .group = "Profiles",
    .summary = "show a profile with everything that holds for it",
    .effects = OP_READS,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
