/* SPDX-License-Identifier: Apache-2.0 */
/* signet profile new: a profile from what is on a token. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/path.h"
#include "base/text.h"
#include "cert/chain.h"
#include "cert/load.h"
#include "cert/view.h"
#include "op/text.h"
#include "profiles/ops.h"
#include "profiles/ops/key_container.h"
#include "profiles/ops/pair.h"
#include "profiles/ops/reach.h"
#include "profiles/profile.h"
#include "profiles/schema.h"
#include "token/uri.h"

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
     .help =
         "the private key, where it does not follow from the certificate: its URI, label or id"},
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
    {.name = "opensc-container",
     .type = OP_FLAG,
     .help =
         "for Windows with OpenSC's minidriver: the container name that it computes, where none "
         "is stored"},
    {.name = "print", .type = OP_FLAG, .help = "print the profile, write nothing"},
};

static const struct {
    const char *option, *key;
} keys[] = {
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

/* The profile stands elsewhere than the shell does: paths are written whole. */
static bool set_file(struct profile *p, const char *key, const char *option, const char *file,
                     struct error *e)
{
    char *real = realpath(file, NULL);
    bool done = real != NULL ? set(p, key, option, real, e)
                             : error_set(e, ERROR_USAGE, "%s: cannot open '%s': %s", option, file,
                                         strerror(errno));

    free(real);
    return done;
}

/* A PIN's file need not be there yet. */
static bool set_pin(struct profile *p, const char *source, struct error *e)
{
    char folder[PATH_MAX], *whole = NULL;
    bool done;

    if (strncmp(source, "file:", 5) != 0 || source[5] == '/')
        return set(p, "pin", "--pin", source, e);
    if (getcwd(folder, sizeof folder) == NULL)
        return error_set_errno(e, "cannot tell the current folder");
    whole = text_format("file:%s/%s", folder, source + 5);
    done = whole != NULL ? set(p, "pin", "--pin", whole, e) : error_set_memory(e);
    free(whole);
    return done;
}

/* A module is a name of p11-kit's, or a path. */
static bool set_module(struct profile *p, const char *module, struct error *e)
{
    return strchr(module, '/') != NULL ? set_file(p, "module", "--module", module, e)
                                       : set(p, "module", "--module", module, e);
}

static bool is_fingerprint(const char *certificate)
{
    return strncasecmp(certificate, "sha256:", 7) == 0;
}

static bool set_options(struct profile *p, const struct op_args *a, struct error *e)
{
    const char *certificate = op_text(a, "certificate"), *pin = op_text(a, "pin");
    char option[32];

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        for (size_t j = 0; j < op_count(a, keys[i].option); j++) {
            snprintf(option, sizeof option, "--%s", keys[i].option);
            if (!set(p, keys[i].key, option, op_text_at(a, keys[i].option, j), e))
                return false;
        }
    for (size_t i = 0; i < op_count(a, "chain"); i++)
        if (!set_file(p, "chain", "--chain", op_text_at(a, "chain", i), e))
            return false;
    if (pin != NULL && !set_pin(p, pin, e))
        return false;
    if (certificate != NULL && !(is_fingerprint(certificate)
                                     ? set(p, "certificate", "--certificate", certificate, e)
                                     : set_file(p, "certificate", "--certificate", certificate, e)))
        return false;
    return set(p, "signet", "signet", "1", e) && set(p, "name", "NAME", op_text(a, "NAME"), e);
}

/* What --key means on the token; its URI is written in full. */
static bool find_key(struct profile *p, const char *name, const struct reach *r,
                     const struct wire_object **key, struct error *e)
{
    char *uri;
    bool found;

    *key = objects_find_named(&r->objects, &r->token->slot, name, CKO_PRIVATE_KEY, e);
    if (*key == NULL)
        return false;
    uri = pair_key_uri(r->token, *key);
    found = uri != NULL ? set(p, "key", "--key", uri, e) : error_set_memory(e);
    free(uri);
    return found;
}

/* A certificate in a file: fit to sign, and of the key that was named, or else of one that is
 * there, which *key is then. */
static bool use_file(struct profile *p, const struct reach *r, const struct wire_object **key,
                     struct error *e)
{
    STACK_OF(X509) *certificates = sk_X509_new_null();
    const struct wire_object *own = *key;
    X509 *x = NULL;
    char *uri = NULL;
    bool done = false;

