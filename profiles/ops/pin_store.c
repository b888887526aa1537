/* SPDX-License-Identifier: Apache-2.0 */
/* signet pin store: the PIN for builds, proved by one login, in a file that only its owner reads.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "base/text.h"
#include "op/session.h"
#include "op/text.h"
#include "profiles/ops.h"
#include "profiles/ops/reach.h"
#include "profiles/profile.h"
#include "profiles/schema.h"

static const struct op_arg args[] = {
    {.name = "PROFILE",
     .type = OP_PROFILE,
     .positional = true,
     .required = true,
     .help = "the profile whose token it is for"},
    {.name = "file",
     .type = OP_PATH,
     .value = "FILE",
     .help = "where to keep it; without it, a file among the user's settings"},
};

/* The file's own name: two profiles may call themselves alike. */
static char *default_target(const struct profile *p, struct error *e)
{
    const char *slash = strrchr(p->path, '/'), *file = slash == NULL ? p->path : slash + 1;
    const char *ending = strrchr(file, '.');
    size_t length = ending == NULL || ending == file ? strlen(file) : (size_t)(ending - file);
    char *config = path_config_dir(e), *path;

    if (config == NULL)
        return NULL;
    path = text_format("%s/pins/%.*s.pin", config, (int)length, file);
    free(config);
    if (path == NULL)
        error_set_memory(e);
    return path;
}

/* Absolute: the profile stands elsewhere than the shell does. */
static char *target(const struct op_args *a, const struct profile *p, struct error *e)
{
    char folder[PATH_MAX];

    if (!op_given(a, "file"))
        return default_target(p, e);
    if (getcwd(folder, sizeof folder) == NULL) {
        error_set_errno(e, "cannot tell the current folder");
        return NULL;
    }
    return path_join(folder, op_text(a, "file"), e);
}

static bool log_in_and_store(const struct op_args *a, struct op_ctx *ctx, struct reach *r,
                             const char *path, struct error *e)
{
    struct gate_person person = op_person(ctx);
    struct pin_source *source = NULL;
    struct gate_request request;
    struct gate_session *session;
    struct host *host;
    bool stored = false;

    if (!op_gate_request(a, ctx, &r->inventory, r->token, &person, &source, &request, e))
        return false;
    host = op_take_host(&r->inventory, r->token);
    session = gate_open(&request, &host, e);
    if (session != NULL)
        stored = gate_store_pin(session, path, e);
    gate_close(&session);
    pin_source_free(&source);
    return stored;
}

/* A profile that has its token from another has its PIN from there, too: it is the machine's, and
 * not the repository's. */
static bool is_own(const struct profile *p, struct error *e)
{
    const struct profile_place *pin = &p->place[schema_find("pin") - schema_keys];

    return p->use == NULL || pin->line > 0 ||
           error_set(e, ERROR_USAGE, "'%s' has its PIN from '%s': signet pin store %s", p->name,
                     p->use, p->use);
}

/* Everything that can fail is looked at before the login; then the profile names the file. */
static bool store(const struct profile *p, const struct op_args *a, struct op_ctx *ctx,
                  const char *path, struct error *e)
{
    char *source = text_format("file:%s", path);
    struct profile_change change = {"pin", source};
    struct reach r = {0};
    bool done;

    if (source == NULL)
        return error_set_memory(e);
    done = op_may_replace(ctx, path, e) && profile_can_change(p->path, &change, 1, e) &&
           reach_token(&r, a, ctx, p->module, p->key, e) && log_in_and_store(a, ctx, &r, path, e) &&
           profile_change_file(p->path, &change, 1, e);
    reach_free(&r);
    free(source);
    return done;
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct profile *p = profile_load(op_text(a, "PROFILE"), NULL, e);
    char *path = p == NULL || !is_own(p, e) ? NULL : target(a, p, e);
    bool done = path != NULL && store(p, a, ctx, path, e);

    if (done)
        op_emit(ctx, "stored",
                json_pack("{s:s, s:s, s:s?}", "profile", p->path, "file", path, "old-pin", p->pin));
    free(path);
    profile_free(&p);
    return done;
}

static void text(const char *kind, const json_t *r, unsigned width, bool colour, struct buffer *out)
{
    (void)kind, (void)width, (void)colour;
    buffer_printf(out,
                  "The PIN was right, and stands in %s (readable by you alone).\n%s now says so.\n",
                  op_string(r, "file"), op_string(r, "profile"));
}

const struct op op_pin_store = {
    .verb = "pin store",
    .group = "PINs",
    .summary = "ask for the PIN once, prove it by a login, keep it for builds",
    .description = "The PIN is asked for without echo, tried once with all the care of the PIN "
                   "rules, and written to a file of mode 0600 only when the token took it. The "
                   "profile's pin then names that file; every other byte of the profile stays. On "
                   "a server, a systemd credential is better.",
    .example = "signet pin store release",
    .effects = OP_WRITES | OP_LOGS_IN,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
