/* SPDX-License-Identifier: Apache-2.0 */
#include "op/session.h"

#include "token/uri.h"

enum { MOST_MODULES = 64 };

bool op_inventory_with(const struct op_args *args, struct op_ctx *ctx,
                       struct inventory_options *options, struct inventory *out, struct error *e)
{
    const char *modules[MOST_MODULES];

    options->module_count = op_count(args, "module");
    options->pool = ctx->pool;
    if (options->module_count > MOST_MODULES)
        return error_set(e, ERROR_USAGE, "too many modules");
    for (size_t i = 0; i < options->module_count; i++)
        modules[i] = op_text_at(args, "module", i);
    if (options->module_count > 0)
        options->modules = modules;
    return inventory_read(out, options, ctx->cancel, e);
}

bool op_inventory(const struct op_args *args, struct op_ctx *ctx, struct inventory *out,
                  struct error *e)
{
    struct inventory_options options = {0};

    return op_inventory_with(args, ctx, &options, out, e);
}

/* A single --module that failed is the better answer to "no token". */
static void blame_module(const struct inventory *inv, struct error *e)
{
    for (size_t i = 0; i < inv->module_count; i++)
        if (inv->module[i].error.code == ERROR_HOST && e != NULL && e->code == ERROR_MISSING)
            e->code = ERROR_HOST;
}

struct token *op_token_by(const char *name, const struct inventory *inv, struct error *e)
{
    struct token *t = inventory_find(inv, name, e);

    if (t == NULL)
        blame_module(inv, e);
    return t;
}

struct token *op_token(const struct op_args *args, const char *name, const struct inventory *inv,
                       struct error *e)
{
    return op_token_by(op_text(args, name), inv, e);
}

bool op_gate_request(const struct op_args *args, struct op_ctx *ctx, const struct inventory *inv,
                     const struct token *t, const struct gate_person *person,
                     struct pin_source **source, struct gate_request *out, struct error *e)
{
    const char *text = op_text(args, "pin");

    *source = pin_source_parse(text == NULL ? gate_default_source(&t->slot.token) : text, e);
    if (*source == NULL)
        return false;
    *out = (struct gate_request){
        .module = inv->module[t->module].entry.path,
        .device = t->device,
        .slot = &t->slot,
        .role = WIRE_PIN_USER,
        .actor = gate_actor_of(*source),
        .source = *source,
        .wait_ms = OP_WAIT_MS,
        .person = person,
        .program = ctx->op->verb,
        .cancel = ctx->cancel,
    };
    return true;
}

void op_keep_env_pins(bool keep)
{
    pin_source_keep_env(keep);
}

/* The type in a URI; false when it has none, or the name is no URI. */
static bool asked_class(const char *name, CK_OBJECT_CLASS *class)
{
    struct token_uri *uri = token_uri_is(name) ? token_uri_parse(name, NULL) : NULL;
    bool asked = uri != NULL && token_uri_class(uri, class);

    token_uri_free(&uri);
    return asked;
}

const struct wire_object *op_object(const struct wire_objects *all, const struct token *t,
                                    const char *name, CK_OBJECT_CLASS *class, struct error *e)
{
    CK_OBJECT_CLASS wanted = CKO_CERTIFICATE;
    bool asked = asked_class(name, &wanted);
    const struct wire_object *o = objects_find_named(all, &t->slot, name, wanted, asked ? e : NULL);

    if (o == NULL && !asked) {
        wanted = CKO_PRIVATE_KEY;
        o = objects_find_named(all, &t->slot, name, wanted, e);
    }
    if (class != NULL)
        *class = wanted;
    return o;
}

struct host *op_take_host(struct inventory *inv, const struct token *t)
{
    struct host *host = inv->module[t->module].host;

    inv->module[t->module].host = NULL;
    return host;
}