    if (certificates == NULL || !cert_load_file(p->certificate, certificates, e))
        goto out;
    x = sk_X509_value(certificates, 0);
    if (!cert_fit_to_sign(x, NULL, time(NULL), e)) {
        error_prefix(e, "'%s'", p->certificate);
        goto out;
    }
    if (own == NULL)
        own = pair_key_of(&r->objects, x);
    if (own == NULL) {
        error_set(e, ERROR_MISSING,
                  "'%s' shows no key that belongs to '%s'; where it hides its keys, name one with "
                  "--key",
                  r->token->label, p->certificate);
        goto out;
    }
    if (own->spki != NULL && !pair_same_key(own, x)) {
        error_set(e, ERROR_UNFIT, "'%s' belongs to another key than --key", p->certificate);
        goto out;
    }
    uri = pair_key_uri(r->token, own);
    done = uri != NULL ? set(p, "key", "--key", uri, e) : error_set_memory(e);
    *key = own;
out:
    free(uri);
    sk_X509_pop_free(certificates, X509_free);
    return done;
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

/* Why the certificate that was asked for is not among those that can sign. */
static bool explain_certificate(const struct profile *p, const struct reach *r, struct error *e)
{
    X509 *x = pair_certificate(&r->objects, p->certificate);

    if (x == NULL)
        return error_set(e, ERROR_MISSING, "'%s' has no certificate %s; signet objects lists them",
                         r->token->label, p->certificate);
    if (cert_fit_to_sign(x, NULL, time(NULL), e))
        error_set(e, ERROR_UNFIT, "it belongs to another key than --key");
    X509_free(x);
    return error_prefix(e, "%s", p->certificate);
}

/* Where no key was named, *key is the certificate afterwards, which speaks for it. */
static bool use_pair(struct profile *p, const struct reach *r, const struct wire_object **key,
                     struct error *e)
{
    struct pairs pairs = {0};
    const struct pair *pair;
    bool done = false;

    if (!pairs_find(r->token, &r->objects, *key, &pairs, e))
        return false;
    pair = choose(&pairs, p->certificate);
    if (pair != NULL)
        done = set(p, "certificate", "--certificate", pair->pin, e) &&
               (*key != NULL || set(p, "key", "--key", pair->key_uri, e));
    else if (p->certificate != NULL)
        explain_certificate(p, r, e);
    else
        pairs_ask(&pairs, r->token, &r->objects, e);
    if (done && *key == NULL)
        *key = pair->certificate;
    pairs_free(&pairs);
    return done;
}

/* A name that was read is a fact, and is written down. One that OpenSC would compute holds only
 * where its minidriver is used: on most machines Windows takes another driver, and another name.
 * So that is written where it is asked for. */
static bool set_container(struct profile *p, const struct op_args *a, struct op_ctx *ctx,
                          struct reach *r, const struct wire_object *key, struct key_container *c,
                          struct error *e)
{
    struct seen seen;
    bool done = key_containers_read(r, ctx, &seen, e);

    if (done) {
        key_container_find(&seen, r, key, c);
        if (c->name != NULL && (!c->computed || op_flag(a, "opensc-container")))
            done = set(p, "container.name", "container", c->name, e) &&
                   set(p, "container.provider", "container", c->provider, e);
        else if (op_flag(a, "opensc-container"))
            done = error_set(e, ERROR_MISSING,
                             "--opensc-container: the name cannot be known here, "
                             "because %s",
                             c->why);
    }
    op_seen_free(&seen);
    return done;
}

static bool fill_from_token(struct profile *p, const struct op_args *a, struct op_ctx *ctx,
                            struct key_container *c, struct error *e)
{
    const char *named = op_text(a, "key"), *token = op_text(a, "token");
    const struct wire_object *key = NULL;
    struct reach r;
    bool done;

