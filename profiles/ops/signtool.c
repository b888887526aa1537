/* SPDX-License-Identifier: Apache-2.0 */
/* signet profile signtool: the same signature by other programs. */
#include <stdlib.h>

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

/* For cmd.exe, parsed by the C runtime of the program: in double quotes, a quote as \", backslashes
 * before it doubled. In a batch file a percent sign is written twice. */
static void quote_windows(struct buffer *out, const char *text)
{
    size_t backslashes = 0;

    buffer_append_byte(out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '\\') {
            backslashes++;
        } else {
            for (; *text == '"' && backslashes > 0; backslashes--)
                buffer_append_byte(out, '\\');
            if (*text == '"')
                buffer_append_byte(out, '\\');
            if (*text == '%')
                buffer_append_byte(out, '%');
            backslashes = 0;
        }
        buffer_append_byte(out, (uint8_t)*text);
    }
    for (; backslashes > 0; backslashes--)
        buffer_append_byte(out, '\\');
    buffer_append_byte(out, '"');
}

static void option_windows(struct buffer *out, const char *option, const char *value)
{
    if (value == NULL)
        return;
    buffer_printf(out, " %s ", option);
    quote_windows(out, value);
}

static void option_shell(struct buffer *out, const char *option, const char *value)
{
    char *quoted = value == NULL ? NULL : text_shell_quote(value);

    if (quoted != NULL)
        buffer_printf(out, " %s %s", option, quoted);
    free(quoted);
}

static const char *server(const struct profile *p)
{
    return p->timestamp_servers.count > 0 ? p->timestamp_servers.item[0] : NULL;
}

static char *signtool(const struct profile *p)
{
    struct buffer out = BUFFER_INIT;
    char *key =
        text_format("[{{PIN}}]=%s", p->container_name == NULL ? "CONTAINER" : p->container_name);

    buffer_printf(&out, "signtool sign /fd %s", signer_hash_name((enum signer_hash)p->digest));
    option_windows(&out, "/csp",
                   p->container_provider == NULL ? "PROVIDER" : p->container_provider);
    option_windows(&out, "/k", key);
    buffer_append_text(&out, " /f certificate.cer");
    option_windows(&out, "/d", p->description);
    option_windows(&out, "/du", p->url);
    option_windows(&out, "/tr", server(p));
    if (server(p) != NULL)
        buffer_append_text(&out, " /td sha256");
    buffer_append_text(&out, " FILE");
    free(key);
    return buffer_take(&out);
}

static char *jsign(const struct profile *p)
{
    struct buffer out = BUFFER_INIT;

    buffer_append_text(
        &out, "jsign --storetype PKCS11 --keystore pkcs11.cfg --storepass PIN --alias KEY");
    buffer_printf(&out, " --alg SHA-%s", signer_hash_name((enum signer_hash)p->digest) + 3);
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

static char *osslsigncode(const struct profile *p)
{
    struct buffer out = BUFFER_INIT;

    buffer_append_text(&out, "osslsigncode sign");
    option_shell(&out, "-pkcs11module", p->module == NULL ? "MODULE" : p->module);
    option_shell(&out, "-key", p->key == NULL ? "KEY" : p->key);
    buffer_append_text(&out, " -readpass PIN-FILE -certs certificate.pem");
    buffer_printf(&out, " -h %s", signer_hash_name((enum signer_hash)p->digest));
    option_shell(&out, "-n", p->description);
    option_shell(&out, "-i", p->url);
    option_shell(&out, "-ts", server(p));
    if (p->existing == SIGN_APPEND)
        buffer_append_text(&out, " -nest");
    buffer_append_text(&out, " -in FILE -out SIGNED");
    return buffer_take(&out);
}

static json_t *take(char *text)
{
    json_t *value = text == NULL ? json_null() : json_string(text);

    free(text);
    return value;
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct profile *p = profile_load(op_text(a, "NAME"), NULL, e);

    if (p == NULL)
        return false;
    op_emit(ctx, "commands",
            json_pack("{s:o, s:o, s:o, s:b}", "signtool", take(signtool(p)), "jsign",
                      take(jsign(p)), "osslsigncode", take(osslsigncode(p)), "container-known",
                      p->container_name != NULL));
    profile_free(&p);
    return true;
}

static void text(const char *kind, const json_t *r, unsigned width, bool colour, struct buffer *out)
{
    (void)kind, (void)width, (void)colour;
    buffer_printf(out,
                  "signtool, in cmd.exe; put the PIN in place of {{PIN}}, and mind who reads the "
                  "command line:\n"
                  "  %s\n\n",
                  op_string(r, "signtool"));
    buffer_printf(out, "jsign:\n  %s\n\n", op_string(r, "jsign"));
    buffer_printf(out, "osslsigncode:\n  %s\n", op_string(r, "osslsigncode"));
    if (!op_true(r, "container-known"))
        buffer_append_text(
            out, "\nThe container name is not known: the token's own program shows it. Set it with "
                 "container: {name: …, provider: …} in the profile.\n");
}

const struct op op_profile_signtool = {
    .verb = "profile signtool",
    .group = "Profiles",
    .summary = "print the equal command for signtool, jsign and osslsigncode",
    .description = "The PIN is a placeholder in all of them. signet export writes the certificate "
                   "file that they want.",
    .effects = OP_READS,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
