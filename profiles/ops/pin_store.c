/* SPDX-License-Identifier: Apache-2.0 */
/* signet pin store: the PIN for builds, proved by one login, in a file that only its owner reads.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/path.h"
#include "base/text.h"
#include "op/session.h"
#include "op/text.h"
#include "profiles/ops.h"
#include "profiles/profile.h"

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

static char *target(const struct op_args *a, const struct profile *p, struct error *e)
{
    char folder[4096];
    char *config, *path;

    if (op_given(a, "file") && op_text(a, "file")[0] != '/') {
        if (getcwd(folder, sizeof folder) == NULL) {
            error_set_errno(e, "cannot tell the current folder");
            return NULL;
        }
        return path_join(folder, op_text(a, "file"), e);
    }
    if (op_given(a, "file"))
        return path_join("/", op_text(a, "file"), e);
    config = path_config_dir(e);
    path = config == NULL ? NULL : text_format("%s/pins/%s.pin", config, p->name);
    free(config);
    return path;
}

static bool log_in_and_store(const struct op_args *a, struct op_ctx *ctx, struct inventory *inv,
                             struct token *t, const char *path, struct error *e)
{
    struct gate_person person = op_person(ctx);
    struct pin_source *source = NULL;
    struct gate_request request;
    struct gate_session *session;
    struct host *host;
    bool stored = false;

    if (!op_gate_request(a, ctx, inv, t, &person, &source, &request, e))
        return false;
    host = op_take_host(inv, t);
    session = gate_open(&request, &host, e);
    if (session != NULL)
        stored = gate_store_pin(session, path, e);
    gate_close(&session);
    pin_source_free(&source);
    return stored;
}

/* The profile names the file from now on, where it has its PIN source itself. */
static bool point_profile(const struct profile *p, const char *path, struct error *e)
{
    char *value = text_format("\"file:%s\"", path);
    bool done = value != NULL && profile_set_key(p->path, "pin", value, e);

    free(value);
    return done;
}

static bool store(const struct profile *p, const struct op_args *a, struct op_ctx *ctx,
                  const char *path, struct error *e)
{
    struct inventory inv;
    struct token *t;
    bool done = false;

    if (access(path, F_OK) == 0 && !op_ask_yes(ctx, "'%s' exists; replace it?", path))
        return error_set(e, ERROR_USAGE, "'%s' exists; --yes replaces it", path);
    if (!op_inventory(a, ctx, false, &inv, e))
        return false;
    t = p->key == NULL ? inventory_find(&inv, NULL, e) : inventory_find(&inv, p->key, e);
    done = t != NULL && log_in_and_store(a, ctx, &inv, t, path, e) && point_profile(p, path, e);
    inventory_free(&inv);
    return done;
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct profile *p = profile_load(op_text(a, "PROFILE"), NULL, e);
    char *path = p == NULL ? NULL : target(a, p, e);
    bool done = path != NULL && store(p, a, ctx, path, e);

    if (done)
        op_emit(ctx, "stored", json_pack("{s:s, s:s}", "profile", p->path, "file", path));
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
                   "rules, and written to a file of "
                   "mode 0600 only when the token took it. The profile's pin then names that file. "
                   "On a server, a systemd "
                   "credential is better.",
    .example = "signet pin store release",
    .effects = OP_WRITES | OP_LOGS_IN,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
