/* SPDX-License-Identifier: Apache-2.0 */
/* signet profile renew: on to the new certificate of the same subject or the same key. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "cert/load.h"
#include "cert/view.h"
#include "op/text.h"
#include "profiles/ops.h"
#include "profiles/ops/key_container.h"
#include "profiles/ops/pair.h"
#include "profiles/ops/reach.h"
#include "profiles/profile.h"
#include "token/uri.h"

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

/* The certificate that the profile signs with now, expired or not: from its file, or the token;
 * NULL where it is gone. */
static X509 *old_certificate(const struct profile *p, const struct wire_objects *all)
{
    STACK_OF(X509) * certificates;
    X509 *x = NULL;

    if (p->certificate == NULL)
        return NULL;
    if (strncasecmp(p->certificate, "sha256:", 7) == 0)
        return pair_certificate(all, p->certificate);
    certificates = sk_X509_new_null();
    if (certificates != NULL && cert_load_file(p->certificate, certificates, NULL))
        x = sk_X509_shift(certificates);
    sk_X509_pop_free(certificates, X509_free);
    return x;
}

/* The object with the public key of the profile's key, where it is on this token. */
static const struct wire_object *old_key(const struct profile *p, const struct reach *r)
{
    return p->key == NULL
               ? NULL
               : objects_find_named(&r->objects, &r->token->slot, p->key, CKO_PRIVATE_KEY, NULL);
}

static bool continues(const struct pair *pair, X509 *old, const struct wire_object *key)
{
    if (old != NULL &&
        (X509_NAME_cmp(X509_get_subject_name(pair->x), X509_get_subject_name(old)) == 0 ||
         EVP_PKEY_eq(X509_get0_pubkey(pair->x), X509_get0_pubkey(old)) == 1))
        return true;
    return key != NULL && pair_same_key(key, pair->x);
}

/* The newest that continues the old one. Where nothing is known of the old one, the only one. */
static const struct pair *choose(const struct pairs *pairs, const char *wanted, X509 *old,
                                 const struct wire_object *key)
{
    for (size_t i = 0; i < pairs->count; i++)
        if (wanted != NULL ? cert_pin_matches(pairs->pair[i].x, wanted)
                           : continues(&pairs->pair[i], old, key))
            return &pairs->pair[i];
    return wanted == NULL && old == NULL && key == NULL && pairs->count == 1 ? &pairs->pair[0]
                                                                             : NULL;
}

static bool no_choice(const struct pairs *pairs, const char *wanted, const struct reach *r,
                      struct error *e)
{
    if (wanted == NULL)
        return pairs_ask(pairs, r->token, &r->objects, e);
    return error_set(e, ERROR_MISSING, "'%s' has no certificate %s that can sign code now",
                     r->token->label, wanted);
}

/* What becomes of the profile's container, which is of one key. */
struct turn {
    struct key_container fresh; /* of the new key */
    bool same_key;
    bool was_computed; /* the old name is the one that OpenSC's minidriver computes */
    bool set, drop;    /* fresh is written; the old one is taken out, and there is no other */
};

/* A name that was read is written, also where there was none. A computed one follows a computed
 * one alone. The old one of another key would sign with that key: it goes. */
static void judge_turn(const struct profile *p, struct turn *t)
{
    bool known = t->fresh.name != NULL && (!t->fresh.computed || t->was_computed);
    bool same = known && p->container_name != NULL && p->container_provider != NULL &&
                strcmp(p->container_name, t->fresh.name) == 0 &&
                strcmp(p->container_provider, t->fresh.provider) == 0;

    t->set = known && !same;
    t->drop =
        !known && !t->same_key && (p->container_name != NULL || p->container_provider != NULL);
}

static bool is_same_key(const X509 *old, const struct wire_object *old_key, const struct pair *pair)
{
    if (old != NULL)
        return EVP_PKEY_eq(X509_get0_pubkey(old), X509_get0_pubkey(pair->x)) == 1;
    return old_key != NULL && pair_same_key(old_key, pair->x);
}

static bool read_turn(const struct profile *p, struct op_ctx *ctx, struct reach *r, const X509 *old,
                      const struct pair *pair, struct turn *out, struct error *e)
{
    const struct wire_object *key = old_key(p, r);
    struct key_container before = {0};
    struct seen seen;
    bool read = key_containers_read(r, ctx, &seen, e);

    *out = (struct turn){.same_key = is_same_key(old, key, pair)};
    if (read) {
        key_container_find(&seen, r, pair->certificate, &out->fresh);
        if (key != NULL && p->container_name != NULL)
            key_container_find(&seen, r, key, &before);
        out->was_computed = before.computed && strcmp(before.name, p->container_name) == 0;
        judge_turn(p, out);
        if (out->drop && out->fresh.name != NULL)
            snprintf(out->fresh.why, sizeof out->fresh.why,
                     "it is stored nowhere; OpenSC's minidriver would compute %s", out->fresh.name);
    }
    key_container_free(&before);
    op_seen_free(&seen);
    return read;
}

