/* SPDX-License-Identifier: Apache-2.0 */
#include "op/named.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "op/session.h"
#include "token/card.h"
#include "token/uri.h"

/* Readers, and who asks for them. */
struct readers {
    struct host *host;
    struct wire_readers list;
    struct error why; /* why there are none; ERROR_NONE */
};

/* False only when cancelled: a machine without readers has tokens all the same. */
static bool readers_open(struct readers *r, struct op_ctx *ctx, struct error *e)
{
    *r = (struct readers){0};
    if (!card_service_is_there()) {
        error_set(&r->why, ERROR_TOKEN, "pcscd does not run here");
        return true;
    }
    r->host = card_host_start(ctx->cancel, &r->why);
    if (r->host != NULL && !card_readers(r->host, ctx->cancel, &r->list, &r->why))
        r->list = (struct wire_readers){0};
    return r->why.code != ERROR_CANCELLED || error_set(e, r->why.code, "%s", r->why.text);
}

static void readers_close(struct readers *r)
{
    wire_readers_free(&r->list);
    host_stop(&r->host);
}

/* Names of tokens alone begin so. */
static bool can_be_reader(const char *name)
{
    return *name != '\0' && *name != '@' && !token_uri_is(name);
}

static bool has_reader(const struct readers *r, const char *name)
{
    for (size_t i = 0; i < r->list.count; i++)
        if (strcmp(r->list.reader[i].name, name) == 0)
            return true;
    return false;
}

bool op_named_reader(const char *name, struct op_ctx *ctx, bool *is, struct error *e)
{
    struct readers readers;
    bool asked;

    *is = false;
    if (!can_be_reader(name))
        return true;
    asked = readers_open(&readers, ctx, e);
    *is = asked && has_reader(&readers, name);
    readers_close(&readers);
    return asked;
}

/* The tokens of that reader. */
static bool take_reader(struct named *out, const struct inventory *inv, const char *reader,
                        struct error *e)
{
    for (size_t i = 0; i < inv->token_count; i++) {
        const struct token *t = &inv->token[i];

        if (t->hidden != NULL || !card_is_slot(reader, &t->slot.info))
            continue;
        if (out->token == NULL)
            out->token = t;
        out->tokens++;
    }
    out->reader = strdup(reader);
    return out->reader != NULL || error_set_memory(e);
}

static bool has_serial(const struct wire_card *card, const char *name)
{
    for (size_t i = 0; i < card->count; i++)
        if (strcasecmp(card->application[i].serial, name) == 0)
            return true;
    return false;
}

/* Without a name, any card fits. One that cannot be read is known by its reader. */
static bool fits(struct readers *r, const char *reader, const char *name, struct op_ctx *ctx)
{
    struct wire_card card;
    bool is;

    if (name == NULL || strncasecmp(reader, name, strlen(name)) == 0)
        return true;
    if (!card_read(r->host, reader, true, ctx->cancel, &card, NULL))
        return false;
    is = has_serial(&card, name);
    wire_card_free(&card);
    return is;
}

static bool several(const char *name, struct error *e)
{
    if (name == NULL)
        return error_set(e, ERROR_USAGE, "several cards are here; say which by its reader's name");
    return error_set(e, ERROR_USAGE,
                     "'%s': several readers with a card fit; say the whole name of one", name);
}

/* `missing`: why it is no token. */
static bool find_card(struct named *out, struct readers *r, const char *name,
                      const struct inventory *inv, struct op_ctx *ctx, const struct error *missing,
                      struct error *e)
{
    const char *found = NULL;

    for (size_t i = 0; i < r->list.count; i++) {
        const char *reader = r->list.reader[i].name;

        if (!r->list.reader[i].present || !fits(r, reader, name, ctx))
            continue;
        if (found != NULL)
            return several(name, e);
        found = reader;
    }
    if (cancel_requested(ctx->cancel))
        return error_set(e, ERROR_CANCELLED, "cancelled while reading the cards");
    if (found != NULL)
        return take_reader(out, inv, found, e);
    if (r->why.code != ERROR_NONE)
        return error_set(e, missing->code, "%s; readers: %s", missing->text, r->why.text);
    return error_set(e, missing->code, "%s%s", missing->text,
                     r->list.count > 0 ? "; no reader with a card has that name" : "");
}

static bool any_listed(const struct inventory *inv)
{
    for (size_t i = 0; i < inv->token_count; i++)
        if (inv->token[i].hidden == NULL)
            return true;
    return false;
}

/* A card may be meant where no token fits: without a name, never one beside tokens that were not
 * chosen from. */
static bool find(struct named *out, struct readers *r, const char *name,
                 const struct inventory *inv, struct op_ctx *ctx, struct error *e)
{
    struct error missing = ERROR_INIT;

    if (name != NULL && has_reader(r, name))
        return take_reader(out, inv, name, e);
    out->token = op_token_by(name, inv, &missing);
    out->tokens = out->token != NULL;
    if (out->token != NULL)
        return true;
    if (missing.code == ERROR_USAGE || (name != NULL && !can_be_reader(name)) ||
        (name == NULL && (any_listed(inv) || missing.code == ERROR_HOST)))
        return error_set(e, missing.code, "%s", missing.text);
    return find_card(out, r, name, inv, ctx, &missing, e);
}

bool op_named(const char *name, const struct inventory *inv, struct op_ctx *ctx, struct named *out,
              struct error *e)
{
    struct readers readers = {0};
    bool found;

    *out = (struct named){0};
    found = (name != NULL && !can_be_reader(name)) || readers_open(&readers, ctx, e);
    found = found && find(out, &readers, name, inv, ctx, e);
    readers_close(&readers);
    return found;
}

void op_named_free(struct named *n)
{
    free(n->reader);
    *n = (struct named){0};
}

struct token *op_named_token(const char *name, struct inventory *inv, struct op_ctx *ctx,
                             struct error *e)
{
    struct token *token = NULL;
    struct named named;

    if (!op_named(name, inv, ctx, &named, e))
        return NULL;
    if (named.tokens == 1)
        token = &inv->token[named.token - inv->token];
    else if (named.tokens > 1)
        error_set(e, ERROR_USAGE,
                  "several tokens are in the reader '%s', the first of them @%u; "
                  "say which, as signet tokens lists them",
                  named.reader, named.token->number);
    else
        error_set(e, ERROR_UNFIT,
                  "no module here shows the card in '%s' as a token, and this goes by a module: "
                  "'signet doctor' says which is missing",
                  named.reader);
    op_named_free(&named);
    return token;
}

bool op_with_token(const struct op_args *a, struct op_ctx *ctx,
                   bool (*act)(const struct op_args *a, struct op_ctx *ctx, struct inventory *inv,
                               struct token *t, struct error *e),
                   struct error *e)
{
    struct inventory inv;
    struct token *t;
    bool done;

    if (!op_inventory(a, ctx, &inv, e))
        return false;
    t = op_named_token(op_text(a, "TOKEN"), &inv, ctx, e);
    done = t != NULL && act(a, ctx, &inv, t, e);
    inventory_free(&inv);
    return done;
}
