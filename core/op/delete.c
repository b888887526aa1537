/* SPDX-License-Identifier: Apache-2.0 */
/* signet delete: a key, both its halves, or a certificate. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cert/view.h"
#include "op/loss.h"
#include "op/ops.h"
#include "op/record.h"
#include "op/session.h"
#include "op/text.h"
#include "token/uri.h"
#include "token/write.h"

static const struct op_arg args[] = {
    {.name = "URI",
     .type = OP_OBJECT,
     .positional = true,
     .required = true,
     .help = "pkcs11: URI of a key or certificate, in quotes; with type=private or type=cert where "
             "both have its id"},
    {.name = "certificate",
     .type = OP_TEXT,
     .value = "SHA256",
     .help = "the certificate with this fingerprint (sha256:…), where a key has several"},
    {.name = "certificates",
     .type = OP_FLAG,
     .help = "of a key: its certificates, too; they are of no use without it"},
};

enum { MOST_PARTS = 64 };

/* What goes, in this order, and what else is of no use then. */
struct doomed {
    const struct wire_object *part[MOST_PARTS];
    size_t count;
    const struct wire_object *useless[MOST_PARTS]; /* certificates that stay without their key */
    size_t useless_count;
};

/* One that is of the class and has the name itself: all is seen after the login, and nothing stands
 * for another. */
static const struct wire_object *by_class(const struct wire_objects *all, const struct token *t,
                                          const struct token_uri *uri, CK_OBJECT_CLASS class,
                                          struct error *e)
{
    const struct wire_object *o = objects_find(all, &t->slot, uri, class, e);

    if (o == NULL || (o->class == class && token_uri_matches_object(uri, o)))
        return o;
    error_set(e, ERROR_MISSING,
              "nothing of that type has that name itself; signet objects --login lists what there "
              "is");
    return NULL;
}

/* One key or one certificate: where a name fits both, nothing is guessed. A key may have lost its
 * other half. */
static const struct wire_object *find_either(const struct wire_objects *all, const struct token *t,
                                             const char *name, const struct token_uri *uri,
                                             struct error *e)
{
    const struct wire_object *key = by_class(all, t, uri, CKO_PRIVATE_KEY, NULL), *certificate;

    if (key == NULL)
        key = by_class(all, t, uri, CKO_PUBLIC_KEY, NULL);
    certificate = by_class(all, t, uri, CKO_CERTIFICATE, key == NULL ? e : NULL);
    if (key == NULL && certificate == NULL && e != NULL && e->code == ERROR_MISSING)
        error_prefix(e, "neither key nor certificate has that name");
    if (key == NULL || certificate == NULL)
        return key != NULL ? key : certificate;
    error_set(e, ERROR_USAGE, "'%s' means a key and a certificate; add ;type=private or ;type=cert",
              name);
    return NULL;
}

static const struct wire_object *find(const struct wire_objects *all, const struct token *t,
                                      const char *name, const struct token_uri *uri,
                                      struct error *e)
{
    CK_OBJECT_CLASS class;

    if (!token_uri_names_object(uri)) {
        error_set(e, ERROR_USAGE, "'%s' names a token; signet init makes a token new", name);
        return NULL;
    }
    return token_uri_class(uri, &class) ? by_class(all, t, uri, class, e)
                                        : find_either(all, t, name, uri, e);
}

/* The certificates that a URI may mean, with their fingerprints, and the one that is asked for. */
struct choice {
    struct buffer list;
    size_t count;
    const struct wire_object *found;
};

static void look(struct choice *c, const struct wire_objects *all, const struct token_uri *uri,
                 const char *fingerprint)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct wire_object *o = &all->object[i];
        bool meant = o->class == CKO_CERTIFICATE && token_uri_matches_object(uri, o);
        X509 *x = meant ? record_x509(o) : NULL;
        char *pin = x == NULL ? NULL : cert_pin(x), end[CLOCK_TEXT_SIZE];

        if (pin != NULL)
            buffer_printf(&c->list, "%s%s (until %.10s)", c->count++ > 0 ? ", " : "", pin,
                          clock_text(cert_not_after(x), end));
        if (x != NULL && fingerprint != NULL && cert_pin_matches(x, fingerprint))
            c->found = o;
        free(pin);
        X509_free(x);
    }
}

/* Certificates of one key may have the same id and label: then the fingerprint tells them apart. */
static const struct wire_object *find_doomed(const struct op_args *a,
                                             const struct wire_objects *all, const struct token *t,
                                             struct error *e)
{
    const char *name = op_text(a, "URI"), *fingerprint = op_text(a, "certificate");
    struct token_uri *uri = token_uri_parse(name, e);
    struct choice c = {0};
    const char *there;

