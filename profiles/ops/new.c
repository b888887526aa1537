/* SPDX-License-Identifier: Apache-2.0 */
/* signet profile new: a profile from what is on a token. */
#include <stdlib.h>
#include <unistd.h>

#include "base/path.h"
#include "base/text.h"
#include "cert/view.h"
#include "op/session.h"
#include "op/text.h"
#include "profiles/ops.h"
#include "profiles/ops/pair.h"
#include "profiles/profile.h"
#include "profiles/schema.h"

static const char *const digests[] = {"sha256", "sha384", "sha512", NULL};
static const char *const purposes[] = {"commercial", "individual", NULL};
static const char *const existings[] = {"keep", "replace", "append", NULL};

static const struct op_arg args[] = {
    {.name = "NAME",
     .type = OP_TEXT,
     .positional = true,
     .required = true,
     .help = "name of the new profile"},
    {.name = "token",
     .type = OP_TOKEN,
     .value = "TOKEN",
     .help = "@number, label, serial or pkcs11: URI; without it, the only token there is"},
    {.name = "certificate",
     .type = OP_TEXT,
     .value = "CERT",
     .help = "sha256: and fingerprint, where the token has several; or a file, where it has none"},
    {.name = "key",
     .type = OP_OBJECT,
     .value = "URI",
     .help = "the private key, where it does not follow from the certificate"},
    {.name = "chain",
     .type = OP_PATH,
     .value = "FILE",
     .repeatable = true,
     .help = "file with intermediate certificates"},
    {.name = "pin",
     .type = OP_PIN,
     .value = "SOURCE",
     .help = "where builds get the PIN from; written down, not used now"},
    {.name = "description", .type = OP_TEXT, .value = "TEXT", .help = "what is signed, in words"},
    {.name = "url", .type = OP_TEXT, .value = "URL", .help = "where more is to be found"},
    {.name = "digest",
     .type = OP_CHOICE,
     .value = "HASH",
     .choices = digests,
     .help = "digest to use"},
    {.name = "purpose",
     .type = OP_CHOICE,
     .value = "WHO",
     .choices = purposes,
     .help = "published by a company or by a person"},
    {.name = "existing",
     .type = OP_CHOICE,
     .value = "WHAT",
     .choices = existings,
     .help = "what happens to files that are signed already"},
    {.name = "timestamp",
     .type = OP_TEXT,
     .value = "URL",
     .repeatable = true,
     .help = "RFC 3161 timestamp server"},
    {.name = "files",
     .type = OP_TEXT,
     .value = "PATTERN",
     .repeatable = true,
     .help = "pattern of files to sign when none are named"},
    {.name = "output",
     .letter = 'o',
     .type = OP_PATH,
     .value = "DIR",
     .help = "folder for signed files instead of in place"},
    {.name = "use",
     .type = OP_PROFILE,
     .value = "NAME",
     .help = "take token, key, certificate and PIN from this profile of the machine"},
    {.name = "file",
     .type = OP_PATH,
     .value = "FILE",
     .help = "write the profile here, not among the user's profiles"},
};

static const struct {
    const char *option, *key;
} keys[] = {
    {"key", "key"},
    {"certificate", "certificate"},
    {"pin", "pin"},
    {"description", "description"},
    {"url", "url"},
    {"digest", "digest"},
    {"purpose", "purpose"},
    {"existing", "existing"},
    {"timestamp", "timestamp.servers"},
    {"files", "files"},
    {"output", "output.directory"},
    {"use", "use"},
};

static bool set(struct profile *p, const char *key, const char *option, const char *value,
                struct error *e)
{
    char why[256] = "";

    return schema_set(schema_find(key), p, value, why, sizeof why) ||
           error_set(e, ERROR_USAGE, "%s: should be %s", option, why);
}

static bool set_options(struct profile *p, const struct op_args *a, struct error *e)
{
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        for (size_t j = 0; j < op_count(a, keys[i].option); j++)
            if (!set(p, keys[i].key, keys[i].option, op_text_at(a, keys[i].option, j), e))
                return false;
    /* The profile stands elsewhere than the shell does: paths are written whole. */
    for (size_t i = 0; i < op_count(a, "chain"); i++) {
        char *real = realpath(op_text_at(a, "chain", i), NULL);
        bool good = real != NULL ? set(p, "chain", "--chain", real, e)
                                 : error_set(e, ERROR_USAGE, "--chain: there is no file '%s'",
                                             op_text_at(a, "chain", i));

        free(real);
        if (!good)
            return false;
    }
    return set(p, "signet", "signet", "1", e) && set(p, "name", "NAME", op_text(a, "NAME"), e);
}

