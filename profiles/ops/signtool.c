/* SPDX-License-Identifier: Apache-2.0 */
/* signet profile signtool: the same signature by other programs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "op/text.h"
#include "profiles/ops.h"
#include "profiles/ops/key_container.h"
#include "profiles/profile.h"
#include "profiles/quote.h"
#include "token/modules.h"
#include "token/objects.h"

static const struct op_arg args[] = {
    {.name = "NAME",
     .type = OP_PROFILE,
     .positional = true,
     .required = true,
     .help = "name or path of a profile"},
};

static void option_windows(struct buffer *out, const char *option, const char *value)
{
    if (value == NULL)
        return;
    buffer_printf(out, " %s ", option);
    quote_cmd(out, value);
}

static void append_shell(struct buffer *out, const char *value)
{
    char *quoted = text_shell_quote(value);

    buffer_printf(out, " %s", quoted == NULL ? "?" : quoted);
    free(quoted);
}

static void option_shell(struct buffer *out, const char *option, const char *value)
{
    if (value == NULL)
        return;
    buffer_printf(out, " %s", option);
    append_shell(out, value);
}

static const char *hash(const struct profile *p)
{
    return signer_hash_name((enum signer_hash)p->digest);
}

static const char *server(const struct profile *p)
{
    return p->timestamp_servers.count > 0 ? p->timestamp_servers.item[0] : NULL;
}

/* A certificate in a file has its own path; one on the token is exported first. */
static bool is_in_file(const struct profile *p)
{
    return p->certificate != NULL && strncasecmp(p->certificate, "sha256:", 7) != 0;
}

/* Windows is another machine: files of this one stand beside the command there. */
static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* What jsign and osslsigncode want in one file: the certificate, and after it the chain's. */
static const char *certificates(const struct profile *p)
{
    return p->chain.count > 0 ? "chain.pem" : is_in_file(p) ? p->certificate : "certificate.pem";
}

/* The provider that takes the PIN with the name: SafeNet's own. Others ask for it themselves. */
static bool takes_pin(const char *provider)
{
    return provider == NULL || strncmp(provider, "eToken", strlen("eToken")) == 0;
}

/* The braces are part of what the SafeNet provider takes; the PIN alone is put in. */
static char *signtool(const struct profile *p, const struct key_container *c)
{
    struct buffer out = BUFFER_INIT;
    char *key = text_format(takes_pin(c->provider) ? "[{{PIN}}]=%s" : "%s",
                            c->name == NULL ? "CONTAINER" : c->name);

    buffer_printf(&out, "signtool sign /fd %s", hash(p));
    option_windows(&out, "/f", is_in_file(p) ? file_name(p->certificate) : "certificate.cer");
    option_windows(&out, "/csp", c->provider == NULL ? "PROVIDER" : c->provider);
    option_windows(&out, "/k", key);
    for (size_t i = 0; i < p->chain.count; i++)
        option_windows(&out, "/ac", file_name(p->chain.item[i]));
    option_windows(&out, "/d", p->description);
    option_windows(&out, "/du", p->url);
    option_windows(&out, "/tr", server(p));
    if (server(p) != NULL)
        buffer_printf(&out, " /td %s", hash(p));
    if (p->existing == SIGN_APPEND)
        buffer_append_text(&out, " /as");
    if (p->page_hashes == 1)
        buffer_append_text(&out, " /ph");
    buffer_append_text(&out, " FILE");
    free(key);
    return buffer_take(&out);
}

static char *jsign(const struct profile *p)
{
    struct buffer out = BUFFER_INIT;

    buffer_append_text(&out, "jsign --storetype PKCS11 --keystore pkcs11.cfg --storepass PIN "
                             "--alias ALIAS");
    option_shell(&out, "--certfile", certificates(p));
    buffer_printf(&out, " --alg SHA-%s", hash(p) + strlen("sha"));
    option_shell(&out, "--name", p->description);
    option_shell(&out, "--url", p->url);
    option_shell(&out, "--tsaurl", server(p));
    if (server(p) != NULL)
        buffer_append_text(&out, " --tsmode RFC3161");
    if (p->existing == SIGN_REPLACE)
        buffer_append_text(&out, " --replace");
    buffer_append_text(&out, " FILE");
    return buffer_take(&out);
}

