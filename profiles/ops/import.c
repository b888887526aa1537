/* SPDX-License-Identifier: Apache-2.0 */
/* signet import: a certificate beside its key (op/import.h), then the profile that signs with it.
 */
#include "op/import.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cert/view.h"
#include "op/args.h"
#include "op/text.h"
#include "profiles/ops.h"
#include "profiles/profile.h"
#include "profiles/schema.h"

static const char *const places[] = {"token", "file", NULL};
static const char *const slots[] = {
    "9a", "9c", "9d", "9e", "82", "83", "84", "85", "86", "87", "88", "89", "8a",
    "8b", "8c", "8d", "8e", "8f", "90", "91", "92", "93", "94", "95", NULL,
};

static const struct op_arg args[] = {
    {.name = "TOKEN",
     .type = OP_TOKEN,
     .positional = true,
     .required = true,
     .help = "@number, label, serial or pkcs11: URI"},
    {.name = "FILE",
     .type = OP_PATH,
     .positional = true,
     .required = true,
     .repeatable = true,
     .help =
         "what the CA sent: PEM, DER, PKCS#7 or PKCS#12, or the text itself; '-' reads standard "
         "input"},
    {.name = "password",
     .type = OP_PIN,
     .value = "SOURCE",
     .help =
         "where the password of an encrypted PKCS#12 comes from, in the words of --pin; without "
         "it, it is asked for"},
    {.name = "chain-to",
     .type = OP_CHOICE,
     .value = "WHERE",
     .choices = places,
     .help = "where the certificates of the CAs go; without it, onto the token, and into a file "
             "what it does not take"},
    {.name = "output",
     .letter = 'o',
     .type = OP_PATH,
     .value = "FILE",
     .help = "file for the certificates of the CAs; without it, named after the key, in this "
             "folder"},
    {.name = "management-key",
     .type = OP_PIN,
     .value = "SOURCE",
     .help = "of a PIV card: where its management key comes from, in the words of --pin; without "
             "it, it is asked for"},
    {.name = "slot",
     .type = OP_CHOICE,
     .value = "SLOT",
     .choices = slots,
     .help = "of a PIV card that does not tell its keys: the slot of the certificate's key"},
    {.name = "profile",
     .type = OP_TEXT,
     .value = "NAME",
     .help = "make this profile for it, or move one that is there to it"},
};

/* The record of an operation that runs inside this one. */
struct inner {
    struct op_ctx *outer;
    struct op_outside outside;
    json_t *record;
};

static void keep_record(void *data, const char *kind, json_t *record)
{
    struct inner *inner = data;

    (void)kind;
    json_decref(inner->record);
    inner->record = record;
}

static void inner_tell(void *data, const char *line)
{
    op_tell(((struct inner *)data)->outer, "%s", line);
}

static bool inner_ask(void *data, enum op_ask kind, const char *text, const char *expected,
                      char *answer, size_t size)
{
    struct op_ctx *outer = ((struct inner *)data)->outer;

    return outer->outside->ask != NULL &&
           outer->outside->ask(outer->data, kind, text, expected, answer, size);
}

/* Runs an operation on profiles with the words of a command line; its record is kept. */
static json_t *run_inner(const struct op *op, struct op_ctx *ctx, const char *const *words,
                         int count, struct error *e)
{
    struct inner inner = {
        .outer = ctx,
        .outside = {.emit = keep_record, .tell = inner_tell, .ask = inner_ask},
    };
    struct op_ctx own = *ctx;
    struct op_args *parsed = op_args_parse(op, count, words, e);
    bool done;

    own.op = op;
    own.outside = &inner.outside;
    own.data = &inner;
    done = parsed != NULL && op->run(parsed, &own, e);
    op_args_free(&parsed);
    if (done && inner.record != NULL)
        return inner.record;
    json_decref(inner.record);
    return NULL;
}

