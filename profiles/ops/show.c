/* SPDX-License-Identifier: Apache-2.0 */
/* signet profile show: what holds, with what `use` gives and the defaults. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
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

static json_t *scalar_of(const struct schema_key *k, const struct profile *p, size_t index)
{
    char *value = schema_value(k, p, index);
    json_t *json = value == NULL               ? json_null()
                   : k->type == SCHEMA_INTEGER ? json_integer(strtoll(value, NULL, 10))
                   : k->type == SCHEMA_BOOLEAN ? json_boolean(strcmp(value, "true") == 0)
                                               : json_string(value);

    free(value);
    return json;
}

static json_t *value_of(const struct schema_key *k, const struct profile *p)
{
    const struct profile_list *list;
    json_t *items;

    if (!schema_is_list(k))
        return scalar_of(k, p, 0);
    list = schema_list(k, (struct profile *)(uintptr_t)p);
    items = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(items, scalar_of(k, p, i));
    return items;
}

/* "file", "use", "default"; NULL where there is no value. */
static const char *origin_of(const struct schema_key *k, const struct profile *p)
{
    if (p->place[k - schema_keys].line > 0)
        return "file";
    if (schema_is_default(k, p))
        return schema_is_number(k) && k->otherwise >= 0 ? "default" : NULL;
    return k->shared ? "use" : "default";
}

/* Nested as in the file: "limits.sessions" is in the map "limits". */
static void put(json_t *record, const char *name, json_t *value)
{
    const char *dot = strchr(name, '.');
    char map[64];
    json_t *inner;

    if (dot == NULL) {
        json_object_set_new(record, name, value);
        return;
    }
    snprintf(map, sizeof map, "%.*s", (int)(dot - name), name);
    if (json_object_get(record, map) == NULL)
        json_object_set_new(record, map, json_object());
    inner = json_object_get(record, map);
    json_object_set_new(inner, dot + 1, value);
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct profile *p = profile_load(op_text(a, "NAME"), NULL, e);
    json_t *record, *origins;

    if (p == NULL)
        return false;
    record = json_pack("{s:s}", "path", p->path);
    origins = json_object();
    for (size_t i = 0; i < schema_key_count; i++) {
        const char *origin = origin_of(&schema_keys[i], p);

        put(record, schema_keys[i].name, value_of(&schema_keys[i], p));
        json_object_set_new(origins, schema_keys[i].name,
                            origin == NULL ? json_null() : json_string(origin));
    }
    json_object_set_new(record, "origin", origins);
    op_emit(ctx, "profile", record);
    profile_free(&p);
    return true;
}

static const json_t *get(const json_t *record, const char *name)
{
    const char *dot = strchr(name, '.');
    char map[64];

    if (dot == NULL)
        return json_object_get(record, name);
    snprintf(map, sizeof map, "%.*s", (int)(dot - name), name);
    return json_object_get(json_object_get(record, map), dot + 1);
}

static void line(struct buffer *out, const char *name, const json_t *value, const char *note)
{
    buffer_printf(out, "%-28s ", name);
    if (json_is_integer(value))
        buffer_printf(out, "%lld", (long long)json_integer_value(value));
    else if (json_is_boolean(value))
        buffer_append_text(out, json_is_true(value) ? "true" : "false");
    else
        buffer_append_text(out, json_string_value(value));
    buffer_printf(out, "%s\n", note);
}

static void text(const char *kind, const json_t *r, unsigned width, bool colour, struct buffer *out)
{
    const json_t *origins = json_object_get(r, "origin");
    size_t index;
    json_t *item;

    (void)kind, (void)width, (void)colour;
    line(out, "path", json_object_get(r, "path"), "");
    for (size_t i = 0; i < schema_key_count; i++) {
        const char *name = schema_keys[i].name, *origin = op_string(origins, name);
        const json_t *value = get(r, name);
        char *note = strcmp(origin, "use") == 0       ? text_format("  (%s)", op_string(r, "use"))
                     : strcmp(origin, "default") == 0 ? text_format("  (default)")
                                                      : strdup("");

        if (json_is_array(value))
            json_array_foreach(value, index, item)
                line(out, index == 0 ? name : "", item, note == NULL || index > 0 ? "" : note);
        else if (!json_is_null(value))
            line(out, name, value, note == NULL ? "" : note);
        free(note);
    }
}

const struct op op_profile_show = {
    .verb = "profile show",
    .group = "Profiles",
    .summary = "show a profile with everything that holds for it",
    .description = "The values of the file, of the profile that it uses (its name stands behind "
                   "them), and the defaults. Paths are shown as they are found.",
    .effects = OP_READS,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
