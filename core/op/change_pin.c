/* SPDX-License-Identifier: Apache-2.0 */
/* signet change-pin: C_SetPIN through the gate. */
#include <string.h>

#include "op/ops.h"
#include "op/session.h"
#include "op/text.h"

static const struct op_arg args[] = {
    {.name = "TOKEN",
     .type = OP_TOKEN,
     .positional = true,
     .help = "@number, label, serial or pkcs11: URI; without it, the only token there is"},
    {.name = "new-pin",
     .type = OP_PIN,
     .value = "SOURCE",
     .default_text = "prompt",
     .help = "where the new PIN comes from, in the words of --pin; a prompt asks twice"},
    {.name = "so", .type = OP_FLAG, .help = "the SO PIN, not the user's"},
    {.name = "so-pin",
     .type = OP_PIN,
     .value = "SOURCE",
     .help = "where the present SO PIN comes from; with it, that one is changed"},
};

static bool is_so(const struct op_args *a)
{
    return op_flag(a, "so") || op_given(a, "so-pin");
}

/* The source and the role of the PIN that is to be changed. */
static bool choose(const struct op_args *a, struct gate_request *request,
                   struct pin_source **source, struct error *e)
{
    if (!is_so(a))
        return true;
    request->role = WIRE_PIN_SO;
    if (!op_given(a, "so-pin"))
        return true;
    if (op_given(a, "pin"))
        return error_set(e, ERROR_USAGE, "--pin and --so-pin both name the old PIN; one will do");
    pin_source_free(source);
    *source = pin_source_parse(op_text(a, "so-pin"), e);
    if (*source == NULL)
        return false;
    request->source = *source;
    request->actor = gate_actor_of(*source);
    return true;
}

static bool change(const struct op_args *a, struct op_ctx *ctx, struct inventory *inv,
                   struct token *t, struct error *e)
{
    struct gate_person person = op_person(ctx);
    struct pin_source *source = NULL, *fresh = pin_source_parse(op_text(a, "new-pin"), e);
    struct gate_request request;
    struct host *host;
    bool done = false;

    if (fresh != NULL && op_gate_request(a, ctx, inv, t, &person, &source, &request, e)) {
        done = choose(a, &request, &source, e);
        if (done) {
            host = op_take_host(inv, t);
            done = gate_change_pin(&request, fresh, &host, e);
        }
    }
    pin_source_free(&source);
    pin_source_free(&fresh);
    if (done)
        op_emit(ctx, "changed",
                json_pack("{s:s, s:s}", "token", t->label, "pin", is_so(a) ? "so" : "user"));
    return done;
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct inventory inv;
    struct token *t;
    bool done;

    if (!op_inventory(a, ctx, &inv, e))
        return false;
    t = op_token(a, "TOKEN", &inv, e);
    done = t != NULL && change(a, ctx, &inv, t, e);
    inventory_free(&inv);
    return done;
}

static void text(const char *kind, const json_t *record, unsigned width, bool colour,
                 struct buffer *out)
{
    bool so = strcmp(op_string(record, "pin"), "so") == 0;

    (void)kind, (void)width, (void)colour;
    buffer_printf(out, "The %s of '%s' is changed. %s need the new one.\n", so ? "SO PIN" : "PIN",
                  op_string(record, "token"),
                  so ? "Those who set PINs by it" : "Builds that use it");
}

const struct op op_change_pin = {
    .verb = "change-pin",
    .group = "PINs",
    .summary = "change the PIN of a token",
    .description = "One change, with the old PIN tried once. Both PINs must fit the token's limits "
                   "before anything is sent.",
    .example = "signet change-pin @1",
    .effects = OP_LOGS_IN | OP_CHANGES,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