/* -nest is left to the person: it fails on a file that has no signature yet. */
static char *osslsigncode(const struct profile *p, const char *module)
{
    struct buffer out = BUFFER_INIT;

    buffer_append_text(&out, "osslsigncode sign");
    option_shell(&out, "-pkcs11module", module == NULL ? "MODULE" : module);
    option_shell(&out, "-key", p->key == NULL ? "KEY" : p->key);
    buffer_append_text(&out, " -readpass PIN-FILE");
    option_shell(&out, "-certs", certificates(p));
    buffer_printf(&out, " -h %s", hash(p));
    if (p->purpose == SIGN_COMMERCIAL)
        buffer_append_text(&out, " -comm");
    option_shell(&out, "-n", p->description);
    option_shell(&out, "-i", p->url);
    option_shell(&out, "-ts", server(p));
    if (p->page_hashes == 1)
        buffer_append_text(&out, " -ph");
    buffer_append_text(&out, " -in FILE -out SIGNED");
    return buffer_take(&out);
}

/* How the certificate comes off the token, into the files that the commands name. */
static char *export_command(const struct profile *p, const char *file, const char *format)
{
    struct buffer out = BUFFER_INIT;

    if (p->key == NULL || is_in_file(p))
        return NULL;
    buffer_append_text(&out, "signet export");
    append_shell(&out, p->key);
    option_shell(&out, "--certificate", p->certificate);
    option_shell(&out, "--module", p->module);
    buffer_printf(&out, " -o %s --format %s", file, format);
    return buffer_take(&out);
}

/* The files are PEM, as those are that CAs send. */
static char *join_command(const struct profile *p)
{
    struct buffer out = BUFFER_INIT;

    if (p->chain.count == 0)
        return NULL;
    buffer_append_text(&out, "cat");
    append_shell(&out, is_in_file(p) ? p->certificate : "certificate.pem");
    for (size_t i = 0; i < p->chain.count; i++)
        append_shell(&out, p->chain.item[i]);
    buffer_append_text(&out, " >chain.pem");
    return buffer_take(&out);
}

/* Other programs know no names of p11-kit's; where the module is not here, its name has to do. */
static char *module_path(const struct profile *p, struct op_ctx *ctx)
{
    const char *names[1] = {p->module};
    struct module_list list = {0};
    char *path = NULL;

    if (p->module == NULL)
        return NULL;
    if (strchr(p->module, '/') == NULL && modules_named(names, 1, &list, ctx->cancel, NULL)) {
        path = list.count > 0 ? strdup(list.entry[0].path) : NULL;
        modules_free(&list);
    }
    return path == NULL ? strdup(p->module) : path;
}

static json_t *take(char *text)
{
    json_t *value = text == NULL ? json_null() : json_string(text);

    free(text);
    return value;
}

static char *copy(const char *text)
{
    return text == NULL ? NULL : strdup(text);
}

/* What the profile does not have may be on the token, where that is here. */
static void ask_token(const struct profile *p, const struct op_args *a, struct op_ctx *ctx,
                      struct key_container *c)
{
    struct error failed = ERROR_INIT;
    const struct wire_object *key;
    struct seen seen;
    struct reach r;

    if (!reach_objects(&r, a, ctx, p->module, p->key, &failed) ||
        (key = objects_find_named(&r.objects, &r.token->slot, p->key, CKO_PRIVATE_KEY, &failed)) ==
            NULL) {
        snprintf(c->why, sizeof c->why, "the profile has none, and its key is not here: %.500s",
                 failed.text);
    } else if (key_containers_read(&r, ctx, &seen, &failed)) {
        key_container_find(&seen, &r, key, c);
        op_seen_free(&seen);
    } else {
        snprintf(c->why, sizeof c->why, "%.600s", failed.text);
    }
    reach_free(&r);
}

/* The profile's own, else what the token tells; a computed name is none that can be relied on. */
static void find_container(const struct profile *p, const struct op_args *a, struct op_ctx *ctx,
                           struct key_container *c)
{
    *c = (struct key_container){0};
    if (p->container_name == NULL && p->key != NULL)
        ask_token(p, a, ctx, c);
    else if (p->container_name == NULL)
        snprintf(c->why, sizeof c->why, "the profile names neither it nor a key");
    if (c->computed) {
        snprintf(c->why, sizeof c->why,
                 "it is stored nowhere; OpenSC's minidriver, where Windows uses that, computes %s "
                 "(provider %s)",
                 c->name, c->provider);
        free(c->name);
        free(c->provider);
        c->name = c->provider = NULL;
    }
    if (p->container_name != NULL) {
        c->name = copy(p->container_name);
        c->source = copy("the profile");
    }
    if (p->container_provider != NULL) {
        free(c->provider);
        c->provider = copy(p->container_provider);
    }
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct profile *p = profile_load(op_text(a, "NAME"), NULL, e);
    struct key_container c;
    char *module;
    json_t *record;