/* A profile that has no chain gets the one that was written; of one that has, a person says. */
static bool add_chain(const struct profile *p, const char *file, struct op_ctx *ctx,
                      struct error *e)
{
    const struct profile_change change = {"chain", file};

    for (size_t i = 0; i < p->chain.count; i++)
        if (strcmp(p->chain.item[i], file) == 0)
            return true;
    if (p->chain.count == 0)
        return profile_change_file(p->path, &change, 1, e);
    op_tell(ctx,
            "'%s' has a chain of its own: if it is that of the old certificate, put '%s' there "
            "with signet profile edit %s.",
            p->name, file, p->name);
    return true;
}

static json_t *renew(const struct profile *p, const struct imported *i, struct op_ctx *ctx,
                     struct error *e)
{
    char *pin = cert_pin(i->leaf);
    const char *words[] = {p->path,      "--certificate", pin,      "--token",
                           i->token_uri, "--module",      i->module};
    json_t *record = NULL;

    if (pin == NULL)
        error_set_memory(e);
    else if (p->certificate != NULL && strcmp(p->certificate, pin) == 0)
        record =
            json_pack("{s:s, s:s, s:s}", "path", p->path, "certificate", pin, "state", "already");
    else
        record = run_inner(&op_profile_renew, ctx, words, sizeof words / sizeof *words, e);
    free(pin);
    if (record != NULL && i->chain_file != NULL && !add_chain(p, i->chain_file, ctx, e)) {
        json_decref(record);
        return NULL;
    }
    return record;
}

static json_t *make(const char *name, const struct imported *i, struct op_ctx *ctx, struct error *e)
{
    char *pin = cert_pin(i->leaf);
    const char *words[] = {name,       "--certificate", pin,       "--token",    i->token_uri,
                           "--module", i->module,       "--chain", i->chain_file};
    int count = sizeof words / sizeof *words - (i->chain_file == NULL ? 2 : 0);
    json_t *record = NULL;

    if (pin == NULL)
        error_set_memory(e);
    else
        record = run_inner(&op_profile_new, ctx, words, count, e);
    free(pin);
    return record;
}

/* Makes the profile, or moves the one that is there. */
static bool to_profile(const char *name, const struct imported *i, struct op_ctx *ctx,
                       struct error *e)
{
    char *path = profile_find(name, NULL);
    struct profile *p = path == NULL ? NULL : profile_load(path, NULL, e);
    json_t *record = NULL;

    if (path == NULL)
        record = make(name, i, ctx, e);
    else if (p != NULL)
        record = renew(p, i, ctx, e);
    if (record != NULL) {
        json_object_set_new(i->record, "profile", record);
        json_object_set_new(i->record, "profile-made", json_boolean(path == NULL));
        json_object_set_new(i->record, "profile-name", json_string(p != NULL ? p->name : name));
    }
    profile_free(&p);
    free(path);
    return record != NULL;
}

/* Whether a profile signs with an older certificate of the same key. */
static bool is_of_key(const struct profile *p, const json_t *older)
{
    size_t index;
    json_t *one;

    json_array_foreach(older, index, one)
    {
        if (p->certificate != NULL && strcmp(p->certificate, op_string(one, "sha256")) == 0)
            return true;
    }
    return false;
}

/* The first of the profiles that the new certificate continues; new, or NULL. */
static char *find_profile(const struct imported *i)
{
    struct profile_list names = {0}, paths = {0};
    char *found = NULL;

    if (!profile_all(&names, &paths, NULL))
        return NULL;
    for (size_t n = 0; n < paths.count && found == NULL; n++) {
        struct profile *p = profile_load(paths.item[n], NULL, NULL);

        if (p != NULL && p->use == NULL && is_of_key(p, json_object_get(i->record, "older")))
            found = strdup(paths.item[n]);
        profile_free(&p);
    }
    profile_list_free(&names);
    profile_list_free(&paths);
    return found;
}

