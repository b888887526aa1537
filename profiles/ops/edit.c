/* SPDX-License-Identifier: Apache-2.0 */
/* signet profile edit: on a copy that takes the profile's place only when it is valid, as visudo
 * does. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/text.h"
#include "profiles/ops.h"
#include "profiles/profile.h"

enum { PROFILE_MAX = 1 << 20 };

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
    return ctx->outside->ask(ctx->data, OP_ASK_TEXT,
                             "What now? e: edit again, x: leave it as it was", NULL, answer,
                             sizeof answer) &&
           answer[0] == 'e';
}

/* The copy stands beside the profile, so that relative paths and messages are the same. */
static bool edit_copy(struct op_ctx *ctx, const char *path, const char *copy, struct error *e)
{
    for (;;) {
        struct profile_problems problems = {0};
        struct buffer text = BUFFER_INIT;
        struct profile *p = NULL;
        bool read = run_editor(copy, e) && path_read_file(copy, PROFILE_MAX, &text, e), once_more;
        struct stat status;

        if (read)
            p = profile_parse(path, text.data, text.length, &problems, e);
        if (p != NULL) {
            mode_t mode = stat(path, &status) == 0 ? status.st_mode & 0777 : 0644;

            read = path_write_file(path, text.data, text.length, mode, e);
        }
        once_more = read && p == NULL && again(ctx, &problems);
        buffer_free(&text);
        profile_problems_free(&problems);
        if (once_more)
            continue;
        read = read && p != NULL;
        profile_free(&p);
        return read;
    }
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    char *path = profile_find(op_text(a, "NAME"), e);
    char *copy = path == NULL ? NULL : text_format("%s.edit-%d", path, (int)getpid());
    struct buffer text = BUFFER_INIT;
    bool done = false;

    if (copy != NULL && path_read_file(path, PROFILE_MAX, &text, e) &&
        path_write_file(copy, text.data, text.length, 0600, e)) {
        done = edit_copy(ctx, path, copy, e);
        unlink(copy);
    }
    if (done)
        op_emit(ctx, "edited", json_pack("{s:s}", "path", path));
    buffer_free(&text);
    free(copy);
    free(path);
    return done;
}

const struct op op_profile_edit = {
    .verb = "profile edit",
    .group = "Profiles",
    .summary = "edit a profile; a change is taken only when it is valid",
    .effects = OP_WRITES | OP_TERMINAL,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
};
