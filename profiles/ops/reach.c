/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/ops/reach.h"

#include <string.h>

#include "op/session.h"

static bool read_inventory(struct reach *out, const struct op_args *a, struct op_ctx *ctx,
                           const char *module, struct error *e)
{
    struct inventory_options options = {.modules = &module, .module_count = 1};

    if (module == NULL || op_count(a, "module") > 0)
        return op_inventory(a, ctx, &out->inventory, e);
    return inventory_read(&out->inventory, &options, ctx->cancel, e);
}

/* A module that crashed or hung is the better answer to "no such token". */
static void blame_host(const struct inventory *inv, struct error *e)
{
    for (size_t i = 0; i < inv->module_count; i++)
        if (inv->module[i].error.code == ERROR_HOST && e != NULL && e->code == ERROR_MISSING)
            e->code = ERROR_HOST;
}

bool reach_token(struct reach *out, const struct op_args *a, struct op_ctx *ctx, const char *module,
                 const char *name, struct error *e)
{
    *out = (struct reach){0};
    if (!read_inventory(out, a, ctx, module, e))
        return false;
    out->token = inventory_find(&out->inventory, name, e);
    if (out->token == NULL)
        blame_host(&out->inventory, e);
    return out->token != NULL;
}

bool reach_objects(struct reach *out, const struct op_args *a, struct op_ctx *ctx,
                   const char *module, const char *name, struct error *e)
{
    return reach_token(out, a, ctx, module, name, e) &&
           objects_read(inventory_host(&out->inventory, out->token), out->token->slot.id, NULL,
                        ctx->cancel, &out->objects, e);
}

void reach_free(struct reach *r)
{
    wire_objects_free(&r->objects);
    inventory_free(&r->inventory);
    *r = (struct reach){0};
}

const struct module_entry *reach_module(const struct reach *r)
{
    return &r->inventory.module[r->token->module].entry;
}

bool reach_is_module(const struct reach *r, const char *module)
{
    const struct module_entry *entry = reach_module(r);

    return strcmp(module, entry->name) == 0 || strcmp(module, entry->path) == 0;
}
