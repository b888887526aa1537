/* SPDX-License-Identifier: Apache-2.0 */
/* signet init: a token made new, with its label and its PINs. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "gate/init.h"
#include "op/loss.h"
#include "op/new_key.h"
#include "op/ops.h"
#include "op/record.h"
#include "op/session.h"
#include "op/text.h"
#include "token/uri.h"

static const struct op_arg args[] = {
    {.name = "TOKEN",
     .type = OP_TOKEN,
     .positional = true,
     .required = true,
     .help = "@number, label, serial or pkcs11: URI; 'new' is the one that is not initialised yet, "
             "'new:7' that in slot 7"},
    {.name = "label",
     .type = OP_TEXT,
     .value = "LABEL",
     .required = true,
     .help = "the token's new name, 32 bytes at most"},
    {.name = "so-pin",
     .type = OP_PIN,
     .value = "SOURCE",
     .help = "where the present SO PIN comes from; a new token has none, unless its maker set one"},
    {.name = "new-so-pin",
     .type = OP_PIN,
     .value = "SOURCE",
     .help = "where the new SO PIN comes from; without it, a token that has one keeps it"},
    {.name = "new-pin",
     .type = OP_PIN,
     .value = "SOURCE",
     .default_text = "prompt",
     .help = "where the user's new PIN comes from; a prompt asks twice"},
};

enum { LABEL_MAX = 32 };

static bool is_initialised(const struct token *t)
{
    return (t->slot.token.flags & CKF_TOKEN_INITIALIZED) != 0;
}

static bool check_label(const char *label, struct error *e)
{
    size_t length = strlen(label);

    if (length == 0 || length > LABEL_MAX)
        return error_set(e, ERROR_USAGE, "--label: a token's label has 1 to %d bytes, not %zu",
                         LABEL_MAX, length);
    return new_label_check(label, e);
}

static struct token *find(const struct op_args *a, const struct inventory *inv, struct error *e)
{
    struct error blank = ERROR_INIT;
    struct token *t = inventory_find_new(inv, op_text(a, "TOKEN"), &blank);

    if (t != NULL)
        return t;
    if (blank.code == ERROR_NONE)
        return op_token(a, "TOKEN", inv, e);
    if (e != NULL)
        *e = blank;
    return NULL;
}

static bool read_loss(struct op_ctx *ctx, const struct inventory *inv, const struct token *t,
                      struct loss *out, struct error *e)
{
    struct wire_objects all;

    if (!op_loss_init(out))
        return error_set_memory(e);
    if (!is_initialised(t))
        return true;
    if (!objects_read(inventory_host(inv, t), t->slot.id, NULL, ctx->cancel, &all, e))
        return false;
    for (size_t i = 0; i < all.count; i++)
        op_loss_add(out, &t->slot, &all, &all.object[i]);
    /* Before a login no token shows all, and to log in for this would be one more use of a PIN. */
    out->incomplete = (t->slot.token.flags & CKF_USER_PIN_INITIALIZED) != 0;
    wire_objects_free(&all);
    return true;
}

static bool confirm(struct op_ctx *ctx, const struct token *t, const struct loss *l,
                    struct error *e)
{
    char *what;
    bool typed;

    op_loss_tell(l, ctx);
    if (l->incomplete)
        op_tell(ctx, "lost: all that '%s' hides before a login, too", t->label);
    if (json_array_size(l->list) == 0 && !l->incomplete)
        return !is_initialised(t) || op_ask_yes(ctx, "'%s' is empty. Make it new?", t->label) ||
               error_set(e, ERROR_USAGE, "nothing was done; --yes says so beforehand");
    what = text_format("All keys and certificates of '%s' are LOST FOR EVER. Type its label",
                       t->label);
    typed = what != NULL && op_loss_type_label(ctx, what, t->label, e);
    free(what);
    return typed;
}

/* The sources of the PINs, as they are used. */
struct sources {
    struct pin_source *so_pin, *new_so_pin, *new_pin;
    bool first_so_pin;
};

static void free_sources(struct sources *s)
{
    pin_source_free(&s->so_pin);
    pin_source_free(&s->new_so_pin);
    pin_source_free(&s->new_pin);
}

/* One whose maker set one says that it is to be changed. So does SoftHSM where there is none, but
 * calls it locked, too. */
static bool has_makers_so_pin(const struct token *t)
{
    CK_FLAGS flags = t->slot.token.flags;

    return (flags & CKF_SO_PIN_TO_BE_CHANGED) != 0 && (flags & CKF_SO_PIN_LOCKED) == 0;
}

/* A fresh token gets its SO PIN from C_InitToken itself; where there is one, that would be a try of
 * it. */
static bool parse_sources(const struct op_args *a, const struct token *t, struct sources *out,
                          struct error *e)
{
    const char *usual = gate_default_source(&t->slot.token);
    const char *present = op_text(a, "so-pin"), *fresh = op_text(a, "new-so-pin");

