/* SPDX-License-Identifier: Apache-2.0 */
/* signet profile edit: on a copy that takes the profile's place only when it is valid, as visudo
 * does. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "base/text.h"
#include "op/text.h"
#include "profiles/ops.h"
#include "profiles/profile.h"

static const struct op_arg args[] = {
    {.name = "NAME",
     .type = OP_PROFILE,
     .positional = true,
     .required = true,
     .help = "name or path of a profile"},
};

/* $EDITOR may be a command with options, so a shell runs it, as it does for every program that has
 * editors. */
static bool run_editor(const char *copy, struct error *e)
{
    const char *editor = getenv("VISUAL");
    char *quoted = text_shell_quote(copy), *command;
    int status = -1;

    if (editor == NULL || *editor == '\0')
        editor = getenv("EDITOR");
    if (editor == NULL || *editor == '\0')
        editor = "vi";
    command = quoted == NULL ? NULL : text_format("%s %s", editor, quoted);
    if (command != NULL)
        status = system(command);
    free(command);
    free(quoted);
    if (status == 0)
        return true;
    return error_set(e, ERROR_SYSTEM, "the editor '%s' failed; the profile stays as it was",
                     editor);
}

/* What now? True: edit once more. */
static bool again(struct op_ctx *ctx, const struct profile_problems *problems)
{
    char answer[16] = "";

    for (size_t i = 0; i < problems->count; i++)
        op_tell(ctx, "%s", problems->line[i]);
    do {
        if (!ctx->outside->ask(ctx->data, OP_ASK_TEXT,
                               "What now? e: edit again, x: leave the profile as it was", NULL,
                               answer, sizeof answer))
            return false;
    } while (strcmp(answer, "e") != 0 && strcmp(answer, "x") != 0);
    return answer[0] == 'e';
}

static bool same_bytes(const struct buffer *a, const struct buffer *b)
{
    return a->length == b->length && (a->length == 0 || memcmp(a->data, b->data, a->length) == 0);
}

/* Takes the profile's place, unless that changed meanwhile. */
static bool take_place(const char *path, const struct buffer *old, const struct buffer *text,
                       struct error *e)
{
    struct buffer now = BUFFER_INIT;
    bool taken = path_read_file(path, PROFILE_MAX, &now, e);

    if (taken && !same_bytes(&now, old))
        taken = error_set(e, ERROR_PROFILE, "'%s' was changed by someone else meanwhile", path);
    taken = taken && profile_replace_text(path, text, e);
    buffer_free(&now);
    return taken;
}

/* Until the copy is valid, or the person has enough of it. */
static bool edit_copy(struct op_ctx *ctx, const char *path, const char *copy,
                      const struct buffer *old, struct buffer *text, struct error *e)
{
    bool valid = false, once_more = true;

    while (!valid && once_more) {
        struct profile_problems problems = {0};
        struct profile *p;

        buffer_free(text);
        if (!run_editor(copy, e) || !path_read_file(copy, PROFILE_MAX, text, e))
            return false;
        if (same_bytes(old, text))
            return true;
        p = profile_load_text(path, text->data, text->length, &problems, e);
        valid = p != NULL;
        once_more = !valid && again(ctx, &problems);
        profile_problems_free(&problems);
        profile_free(&p);
    }
    if (!valid)
        return error_set(e, ERROR_PROFILE, "'%s' stays as it was", path);
    return take_place(path, old, text, e);
}

/* Beside the profile, hidden, so that the editor knows the kind of file and `list` does not. */
static char *name_copy(const char *path, struct error *e)
{
    char *folder = path_parent(path, e), *copy;

    if (folder == NULL)
        return NULL;
    copy = text_format("%s/.edit-%d.yaml", folder, (int)getpid());
    free(folder);
    if (copy == NULL)
        error_set_memory(e);
    return copy;
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    char *path = profile_find(op_text(a, "NAME"), e);
    char *copy = path == NULL ? NULL : name_copy(path, e);
    struct buffer old = BUFFER_INIT, text = BUFFER_INIT;
    bool done = false;

    if (copy != NULL && path_others_cannot_write(path, ERROR_PROFILE, e) &&
        path_read_file(path, PROFILE_MAX, &old, e) &&
        path_write_file(copy, old.data, old.length, 0600, e)) {
        done = edit_copy(ctx, path, copy, &old, &text, e);
        unlink(copy);
    }
    if (done)
        op_emit(ctx, "edited",
                json_pack("{s:s, s:b}", "path", path, "changed", !same_bytes(&old, &text)));
    buffer_free(&old);
    buffer_free(&text);
    free(copy);
    free(path);
    return done;
}

static void show(const char *kind, const json_t *r, unsigned width, bool colour, struct buffer *out)
{
    (void)kind, (void)width, (void)colour;
    buffer_printf(out, "%s %s\n", op_true(r, "changed") ? "Changed" : "No change to",
                  op_string(r, "path"));
}

const struct op op_profile_edit = {
    .verb = "profile edit",
    .group = "Profiles",
    .summary = "edit a profile; a change is taken only when it is valid",
    .description = "Runs $VISUAL, $EDITOR or vi on a copy. When the copy has mistakes they are "
                   "named, and the choice is to edit again or to leave the profile as it was.",
    .effects = OP_WRITES | OP_TERMINAL,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = show,
};
