/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles: found, checked, copied, deleted. The form is in profile_form.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "op/text.h"
#include "profiles/profile.h"
#include "profiles/schema.h"
#include "tui/command/command.h"
#include "tui/command/profile_form.h"
#include "tui/jobs.h"

const json_t *command_profile_here(const struct console *c)
{
    const json_t *profile = console_profile(c), *token = console_token(c);

    return profile != NULL ? profile : token == NULL ? NULL : store_profile_of(&c->store, token);
}

/* Its path, or a word about why there is none. */
static const char *path_here(struct console *c, const char *what)
{
    const json_t *profile = command_profile_here(c);

    if (profile != NULL)
        return op_string(profile, "path");
    console_say(c, STYLE_WARN, "%s: there is no profile for this yet; p makes one", what);
    return NULL;
}

void command_profile_check(struct console *c)
{
    const char *path = path_here(c, "check");

    if (path != NULL)
        jobs_run(c, "check", NULL, &path, 1);
}

void command_profile_trial(struct console *c)
{
    const char *path = path_here(c, "trial");
    const char *words[] = {path, "--trial"};

    if (path != NULL)
        jobs_run(c, "check", NULL, words, 2);
}

void command_pin_store(struct console *c)
{
    const char *path = path_here(c, "build PIN");

    if (path != NULL)
        jobs_run(c, "pin store", NULL, &path, 1);
}

void command_profile_edit(struct console *c)
{
    const char *path = path_here(c, "edit");

    if (path != NULL)
        profile_form_edit(c, path);
}

void command_profile_new(struct console *c)
{
    if (console_token(c) == NULL)
        console_say(c, STYLE_WARN, "new profile: go to the token, key or certificate first");
    else
        profile_form_new(c);
}

static void duplicate(struct console *c, const char *data, const char *answer)
{
    const char *slash = strrchr(data, '/');
    char *to = answer == NULL || slash == NULL
                   ? NULL
                   : text_format("%.*s/%s.yaml", (int)(slash - data), data, answer);
    struct profile *rules = profile_new(NULL);
    struct error e = ERROR_INIT;
    char why[200] = "";

    if (to != NULL && rules != NULL &&
        !schema_set(schema_find("name"), rules, answer, why, sizeof why))
        console_say(c, STYLE_BAD, "the name of a profile should be %s", why);
    else if (to != NULL && profile_copy(data, to, answer, &e))
        console_say(c, STYLE_GOOD, "saved as '%s'; o edits it", to);
    else if (to != NULL)
        console_say(c, STYLE_BAD, "%s", e.text);
    jobs_read_profiles(c);
    profile_free(&rules);
    free(to);
}

void command_profile_duplicate(struct console *c)
{
    console_open(c, ask_text("Name of the copy", NULL, false, duplicate,
                             op_string(console_profile(c), "path")));
}

static void delete_profile(struct console *c, const char *data, const char *answer)
{
    if (answer != NULL && unlink(data) == 0)
        console_say(c, STYLE_GOOD, "deleted '%s'", data);
    else if (answer != NULL)
        console_say(c, STYLE_BAD, "cannot delete '%s': %m", data);
    jobs_read_profiles(c);
}

void command_profile_delete(struct console *c)
{
    const char *path = op_string(console_profile(c), "path");
    char *text = text_format("Delete the profile '%s'? Builds that name it fail from then on. Key "
                             "and certificate stay on the token.",
                             path);

    if (text != NULL)
        console_open(c, ask_yes_no(text, delete_profile, path));
    free(text);
}

void command_copy_line(struct console *c)
{
    const char *path = path_here(c, "build line");
    const json_t *profile = command_profile_here(c);
    char *name = path == NULL ? NULL : text_shell_quote(op_string(profile, "name"));
    char *line = name == NULL ? NULL : text_format("signet-batch sign %s -- FILE...", name);

    if (line != NULL)
        command_copy_text(c, "the build line", line);
    free(name);
    free(line);
}