    out->first_so_pin = !is_initialised(t) && present == NULL && !has_makers_so_pin(t);
    if (out->first_so_pin) {
        present = fresh;
        fresh = NULL;
    }
    out->so_pin = pin_source_parse(present == NULL ? usual : present, e);
    out->new_pin = pin_source_parse(op_given(a, "new-pin") ? op_text(a, "new-pin") : usual, e);
    if (fresh != NULL)
        out->new_so_pin = pin_source_parse(fresh, e);
    if (out->so_pin == NULL || out->new_pin == NULL || (fresh != NULL && out->new_so_pin == NULL))
        return false;
    if ((pin_source_kind(out->so_pin) == PIN_PINPAD) !=
        (pin_source_kind(out->new_pin) == PIN_PINPAD))
        return error_set(e, ERROR_USAGE,
                         "at a reader's own keys all PINs are typed: pinpad goes for all of them "
                         "or for none");
    return true;
}

/* Whether another token has this label, too: then a verb wants the URI. */
static bool is_shared(const struct inventory *inv, const struct token *t, const char *label)
{
    for (size_t i = 0; i < inv->token_count; i++)
        if (&inv->token[i] != t && inv->token[i].hidden == NULL &&
            strcmp(inv->token[i].label, label) == 0)
            return true;
    return false;
}

static json_t *document(const struct wire_slot *slot, const struct sources *s, struct loss *l,
                        bool shared)
{
    return json_pack(
        "{s:o, s:o, s:b, s:o, s:s, s:s, s:O}", "token",
        record_take(text_padded(slot->token.label, sizeof slot->token.label)), "uri",
        record_take(token_uri_of_slot(slot)), "label-shared", shared, "serial",
        record_take(text_padded(slot->token.serialNumber, sizeof slot->token.serialNumber)),
        "so-pin", s->first_so_pin || s->new_so_pin != NULL ? "set" : "kept", "user-pin", "set",
        "lost", l->list);
}

static bool initialise(const struct op_args *a, struct op_ctx *ctx, struct inventory *inv,
                       const struct token *t, struct loss *l, struct error *e)
{
    struct gate_person person = op_person(ctx);
    struct sources sources = {0};
    struct wire_slot made = {0};
    struct host *host;
    bool done = parse_sources(a, t, &sources, e);

    if (done) {
        const struct gate_request request = {
            .module = inv->module[t->module].entry.path,
            .device = t->device,
            .slot = &t->slot,
            .role = WIRE_PIN_SO,
            .actor = gate_actor_of(sources.so_pin),
            .source = sources.so_pin,
            .wait_ms = OP_WAIT_MS,
            .person = &person,
            .program = ctx->op->verb,
            .cancel = ctx->cancel,
        };
        const struct gate_new_token what = {
            .label = op_text(a, "label"),
            .first_so_pin = sources.first_so_pin,
            .new_so_pin = sources.new_so_pin,
            .new_pin = sources.new_pin,
        };

        host = op_take_host(inv, t);
        done = gate_init_token(&request, &what, &host, &made, e);
    }
    if (done)
        op_emit(ctx, "initialised",
                document(&made, &sources, l, is_shared(inv, t, op_text(a, "label"))));
    wire_slot_free(&made);
    free_sources(&sources);
    return done;
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct inventory inv;
    struct loss loss = {0};
    struct token *t;
    bool done;

    if (!check_label(op_text(a, "label"), e) || !op_inventory(a, ctx, &inv, e))
        return false;
    t = find(a, &inv, e);
    done = t != NULL && read_loss(ctx, &inv, t, &loss, e) && confirm(ctx, t, &loss, e) &&
           initialise(a, ctx, &inv, t, &loss, e);
    op_loss_free(&loss);
    inventory_free(&inv);
    return done;
}

static void text(const char *kind, const json_t *record, unsigned width, bool colour,
                 struct buffer *out)
{
    const char *label = op_string(record, "token"), *uri = op_string(record, "uri");
    bool shared = op_true(record, "label-shared");

    (void)kind, (void)width, (void)colour;
    buffer_printf(out, "'%s' is initialised; its PIN is set, and its SO PIN %s.\n",
                  op_string(record, "token"),
                  strcmp(op_string(record, "so-pin"), "set") == 0 ? "too" : "is the old one");
    buffer_printf(out, "  %-19s '%s'\n", "URI", uri);
    if (shared)
        buffer_printf(out, "Another token is named '%s', too: only the URI tells them apart.\n",
                      label);
    /* A quote in the label would end the shell's. */
    buffer_printf(out, "Next: signet keygen '%s' --type rsa:3072 --label NAME\n",
                  shared || strchr(label, '\'') != NULL ? uri : label);
}

const struct op op_init = {
    .verb = "init",
    .group = "Keys",
    .summary = "make a token new: its label, its PINs, and nothing else on it",
    .description =
        "All keys and certificates of the token are lost, and are named before they are. Where a "
        "token has any, or hides what it has, its label must be typed on a terminal; --yes does "
        "not answer that. A token that is initialised wants its present SO PIN, and a wrong one "
        "costs a try of it. All PINs are asked for before anything is lost.",
    .example = "signet init new --label release\n"
               "signet init @1 --label release --so-pin prompt",
    .effects = OP_LOGS_IN | OP_CHANGES | OP_DESTROYS | OP_OWN_SECRETS,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