/* At a terminal the next step is offered. What goes wrong with it is told; the import is done. */
static void offer(const struct imported *i, struct op_ctx *ctx)
{
    struct error e = ERROR_INIT;
    char *old = find_profile(i), name[128] = "";

    if (old != NULL) {
        if (op_ask_yes(ctx, "The profile '%s' signs with this key. Move it to the new certificate?",
                       old))
            to_profile(old, i, ctx, &e);
    } else if (ctx->outside->ask != NULL &&
               ctx->outside->ask(ctx->data, OP_ASK_TEXT,
                                 "Name of a profile to make for it (empty: none)", NULL, name,
                                 sizeof name) &&
               *name != '\0') {
        to_profile(name, i, ctx, &e);
    }
    if (e.code != ERROR_NONE)
        op_tell(ctx, "the profile was not written: %s", e.text);
    free(old);
}

/* Before anything is stored: the name of a profile that is there, or one that can be made. */
static bool can_be_profile(const char *name, struct error *e)
{
    char *path = profile_find(name, NULL), why[256] = "";
    struct profile *p = path != NULL ? profile_load(path, NULL, e) : profile_new(e);
    bool can =
        p != NULL && (path != NULL || schema_set(schema_find("name"), p, name, why, sizeof why) ||
                      error_set(e, ERROR_USAGE, "it should be %s", why));

    profile_free(&p);
    free(path);
    return can || error_prefix(e, "--profile, and nothing was stored");
}

/* The console takes records too, but for a person. */
static bool may_ask(const struct op_args *a, const struct op_ctx *ctx)
{
    return ctx->terminal && (ctx->live || !ctx->json) && !op_flag(a, "yes");
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    const char *name = op_text(a, "profile");
    struct imported i = {0};
    bool done = (name == NULL || can_be_profile(name, e)) && op_import(a, ctx, &i, e);

    if (done && name != NULL && !to_profile(name, &i, ctx, e))
        done = error_prefix(e, "the certificate is on the token, the profile is not written");
    else if (done && name == NULL && may_ask(a, ctx))
        offer(&i, ctx);
    if (i.record != NULL) {
        op_emit(ctx, "imported", i.record);
        i.record = NULL;
    }
    op_imported_free(&i);
    return done;
}

static void text(const char *kind, const json_t *r, unsigned width, bool colour, struct buffer *out)
{
    const json_t *profile = json_object_get(r, "profile");
    const char *name = op_string(r, "profile-name");
    char *word = text_shell_quote(*name == '\0' ? "NAME" : name);

    (void)kind, (void)width, (void)colour;
    op_text_imported(r, out);
    if (profile == NULL)
        buffer_append_text(out, "Next: signet profile new NAME makes a profile for it, signet "
                                "profile renew NAME moves one to it.\n");
    else
        buffer_printf(out,
                      "%s %s\nNext: signet-batch check %s finds what is missing, without a try\n",
                      op_true(r, "profile-made") ? "Wrote" : "Changed", op_string(profile, "path"),
                      word == NULL ? "?" : word);
    free(word);
}

const struct op op_certificate_import = {
    .verb = "import",
    .group = "Keys",
    .summary = "put the certificate that the CA returned beside its key",
    .description =
        "Finds the key on the token by its public half, whatever ids and labels are, and stores "
        "the "
        "certificate under the key's id and label, so that every other program finds the pair; a "
        "key without id or label gets one. The certificates of the CAs between it and the root are "
        "stored, too, or written to a file for the profile. All is read back. Refused are a "
        "certificate for no key that is here, one that cannot sign code now, and a chain that is "
        "not signed by whom it says. A private key in a file is never imported. On PIV cards it "
        "takes the management key. At a terminal it asks for the profile to make or to move.",
    .example = "signet import @1 certificate.pem intermediate.pem\nsignet import release order.p7b "
               "--profile release",
    .effects = OP_LOGS_IN | OP_CHANGES | OP_WRITES,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
