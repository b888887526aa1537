/* SPDX-License-Identifier: Apache-2.0 */
/* signet profile list. */
#include <string.h>

#include "op/text.h"
#include "profiles/ops.h"
#include "profiles/profile.h"

static const struct op_arg args[] = {
    {.name = "names", .type = OP_FLAG, .help = "names alone, a line each"},
};

static json_t *entry(const char *name, const char *path)
{
    struct error e = ERROR_INIT;
    struct profile *p = profile_load(path, NULL, &e);
    json_t *record = json_pack("{s:s, s:s, s:b}", "name", name, "path", path, "valid", p != NULL);

    if (p != NULL && p->description != NULL)
        json_object_set_new(record, "description", json_string(p->description));
    if (p != NULL && p->key != NULL)
        json_object_set_new(record, "key", json_string(p->key));
    if (p != NULL && p->pin != NULL)
        json_object_set_new(record, "pin", json_string(p->pin));
    if (p == NULL)
        json_object_set_new(record, "error", json_string(e.text));
    profile_free(&p);
    return record;
}

/* By one of the same name that is found first: the user's goes before the machine's. */
static bool is_hidden(const struct profile_list *names, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(names->item[i], names->item[index]) == 0)
            return true;
    return false;
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct profile_list names, paths;
    json_t *list = json_array();

    if (!profile_all(&names, &paths, e)) {
        json_decref(list);
        return false;
    }
    for (size_t i = 0; i < names.count; i++) {
        json_t *record = entry(names.item[i], paths.item[i]);

        json_object_set_new(record, "hidden", json_boolean(is_hidden(&names, i)));
        json_array_append_new(list, record);
    }
    op_emit(ctx, op_flag(a, "names") ? "names" : "profiles", json_pack("{s:o}", "profiles", list));
    profile_list_free(&names);
    profile_list_free(&paths);
    return true;
}

static void text(const char *kind, const json_t *r, unsigned width, bool colour, struct buffer *out)
{
    bool names = kind[0] == 'n';
    size_t index;
    json_t *p;

    (void)width, (void)colour;
    json_array_foreach(json_object_get(r, "profiles"), index, p)
    {
        if (names && !op_true(p, "hidden"))
            buffer_printf(out, "%s\n", op_string(p, "name"));
        if (names)
            continue;
        buffer_printf(out, "%-16s %s\n", op_string(p, "name"),
                      op_true(p, "valid") ? op_string(p, "description") : op_string(p, "error"));
        buffer_printf(out, "%-16s %s%s\n", "", op_string(p, "path"),
                      op_true(p, "hidden") ? " (hidden by your own of this name)" : "");
    }
    if (!names && json_array_size(json_object_get(r, "profiles")) == 0)
        buffer_append_text(out, "No profiles yet; signet profile new NAME makes one.\n");
}

const struct op op_profile_list = {
    .verb = "profile list",
    .group = "Profiles",
    .summary = "list the profiles of this user and this machine",
    .effects = OP_READS,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