    if (uri == NULL)
        return NULL;
    look(&c, all, uri, fingerprint);
    there = c.count == 0 ? "none" : buffer_text(&c.list);
    if (fingerprint == NULL)
        c.found = find(all, t, name, uri, e);
    token_uri_free(&uri);
    if (c.found == NULL && fingerprint != NULL)
        error_set(e, ERROR_MISSING, "no certificate with that fingerprint goes by '%s'; there: %s",
                  name, there == NULL ? "?" : there);
    else if (c.found == NULL && c.count > 1)
        error_set(e, ERROR_USAGE, "'%s' names several certificates; choose by --certificate: %s",
                  name, there == NULL ? "?" : there);
    buffer_free(&c.list);
    return c.found;
}

static bool same_key(const struct wire_object *a, const struct wire_object *b)
{
    return a == b || objects_same_key(a, b);
}

static void add(struct doomed *d, const struct wire_object *o)
{
    if (d->count < MOST_PARTS)
        d->part[d->count++] = o;
}

static void add_class(struct doomed *d, const struct wire_objects *all,
                      const struct wire_object *key, CK_OBJECT_CLASS class)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->object[i].class == class && same_key(&all->object[i], key))
            add(d, &all->object[i]);
}

/* The private half first: what vouches for it goes behind it. */
static void choose(struct doomed *d, const struct op_args *a, const struct wire_objects *all,
                   const struct wire_object *o)
{
    if (o->class == CKO_CERTIFICATE) {
        add(d, o);
        return;
    }
    add_class(d, all, o, CKO_PRIVATE_KEY);
    add_class(d, all, o, CKO_PUBLIC_KEY);
    if (op_flag(a, "certificates"))
        add_class(d, all, o, CKO_CERTIFICATE);
    for (size_t i = 0; i < all->count && !op_flag(a, "certificates"); i++)
        if (all->object[i].class == CKO_CERTIFICATE && objects_same_key(&all->object[i], o) &&
            d->useless_count < MOST_PARTS)
            d->useless[d->useless_count++] = &all->object[i];
}

static void tell_useless(const struct doomed *d, const struct token *t, struct op_ctx *ctx)
{
    for (size_t i = 0; i < d->useless_count; i++) {
        json_t *brief = record_object_brief(&t->slot, d->useless[i]);
        X509 *x = record_x509(d->useless[i]);
        json_t *full = x == NULL ? NULL : record_certificate(x);

        op_tell(ctx, "certificate '%s', %s, to %.10s, can sign nothing any more without this key",
                op_string(brief, "label"), op_string(full, "subject"),
                op_string(full, "not-after"));
        json_decref(brief);
        json_decref(full);
        X509_free(x);
    }
}

static bool is_key(const struct wire_object *o)
{
    return o->class != CKO_CERTIFICATE;
}

/* The key's label as it is shown; a key without one goes by its token's. */
static char *name_of(const struct doomed *d, const struct token *t)
{
    const char *label = d->part[0]->label;

    return *label == '\0' ? strdup(t->label) : text_printable(label, strlen(label));
}

static bool ask(const struct doomed *d, struct op_ctx *ctx, const struct token *t,
                const char *label, bool unexpired, struct error *e)
{
    bool key = is_key(d->part[0]), typed;
    char *what;

    if (!key || !unexpired)
        return op_ask_yes(ctx, "Delete %s '%s' from '%s' for ever?",
                          key ? "the key" : "the certificate", label, t->label) ||
               error_set(e, ERROR_USAGE, "nothing was deleted; --yes says so beforehand");
    what = text_format("This key has a certificate that is valid yet, and is LOST FOR EVER. Type "
                       "the label '%s'",
                       label);
    typed = what != NULL && op_loss_type_label(ctx, what, label, e);
    free(what);
    return typed;
}

static bool confirm(const struct doomed *d, struct op_ctx *ctx, const struct token *t,
                    const struct loss *l, struct error *e)
{
    char *label = name_of(d, t);
    bool unexpired = l->unexpired, sure;

    op_loss_tell(l, ctx);
    tell_useless(d, t, ctx);
    for (size_t i = 0; i < d->useless_count; i++)
        unexpired = unexpired || op_loss_is_unexpired(d->useless[i]);
    sure = label == NULL ? error_set_memory(e) : ask(d, ctx, t, label, unexpired, e);
    free(label);
    return sure;
}