static bool several(const struct token *t, const struct pairs *pairs, struct error *e)
{
    struct buffer list = BUFFER_INIT;

    for (size_t i = 0; i < pairs->count; i++) {
        char *name = cert_common_name(pairs->pair[i].x);

        buffer_printf(&list, "%s%s (%s)", i > 0 ? ", " : "", pairs->pair[i].pin,
                      name == NULL ? "?" : name);
        free(name);
    }
    if (pairs->count == 0)
        error_set(e, ERROR_MISSING,
                  "'%s' has no valid code-signing certificate; name one in a file with "
                  "--certificate and its key "
                  "with --key",
                  t->label);
    else
        error_set(e, ERROR_USAGE, "'%s' has several; choose with --certificate: %s", t->label,
                  buffer_text(&list) == NULL ? "?" : buffer_text(&list));
    buffer_free(&list);
    return false;
}

static const struct pair *choose(const struct pairs *pairs, const char *wanted)
{
    if (wanted == NULL)
        return pairs->count == 1 ? &pairs->pair[0] : NULL;
    for (size_t i = 0; i < pairs->count; i++)
        if (cert_pin_matches(pairs->pair[i].x, wanted))
            return &pairs->pair[i];
    return NULL;
}

static bool fill_from_token(struct profile *p, const struct op_args *a, struct op_ctx *ctx,
                            struct error *e)
{
    struct inventory inv;
    struct wire_objects all = {0};
    struct pairs pairs = {0};
    const struct pair *pair;
    struct token *t;
    bool done = false;

    if (!op_inventory(a, ctx, false, &inv, e))
        return false;
    t = op_token(a, "token", &inv, e);
    if (t != NULL && host_objects(inventory_host(&inv, t), t->slot.id, ctx->cancel, &all, e) &&
        pairs_find(t, &all, &pairs, e)) {
        pair = choose(&pairs, p->certificate);
        done = pair != NULL || several(t, &pairs, e);
        done = done && set(p, "certificate", "certificate", pair->pin, e) &&
               (p->key != NULL || set(p, "key", "key", pair->key_uri, e)) &&
               set(p, "module", "module", inv.module[t->module].entry.path, e);
    }
    pairs_free(&pairs);
    wire_objects_free(&all);
    inventory_free(&inv);
    return done;
}

static char *target(const struct op_args *a, struct error *e)
{
    char *config, *path;

    if (op_given(a, "file"))
        return path_join(".", op_text(a, "file"), e);
    config = path_config_dir(e);
    path = config == NULL ? NULL : text_format("%s/profiles/%s.yaml", config, op_text(a, "NAME"));
    free(config);
    return path;
}

static bool save(struct profile *p, const char *path, struct op_ctx *ctx, struct error *e)
{
    bool there = access(path, F_OK) == 0;

    if (there && !op_ask_yes(ctx, "'%s' exists; replace it?", path))
        return error_set(e, ERROR_USAGE,
                         "'%s' exists; --yes replaces it, signet profile edit changes it", path);
    if (!profile_save(p, path, there, e))
        return false;
    op_emit(ctx, "new",
            json_pack("{s:s, s:s, s:s?, s:s?, s:s?}", "name", p->name, "path", path, "key", p->key,
                      "certificate", p->certificate, "pin", p->pin));
    return true;
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct profile *p = profile_new(e);
    char *path = NULL;
    bool done = p != NULL && set_options(p, a, e);

    /* A profile that uses another has its token there; one with key and certificate file needs none
     * now. */
    if (done && p->use == NULL &&
        !(p->key != NULL && p->certificate != NULL && !op_given(a, "token")))
        done = fill_from_token(p, a, ctx, e);
    if (done)
        path = target(a, e);
    done = done && path != NULL && save(p, path, ctx, e);
    free(path);
    profile_free(&p);
    return done;
}

static void text(const char *kind, const json_t *r, unsigned width, bool colour, struct buffer *out)
{
    const char *name = op_string(r, "name");

    (void)kind, (void)width, (void)colour;
    buffer_printf(out, "Wrote %s\n", op_string(r, "path"));
    op_line(out, "key", op_string(r, "key"));
    op_line(out, "certificate", op_string(r, "certificate"));
    op_line(out, "pin", *op_string(r, "pin") != '\0' ? op_string(r, "pin") : "asked for");
    buffer_printf(out,
                  "Next: signet pin store %s     keeps the PIN for builds, proved by one login\n"
                  "      signet-batch check %s   finds what is missing\n",
                  name, name);
}

const struct op op_profile_new = {
    .verb = "profile new",
    .group = "Profiles",
    .summary = "make a profile from what is on a token",
    .description = "Takes key and certificate from the token, without a login. The certificate is "
                   "pinned by its fingerprint: "
                   "the profile signs with this one and no other.",
    .example =
        "signet profile new release --token @1 --pin env:SIGNET_PIN --chain intermediate.pem",
    .effects = OP_WRITES,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