    if (token == NULL && named != NULL && token_uri_is(named))
        token = named;
    done = reach_objects(&r, a, ctx, NULL, token, e) &&
           (named == NULL || find_key(p, named, &r, &key, e)) &&
           (p->certificate != NULL && !is_fingerprint(p->certificate) ? use_file(p, &r, &key, e)
                                                                      : use_pair(p, &r, &key, e)) &&
           set(p, "module", "--module", reach_module(&r)->path, e) &&
           set_container(p, a, ctx, &r, key, c, e);
    reach_free(&r);
    return done;
}

/* With a whole URI, and a certificate, the token need not be here. */
static bool is_complete(const struct profile *p, const struct op_args *a)
{
    const char *key = op_text(a, "key");

    return p->use != NULL || (key != NULL && token_uri_is(key) && p->certificate != NULL &&
                              !op_given(a, "token") && !op_flag(a, "opensc-container"));
}

/* What cannot go together is not left out in silence. */
static bool are_sound(const struct op_args *a, struct error *e)
{
    const char *name = op_text(a, "NAME"), *suffix = strrchr(name, '.');

    if (suffix != NULL && (strcmp(suffix, ".yaml") == 0 || strcmp(suffix, ".yml") == 0))
        return error_set(e, ERROR_USAGE,
                         "NAME: '%s' is a file's name; a profile's is %.*s, and --file says where "
                         "to write it",
                         name, (int)(suffix - name), name);
    if (op_given(a, "use") && op_given(a, "token"))
        return error_set(e, ERROR_USAGE,
                         "--use takes the token from '%s': leave out --token, or --use",
                         op_text(a, "use"));
    if (op_given(a, "use") && op_flag(a, "opensc-container"))
        return error_set(e, ERROR_USAGE,
                         "--use takes the container from '%s': leave out --opensc-container, or "
                         "--use",
                         op_text(a, "use"));
    return true;
}

static bool fill(struct profile *p, const struct op_args *a, struct op_ctx *ctx,
                 struct key_container *c, struct error *e)
{
    if (!is_complete(p, a))
        return fill_from_token(p, a, ctx, c, e);
    return (!op_given(a, "key") || set(p, "key", "--key", op_text(a, "key"), e)) &&
           (!op_given(a, "module") || set_module(p, op_text(a, "module"), e));
}

static char *target(const struct op_args *a, struct error *e)
{
    char *config, *path;

    if (op_given(a, "file")) {
        path = strdup(op_text(a, "file"));
    } else {
        config = path_config_dir(e);
        if (config == NULL)
            return NULL;
        path = text_format("%s/profiles/%s.yaml", config, op_text(a, "NAME"));
        free(config);
    }
    if (path == NULL)
        error_set_memory(e);
    return path;
}

/* Asked before the token is read: that can take long. */
static bool may_write(const char *path, struct op_ctx *ctx, struct error *e)
{
    return access(path, F_OK) != 0 || op_ask_yes(ctx, "'%s' exists; replace it?", path) ||
           error_set(e, ERROR_USAGE,
                     "'%s' exists; --yes replaces it, signet profile edit changes it", path);
}

/* What is written can be read, and what it uses is there. */
static bool is_loadable(const struct profile *p, const char *path, struct error *e)
{
    struct buffer text = BUFFER_INIT;
    char *folder = path_parent(path, e);
    struct profile *again = NULL;
    bool loaded;

    if (folder != NULL && path_make_folders(folder, 0755, e) && profile_write(p, &text, e))
        again = profile_load_text(path, text.data, text.length, NULL, e);
    loaded = again != NULL;
    profile_free(&again);
    buffer_free(&text);
    free(folder);
    return loaded;
}

static void report(const struct profile *p, const char *path, const struct op_args *a,
                   const struct key_container *c, struct op_ctx *ctx)
{
    char *word = text_shell_quote(op_given(a, "file") ? path : p->name);

    op_emit(ctx, "new",
            json_pack("{s:s, s:s, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:o}", "name", p->name,
                      "path", path, "module", p->module, "key", p->key, "certificate",
                      p->certificate, "pin", p->pin, "use", p->use, "word", word, "container",
                      p->container_name, "container-seen", key_container_record(c)));
    free(word);
}

static bool print(const struct profile *p, struct op_ctx *ctx, struct error *e)
{
    struct buffer yaml = BUFFER_INIT;
    bool printed = profile_write(p, &yaml, e) && buffer_text(&yaml) != NULL;

    if (printed)
        op_emit(ctx, "draft", json_pack("{s:s}", "yaml", buffer_text(&yaml)));
    buffer_free(&yaml);
    return printed;
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct profile *p = profile_new(e);
    struct key_container c = {0};
    char *path;
    bool done;

    if (p == NULL || !are_sound(a, e)) {
        profile_free(&p);
        return false;
    }
    if (op_flag(a, "print")) {
        done = set_options(p, a, e) && fill(p, a, ctx, &c, e) && print(p, ctx, e);
        key_container_free(&c);
        profile_free(&p);
        return done;
    }
    path = !set_options(p, a, e) ? NULL : target(a, e);
    done = path != NULL && may_write(path, ctx, e) && fill(p, a, ctx, &c, e) &&
           is_loadable(p, path, e) && profile_save(p, path, access(path, F_OK) == 0, e);

    if (done)
        report(p, path, a, &c, ctx);
    key_container_free(&c);
    free(path);
    profile_free(&p);
    return done;
}

static void text(const char *kind, const json_t *r, unsigned width, bool colour, struct buffer *out)
{
    const char *word = op_string(r, "word");

    (void)width, (void)colour;
    if (strcmp(kind, "draft") == 0) {
        buffer_append_text(out, op_string(r, "yaml"));
        return;
    }
    buffer_printf(out, "Wrote %s\n", op_string(r, "path"));
    op_line(out, "use", op_string(r, "use"));
    op_line(out, "module", op_string(r, "module"));
    op_line(out, "key", op_string(r, "key"));
    op_line(out, "certificate", op_string(r, "certificate"));
    op_line(out, "container", op_string(r, "container"));
    if (*op_string(r, "use") == '\0' || *op_string(r, "pin") != '\0')
        op_line(out, "pin", *op_string(r, "pin") != '\0' ? op_string(r, "pin") : "asked for");
    buffer_append_text(out, "Next:\n");
    if (*op_string(r, "use") == '\0' && *op_string(r, "pin") == '\0')
        buffer_printf(out,
                      "  signet pin store %s       keeps the PIN for builds, proved by one login\n",
                      word);
    buffer_printf(out, "  signet-batch check %s     finds what is missing, without a try\n", word);
}

const struct op op_profile_new = {
    .verb = "profile new",
    .group = "Profiles",
    .summary = "make a profile from what is on a token",
    .description =
        "Takes key and certificate from the token, without a login. The certificate is "
        "pinned by its fingerprint: the profile signs with this one and no other. The key's "
        "container name under Windows is written down where card or module tell it.",
    .example = "signet profile new release --token @1 --pin env:SIGNET_PIN\n"
               "signet profile new release --token @1 --chain intermediate.pem",
    .effects = OP_WRITES,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