/* What is left is named, when the token stops half way. */
static bool destroy(const struct doomed *d, struct op_ctx *ctx, struct gate_session *s,
                    const struct token *t, struct error *e)
{
    for (size_t i = 0; i < d->count; i++) {
        struct wire_which which;
        char *uri;

        if (write_which(d->part[i], gate_slot(s), &which, e) &&
            write_delete(gate_host(s), &which, ctx->cancel, e))
            continue;
        if (i == 0)
            return error_prefix(e, "nothing was deleted, as far as the token tells");
        uri = token_uri_of_object(&t->slot, d->part[i]);
        error_prefix(e,
                     "%zu of %zu parts are deleted, the next is not, and is left: signet delete "
                     "'%s'",
                     i, d->count, uri == NULL ? "" : uri);
        free(uri);
        return false;
    }
    return true;
}

static json_t *document(const struct token *t, const struct loss *l, const struct doomed *d)
{
    json_t *left = json_array();

    for (size_t i = 0; i < d->useless_count; i++)
        json_array_append_new(left, record_object_brief(&t->slot, d->useless[i]));
    return json_pack("{s:s, s:O, s:o}", "token", t->label, "deleted", l->list, "certificates-left",
                     left);
}

static bool delete_from(const struct op_args *a, struct op_ctx *ctx, const struct token *t,
                        struct gate_session *s, const struct wire_objects *all, struct error *e)
{
    const struct wire_object *o = find_doomed(a, all, t, e);
    struct doomed doomed = {0};
    struct loss loss;
    bool done;

    if (o == NULL)
        return false;
    if (!op_loss_init(&loss))
        return error_set_memory(e);
    choose(&doomed, a, all, o);
    for (size_t i = 0; i < doomed.count; i++)
        op_loss_add(&loss, &t->slot, all, doomed.part[i]);
    done = confirm(&doomed, ctx, t, &loss, e) && destroy(&doomed, ctx, s, t, e);
    if (done)
        op_emit(ctx, "deleted", document(t, &loss, &doomed));
    op_loss_free(&loss);
    return done;
}

static bool log_in(const struct op_args *a, struct op_ctx *ctx, struct inventory *inv,
                   struct token *t, struct error *e)
{
    struct gate_person person = op_person(ctx);
    struct wire_objects all = {0};
    struct gate_session *session;
    struct pin_source *source;
    struct gate_request request;
    struct host *host;
    bool done = false;

    if (!op_gate_request(a, ctx, inv, t, &person, &source, &request, e))
        return false;
    host = op_take_host(inv, t);
    session = gate_open(&request, &host, e);
    if (session != NULL)
        done = objects_read(gate_host(session), gate_slot(session), NULL, ctx->cancel, &all, e) &&
               delete_from(a, ctx, t, session, &all, e);
    gate_close(&session);
    wire_objects_free(&all);
    pin_source_free(&source);
    return done;
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct inventory inv;
    struct token *t;
    bool done;

    if (!token_uri_is(op_text(a, "URI")))
        return error_set(e, ERROR_USAGE,
                         "'%s' is no pkcs11: URI; a thing that is to be deleted is named in full, "
                         "as signet objects lists it",
                         op_text(a, "URI"));
    if (!op_inventory(a, ctx, &inv, e))
        return false;
    t = op_token(a, "URI", &inv, e);
    done = t != NULL && log_in(a, ctx, &inv, t, e);
    inventory_free(&inv);
    return done;
}

static void list(const json_t *objects, const char *word, struct buffer *out)
{
    size_t index;
    json_t *o;

    json_array_foreach(objects, index, o)
    {
        buffer_printf(out, "%s: %s '%s'\n", word, op_string(o, "class"), op_string(o, "label"));
    }
}

static void text(const char *kind, const json_t *record, unsigned width, bool colour,
                 struct buffer *out)
{
    (void)kind, (void)width, (void)colour;
    list(json_object_get(record, "deleted"), "deleted", out);
    list(json_object_get(record, "certificates-left"), "left, without its key", out);
}

const struct op op_delete = {
    .verb = "delete",
    .group = "Keys",
    .summary = "delete a key or a certificate from the token, for ever",
    .description =
        "A key is both its halves. What is lost is named before, and what is of no use any more "
        "without it. A key whose certificate is valid yet is deleted only after its label was "
        "typed "
        "on a terminal; --yes does not answer that. Nothing is taken for another: the object on "
        "the "
        "token must have the id, label and value that were shown.",
    .example = "signet delete 'pkcs11:token=release;id=%01;type=private'",
    .effects = OP_LOGS_IN | OP_CHANGES | OP_DESTROYS,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