/* Only what changes is written: comments stay. */
static bool write_change(const struct profile *p, const struct pair *pair, const struct reach *r,
                         const struct turn *t, struct error *e)
{
    struct profile_change changes[5] = {
        {"key", pair->key_uri},
        {"certificate", pair->pin},
    };
    size_t count = 2;

    if (p->module != NULL && !reach_is_module(r, p->module))
        changes[count++] = (struct profile_change){"module", reach_module(r)->path};
    if (t->set || t->drop) {
        changes[count++] = (struct profile_change){"container.name", t->set ? t->fresh.name : NULL};
        changes[count++] =
            (struct profile_change){"container.provider", t->set ? t->fresh.provider : NULL};
    }
    return profile_change_file(p->path, changes, count, e);
}

static void report(const struct profile *p, const struct pair *pair, X509 *old,
                   const struct turn *t, struct op_ctx *ctx)
{
    op_emit(
        ctx, "renewed",
        json_pack("{s:s, s:s?, s:s, s:s?, s:s?, s:s?, s:o, s:s, s:o, s:o}", "path", p->path,
                  "old-certificate", p->certificate, "certificate", pair->pin, "old-key", p->key,
                  "old-container", t->set || t->drop ? p->container_name : NULL, "container",
                  t->set    ? t->fresh.name
                  : t->drop ? NULL
                            : p->container_name,
                  "container-seen", key_container_record(&t->fresh), "key", pair->key_uri, "old",
                  old == NULL ? json_null() : pair_record(old), "new", pair_record(pair->x)));
}

static bool renew(const struct profile *p, const struct op_args *a, struct op_ctx *ctx,
                  struct reach *r, struct error *e)
{
    const char *wanted = op_text(a, "certificate");
    X509 *old = old_certificate(p, &r->objects);
    struct pairs pairs = {0};
    struct turn turn = {0};
    const struct pair *pair;
    bool done = false;

    if (!pairs_find(r->token, &r->objects, NULL, &pairs, e))
        goto out;
    pair = choose(&pairs, wanted, old, old_key(p, r));
    if (pair == NULL)
        no_choice(&pairs, wanted, r, e);
    else if (old != NULL && X509_cmp(old, pair->x) == 0)
        error_set(e, ERROR_MISSING,
                  "'%s' has no newer certificate than the profile's; import it first",
                  r->token->label);
    else
        done = read_turn(p, ctx, r, old, pair, &turn, e) && write_change(p, pair, r, &turn, e);
    if (done)
        report(p, pair, old, &turn, ctx);
out:
    key_container_free(&turn.fresh);
    pairs_free(&pairs);
    X509_free(old);
    return done;
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct profile *p = profile_load(op_text(a, "NAME"), NULL, e);
    bool done = false;
    struct reach r;

    if (p == NULL)
        return false;
    if (p->use != NULL) {
        error_set(e, ERROR_USAGE, "'%s' has its certificate from '%s': signet profile renew %s",
                  p->name, p->use, p->use);
    } else {
        /* On another token, another module may show it. */
        bool other = op_given(a, "token");

        done = reach_objects(&r, a, ctx, other ? NULL : p->module,
                             other ? op_text(a, "token") : p->key, e) &&
               renew(p, a, ctx, &r, e);
        reach_free(&r);
    }
    profile_free(&p);
    return done;
}

static void certificate_line(struct buffer *out, const char *name, const json_t *certificate)
{
    struct buffer line = BUFFER_INIT;

    if (!json_is_object(certificate))
        return;
    buffer_printf(&line, "%s, until %.10s", op_string(certificate, "subject"),
                  op_string(certificate, "not-after"));
    op_line(out, name, buffer_text(&line));
    buffer_free(&line);
}

static void text_container(struct buffer *out, const json_t *r)
{
    const char *was = op_string(r, "old-container"), *is = op_string(r, "container");

    op_line(out, "container was", was);
    op_line(out, "container is", is);
    if (*was != '\0' && *is == '\0')
        buffer_printf(out,
                      "\nThe container '%s' is that of the old key, and was taken out: signtool "
                      "would sign with that key.\nThe new key's cannot be known here, because "
                      "%s.\nWhere you know it, write it down by signet profile edit.\n",
                      was, op_string(json_object_get(r, "container-seen"), "why-unknown"));
}

static void text(const char *kind, const json_t *r, unsigned width, bool colour, struct buffer *out)
{
    (void)kind, (void)width, (void)colour;
    buffer_printf(out, "Changed %s\n", op_string(r, "path"));
    op_line(out, "certificate was", op_string(r, "old-certificate"));
    certificate_line(out, "", json_object_get(r, "old"));
    op_line(out, "certificate is", op_string(r, "certificate"));
    certificate_line(out, "", json_object_get(r, "new"));
    if (strcmp(op_string(r, "old-key"), op_string(r, "key")) != 0)
        op_line(out, "key was", op_string(r, "old-key"));
    op_line(out, "key is", op_string(r, "key"));
    text_container(out, r);
    buffer_printf(out, "Next: signet-batch check '%s' finds what is missing, without a try\n",
                  op_string(r, "path"));
}

const struct op op_profile_renew = {
    .verb = "profile renew",
    .group = "Profiles",
    .summary = "move a profile to the new certificate on its token, or on another",
    .description =
        "Takes the certificate that expires last of those with the same subject or the same key. "
        "Only key, certificate, the key's container and, on another token, module are changed in "
        "the file; comments stay. The container of the old key goes, also where that of the new "
        "one cannot be known.",
    .example = "signet profile renew release\nsignet profile renew release --token @2",
    .effects = OP_WRITES,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