    if (p == NULL)
        return false;
    module = module_path(p, ctx);
    find_container(p, a, ctx, &c);
    record = json_pack("{s:o, s:o, s:o, s:s?, s:b, s:b}", "signtool", take(signtool(p, &c)),
                       "jsign", take(jsign(p)), "osslsigncode", take(osslsigncode(p, module)),
                       "module", module, "container-known", c.name != NULL && c.provider != NULL,
                       "chain", p->chain.count > 0);
    json_object_set_new(record, "append", json_boolean(p->existing == SIGN_APPEND));
    json_object_set_new(record, "join-chain", take(join_command(p)));
    json_object_set_new(record, "export-cer", take(export_command(p, "certificate.cer", "der")));
    json_object_set_new(record, "export-pem", take(export_command(p, "certificate.pem", "pem")));
    json_object_set_new(record, "keep", json_boolean(p->existing == SIGN_KEEP));
    json_object_set_new(record, "container", key_container_record(&c));
    json_object_set_new(record, "pin-on-command-line", json_boolean(takes_pin(c.provider)));
    op_emit(ctx, "commands", record);
    key_container_free(&c);
    free(module);
    profile_free(&p);
    return true;
}

static void command_line(struct buffer *out, const json_t *r, const char *key)
{
    if (*op_string(r, key) != '\0')
        buffer_printf(out, "  %s\n", op_string(r, key));
}

/* Where the name comes from, or why there is none and how one comes by it. */
static void text_container(const json_t *r, unsigned width, struct buffer *out)
{
    const json_t *c = json_object_get(r, "container");
    struct buffer why = BUFFER_INIT;

    if (*op_string(c, "name") != '\0')
        buffer_printf(out, "  The container is known by: %s\n", op_string(c, "known-by"));
    if (op_true(r, "container-known"))
        return;
    buffer_append_text(out, "  ");
    buffer_append_text(&why, "The container is not known here");
    if (*op_string(c, "why-unknown") != '\0')
        buffer_printf(&why, ": %s", op_string(c, "why-unknown"));
    buffer_append_byte(&why, '.');
    op_wrap(out, buffer_text(&why), 2, width - 1);
    buffer_free(&why);
    buffer_append_text(out, "  The token's own program shows it under Windows, as does\n"
                            "  certutil -csp PROVIDER -key. Then write it down in the profile, by\n"
                            "  signet profile edit:\n"
                            "    container: {name: \"…\", provider: \"eToken Base Cryptographic "
                            "Provider\"}\n");
}

static void text_signtool(const json_t *r, unsigned width, struct buffer *out)
{
    if (op_true(r, "pin-on-command-line"))
        buffer_append_text(out,
                           "signtool, as a line of a .cmd file. Put the PIN in place of the word "
                           "PIN;\nthe braces stay. Whoever may list the processes of that machine "
                           "can read it.\n");
    else
        buffer_append_text(out,
                           "signtool, as a line of a .cmd file. Windows asks for the PIN: this "
                           "provider\ntakes none there.\n");
    if (*op_string(r, "export-cer") != '\0')
        buffer_append_text(out, "certificate.cer comes from here:\n");
    command_line(out, r, "export-cer");
    command_line(out, r, "signtool");
    if (op_true(r, "chain"))
        buffer_append_text(out, "  (/ac: the profile's chain files, copied beside it)\n");
    text_container(r, width, out);
}

static void text(const char *kind, const json_t *r, unsigned width, bool colour, struct buffer *out)
{
    (void)kind, (void)colour;
    text_signtool(r, width, out);
    buffer_printf(out,
                  "\njsign. Put the PIN in place of PIN, or env:NAME or file:PATH; ALIAS is the\n"
                  "certificate's label.%s pkcs11.cfg:\n"
                  "    name = signet\n    library = %s\n",
                  *op_string(r, "join-chain") == '\0' ? "" : " chain.pem is made below.",
                  *op_string(r, "module") == '\0' ? "MODULE" : op_string(r, "module"));
    command_line(out, r, "jsign");
    buffer_append_text(out, "\nosslsigncode, with OpenSSL's engine for PKCS#11. PIN-FILE holds the "
                            "PIN:\n");
    command_line(out, r, "export-pem");
    command_line(out, r, "join-chain");
    command_line(out, r, "osslsigncode");
    if (op_true(r, "append"))
        buffer_append_text(out, "  (-nest too, for a file that is signed already)\n");
    if (op_true(r, "keep"))
        buffer_append_text(out, "\nA file that is signed already is kept by this profile. These\n"
                                "programs cannot: signtool and osslsigncode replace its "
                                "signature, jsign\nadds one. Give them unsigned files only.\n");
}

const struct op op_profile_signtool = {
    .verb = "profile signtool",
    .group = "Profiles",
    .summary = "print the equal command for signtool, jsign and osslsigncode",
    .description = "The PIN is a placeholder in all of them, and the words in capitals are to be "
                   "replaced. The container name is quoted for cmd.exe. It is the profile's, else "
                   "what the token tells, where that is here; where it is not known, the reason is "
                   "said.",
    .effects = OP_READS,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
