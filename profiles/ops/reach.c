/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/ops/reach.h"

#include <string.h>

#include "op/named.h"
#include "op/session.h"

static bool read_inventory(struct reach *out, const struct op_args *a, struct op_ctx *ctx,
                           const char *module, struct error *e)
{
    struct inventory_options options = {.modules = &module, .module_count = 1};

    if (module == NULL || op_count(a, "module") > 0)
        return op_inventory(a, ctx, &out->inventory, e);
    return inventory_read(&out->inventory, &options, ctx->cancel, e);
}

bool reach_token(struct reach *out, const struct op_args *a, struct op_ctx *ctx, const char *module,
                 const char *name, struct error *e)
{
    *out = (struct reach){0};
    if (!read_inventory(out, a, ctx, module, e))
        return false;
    out->token = op_named_token(name, &out->inventory, ctx, e);
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
