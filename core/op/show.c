/* SPDX-License-Identifier: Apache-2.0 */
/* signet show: one thing in full. */
#include <string.h>

#include "cert/chain.h"
#include "cert/view.h"
#include "op/ops.h"
#include "op/record.h"
#include "op/session.h"
#include "op/text.h"
#include "token/uri.h"

static const struct op_arg args[] = {
    {.name = "URI",
     .type = OP_OBJECT,
     .positional = true,
     .required = true,
     .help = "pkcs11: URI of a key or certificate, in quotes; or a token, as @1"},
};

static json_t *token_document(const struct inventory *inv, const struct token *t)
{
    return json_pack("{s:o, s:o}", "token", record_token(inv, t, true), "module",
                     record_module(&inv->module[t->module]));
}

/* The way to a root, as far as the token's own certificates lead. */
static void add_chain(json_t *record, const struct wire_objects *all,
                      const struct wire_object *leaf)
{
    STACK_OF(X509) *pool = sk_X509_new_null(), *chain = NULL;
    X509 *x = record_x509(leaf);
    json_t *list = json_array();
    char *missing = NULL;

    for (size_t i = 0; i < all->count; i++) {
        X509 *other = all->object[i].class == CKO_CERTIFICATE ? record_x509(&all->object[i]) : NULL;

        if (other != NULL && sk_X509_push(pool, other) <= 0)
            X509_free(other);
    }
    if (x != NULL)
        chain = cert_chain_build(x, pool, &missing, NULL);
    for (int i = 0; i < sk_X509_num(chain); i++)
        json_array_append_new(list, record_take(cert_subject(sk_X509_value(chain, i))));
    json_object_set_new(record, "chain", list);
    json_object_set_new(record, "chain-missing", record_take(missing));
    sk_X509_pop_free(chain, X509_free);
    sk_X509_pop_free(pool, X509_free);
    X509_free(x);
}

static json_t *object_document(const struct token *t, const struct wire_objects *all,
                               const struct wire_object *o)
{
    json_t *record = record_object(&t->slot, all, o);

    if (o->class == CKO_CERTIFICATE)
        add_chain(record, all, o);
    return record;
}

static bool show_object(struct op_ctx *ctx, const struct inventory *inv, const struct token *t,
                        const char *name, struct error *e)
{
    struct wire_objects all;
    const struct wire_object *o;

    if (!objects_read(inventory_host(inv, t), t->slot.id, NULL, ctx->cancel, &all, e))
        return false;
    o = op_object(&all, t, name, NULL, e);
    if (o != NULL)
        op_emit(ctx, "object", object_document(t, &all, o));
    wire_objects_free(&all);
    return o != NULL;
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    const char *name = op_text(a, "URI");
    struct token_uri *uri = token_uri_is(name) ? token_uri_parse(name, e) : NULL;
    struct inventory inv;
    struct token *t;
    bool shown = false;

    if (token_uri_is(name) && uri == NULL)
        return false;
    if (op_inventory(a, ctx, &inv, e)) {
        t = op_token(a, "URI", &inv, e);
        if (t != NULL && uri != NULL && token_uri_names_object(uri)) {
            shown = show_object(ctx, &inv, t, name, e);
        } else if (t != NULL) {
            op_emit(ctx, "token", token_document(&inv, t));
            shown = true;
        }
        inventory_free(&inv);
    }
    token_uri_free(&uri);
    return shown;
}

static void text_chain(const json_t *record, struct buffer *out)
{
    const json_t *chain = json_object_get(record, "chain");
    size_t index;
    json_t *subject;

    json_array_foreach(chain, index, subject)
    {
        op_line(out, index == 0 ? "chain" : "", json_string_value(subject));
    }
    if (*op_string(record, "chain-missing") != '\0')
        op_field(out, record, "missing", "chain-missing");
}

void op_text_certificate(const json_t *c, struct buffer *out)
{
    op_field(out, c, "serial", "serial");
    op_field(out, c, "key", "key");
    op_field(out, c, "key usage", "key-usage");
    op_field(out, c, "CA", "ca");
    op_field(out, c, "SHA-1", "sha1");
    buffer_append_text(out, op_string(c, "pem"));
}

static void text_token(const json_t *record, struct buffer *out)
{
    const json_t *t = json_object_get(record, "token"), *memory = json_object_get(t, "memory");
    const json_t *module = json_object_get(record, "module");

    op_text_token(t, out);
    op_field(out, t, "SO PIN", "so-pin");
    op_field(out, t, "hardware", "hardware-version");
    op_field(out, t, "firmware", "firmware-version");
    op_field(out, t, "time", "utc-time");
    op_field(out, json_object_get(t, "sessions"), "sessions, at most", "maximum");
    op_field(out, memory, "public memory free", "public-free");
    op_field(out, memory, "private memory free", "private-free");
    op_field(out, json_object_get(t, "slot"), "slot", "description");
    op_field(out, module, "module file", "path");
    op_field(out, module, "module version", "library-version");
    op_text_mechanisms(t, out);
}

static void text(const char *kind, const json_t *record, unsigned width, bool colour,
                 struct buffer *out)
{
    (void)width, (void)colour;
    if (strcmp(kind, "token") == 0) {
        text_token(record, out);
        return;
    }
    op_text_object(record, out);
    text_chain(record, out);
    if (json_object_get(record, "certificate") != NULL)
        op_text_certificate(json_object_get(record, "certificate"), out);
}

const struct op op_show = {
    .verb = "show",
    .group = "Look",
    .summary = "show one token, key or certificate in full",
    .example = "signet show @1\nsignet show 'pkcs11:token=release;id=%01;type=cert'",
    .effects = OP_READS,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
