/* SPDX-License-Identifier: Apache-2.0 */
/* signet profile check: every mistake of a file, without looking at a token. */
#include "op/text.h"
#include "profiles/ops.h"
#include "profiles/profile.h"

static const struct op_arg args[] = {
    {.name = "NAME",
     .type = OP_PROFILE,
     .positional = true,
     .required = true,
     .repeatable = true,
     .help = "names or paths of profiles"},
};

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    json_t *list = json_array();
    size_t bad = 0, count = op_count(a, "NAME");

    for (size_t i = 0; i < count; i++) {
        const char *name = op_text_at(a, "NAME", i);
        struct profile_problems problems = {0};
        struct error one = ERROR_INIT;
        struct profile *p = profile_load(name, &problems, &one);
        json_t *lines = json_array();

        for (size_t j = 0; j < problems.count; j++)
            json_array_append_new(lines, json_string(problems.line[j]));
        if (p == NULL && problems.count == 0)
            json_array_append_new(lines, json_string(one.text));
        bad += p == NULL;
        json_array_append_new(list, json_pack("{s:s, s:b, s:o}", "profile", name, "valid",
                                              p != NULL, "problems", lines));
        profile_problems_free(&problems);
        profile_free(&p);
    }
    op_emit(ctx, "check", json_pack("{s:o}", "profiles", list));
    return bad == 0 || error_set(e, ERROR_PROFILE, "%zu of %zu profiles are not valid", bad, count);
}

static void text(const char *kind, const json_t *r, unsigned width, bool colour, struct buffer *out)
{
    size_t i, j;
    json_t *p, *line;

    (void)kind, (void)width, (void)colour;
    json_array_foreach(json_object_get(r, "profiles"), i, p)
    {
        json_array_foreach(json_object_get(p, "problems"), j, line)
            buffer_printf(out, "%s\n", json_string_value(line));
        if (op_true(p, "valid"))
            buffer_printf(out, "%s: valid\n", op_string(p, "profile"));
    }
}

const struct op op_profile_check = {
    .verb = "profile check",
    .group = "Profiles",
    .summary = "name every mistake in profiles, by line and column",
    .description = "Looks at the file, and at what it uses; not at a token. signet-batch check "
                   "looks at token, key and certificate too.",
    .effects = OP_READS,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
