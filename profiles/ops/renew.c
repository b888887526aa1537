/* SPDX-License-Identifier: Apache-2.0 */
/* signet profile renew: on to the new certificate of the same subject. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cert/view.h"
#include "op/session.h"
#include "op/text.h"
#include "profiles/ops.h"
#include "profiles/ops/pair.h"
#include "profiles/profile.h"

static const struct op_arg args[] = {
    {.name = "NAME",
     .type = OP_PROFILE,
     .positional = true,
     .required = true,
     .help = "name or path of a profile"},
    {.name = "token",
     .type = OP_TOKEN,
     .value = "TOKEN",
     .help = "the token with the new certificate; without it, the profile's"},
    {.name = "certificate",
     .type = OP_TEXT,
     .value = "CERT",
     .help = "sha256: and fingerprint of the new certificate, where it does not follow"},
};

/* With the old certificate still on the token, one for the same subject; otherwise the one that
 * expires last. */
static const struct pair *choose(const struct pairs *pairs, const char *wanted, const char *old)
{
    const struct pair *known = NULL;

    for (size_t i = 0; i < pairs->count; i++) {
        if (wanted != NULL && cert_pin_matches(pairs->pair[i].x, wanted))
            return &pairs->pair[i];
        if (old != NULL && cert_pin_matches(pairs->pair[i].x, old))
            known = &pairs->pair[i];
    }
    if (wanted != NULL)
        return NULL;
    for (size_t i = 0; known != NULL && i < pairs->count; i++)
        if (X509_NAME_cmp(X509_get_subject_name(pairs->pair[i].x),
                          X509_get_subject_name(known->x)) == 0)
            return &pairs->pair[i];
    return pairs->count > 0 ? &pairs->pair[0] : NULL;
}

/* Only the lines that change are written: comments stay. */
static bool write_change(const struct profile *p, const struct pair *pair, const char *module,
                         struct error *e)
{
    char *uri = text_format("\"%s\"", pair->key_uri);
    bool done = uri != NULL && profile_set_key(p->path, "key", uri, e) &&
                profile_set_key(p->path, "certificate", pair->pin, e) &&
                (p->module == NULL || strcmp(p->module, module) == 0 ||
                 profile_set_key(p->path, "module", module, e));

    free(uri);
    return done;
}

static bool renew(const struct profile *p, const struct op_args *a, struct op_ctx *ctx,
                  const struct inventory *inv, struct token *t, struct error *e)
{
    struct wire_objects all = {0};
    struct pairs pairs = {0};
    const struct pair *pair = NULL;
    bool done = false;

    if (host_objects(inventory_host(inv, t), t->slot.id, ctx->cancel, &all, e) &&
        pairs_find(t, &all, &pairs, e)) {
        pair = choose(&pairs, op_text(a, "certificate"), p->certificate);
        if (pair == NULL)
            error_set(e, ERROR_MISSING, "'%s' has no such valid code-signing certificate",
                      t->label);
        else if (p->certificate != NULL && strcmp(p->certificate, pair->pin) == 0)
            done = error_set(e, ERROR_MISSING,
                             "'%s' has no newer certificate than the profile's; import it first",
                             t->label);
        else
            done = write_change(p, pair, inv->module[t->module].entry.path, e);
    }
    if (done)
        op_emit(ctx, "renewed",
                json_pack("{s:s, s:s?, s:s, s:s?, s:s}", "path", p->path, "old-certificate",
                          p->certificate, "certificate", pair->pin, "old-key", p->key, "key",
                          pair->key_uri));
    pairs_free(&pairs);
    wire_objects_free(&all);
    return done;
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct profile *p = profile_load(op_text(a, "NAME"), NULL, e);
    struct inventory inv;
    struct token *t;
    bool done = false;

    if (p == NULL)
        return false;
    if (p->use != NULL)
        error_set(e, ERROR_USAGE, "'%s' has its certificate from '%s'; renew that one", p->name,
                  p->use);
    else if (op_inventory(a, ctx, false, &inv, e)) {
        t = op_given(a, "token") || p->key == NULL ? op_token(a, "token", &inv, e)
                                                   : inventory_find(&inv, p->key, e);
        done = t != NULL && renew(p, a, ctx, &inv, t, e);
        inventory_free(&inv);
    }
    profile_free(&p);
    return done;
}

static void text(const char *kind, const json_t *r, unsigned width, bool colour, struct buffer *out)
{
    (void)kind, (void)width, (void)colour;
    buffer_printf(out, "Changed %s\n", op_string(r, "path"));
    op_line(out, "certificate was", op_string(r, "old-certificate"));
    op_line(out, "certificate", op_string(r, "certificate"));
    op_line(out, "key", op_string(r, "key"));
}

const struct op op_profile_renew = {
    .verb = "profile renew",
    .group = "Profiles",
    .summary = "move a profile to the new certificate on its token, or on another",
    .example = "signet profile renew release\nsignet profile renew release --token @2",
    .effects = OP_WRITES,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
