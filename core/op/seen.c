/* SPDX-License-Identifier: Apache-2.0 */
#include "op/seen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "op/named.h"
#include "op/session.h"
#include "token/objects.h"
#include "token/uri.h"

/* It is more than PKCS#11 promises: a module that fails at it has the token shown without. */
static bool add_vendor(struct seen_token *one, struct host *h, const struct token *t,
                       struct op_ctx *ctx, struct error *e)
{
    struct error failed = ERROR_INIT;

    if (h == NULL || vendor_read(h, t->slot.id, ctx->cancel, &one->vendor, &failed))
        return true;
    if (failed.code == ERROR_CANCELLED)
        return error_set(e, failed.code, "%s", failed.text);
    op_tell(ctx, "%s: %s", t->label, failed.text);
    return true;
}

/* One token that cannot be read must not hide the others. */
static bool add_objects(struct seen_token *one, struct host *h, const struct token *t, bool named,
                        struct op_ctx *ctx, struct error *e)
{
    if (objects_read(h, t->slot.id, NULL, ctx->cancel, &one->objects, &one->unread))
        return true;
    if (!named && one->unread.code != ERROR_CANCELLED && one->unread.code != ERROR_MEMORY)
        return true;
    return error_set(e, one->unread.code, "%s", one->unread.text);
}

static bool add_token(struct seen *s, const struct inventory *inv, const struct token *t,
                      bool objects, bool named, struct op_ctx *ctx, struct error *e)
{
    struct seen_token *grown = reallocarray(s->token, s->token_count + 1, sizeof *grown), *one;

    if (grown == NULL)
        return error_set_memory(e);
    s->token = grown;
    one = &grown[s->token_count++];
    *one = (struct seen_token){
        .label = strdup(t->label),
        .serial = strdup(t->serial),
        .model = strdup(t->model),
        .uri = token_uri_of_slot(&t->slot),
        .module = strdup(inv->module[t->module].entry.path),
        .number = t->number,
        .info = t->slot.token,
        .maker = inv->module[t->module].info.info,
        .card = SEEN_NO_CARD,
    };
    if (one->label == NULL || one->serial == NULL || one->model == NULL || one->uri == NULL ||
        one->module == NULL)
        return error_set_memory(e);
    return (!objects || add_objects(one, inventory_host(inv, t), t, named, ctx, e)) &&
           add_vendor(one, inventory_host(inv, t), t, ctx, e);
}

/* NULL: all that are listed. */
static bool is_meant(const struct named *named, const struct token *t)
{
    if (named != NULL && named->reader == NULL)
        return t == named->token;
    return t->hidden == NULL && (named == NULL || card_is_slot(named->reader, &t->slot.info));
}

/* The slots of all tokens, to find their readers by. */
static bool add_tokens(struct seen *s, const struct named *named, const struct inventory *inv,
                       bool objects, CK_SLOT_INFO *slots, struct op_ctx *ctx, struct error *e)
{
    for (size_t i = 0; i < inv->token_count; i++) {
        const struct token *t = &inv->token[i];

        if (!is_meant(named, t))
            continue;
        slots[s->token_count] = t->slot.info;
        if (!add_token(s, inv, t, objects, named != NULL, ctx, e))
            return false;
    }
    return true;
}

/* A module that crashed or hung shows no token: that is no reason to say that none is here. */
static void tell_modules(const struct inventory *inv, struct op_ctx *ctx)
{
    for (size_t i = 0; i < inv->module_count; i++)
        if (inv->module[i].error.code != ERROR_NONE)
            op_tell(ctx, "%s", inv->module[i].error.text);
}

/* A host that rests keeps its hand on the card, that of a hidden token too. Modules without readers
 * (removable devices, PKCS#11 3.0 base section 3.2) rest on: some take seconds to start. */
static void let_go(struct inventory *inv, struct op_ctx *ctx)
{
    for (size_t i = 0; i < inv->token_count; i++) {
        struct inventory_module *m = &inv->module[inv->token[i].module];

        if (ctx->pool == NULL || !(inv->token[i].slot.info.flags & CKF_REMOVABLE_DEVICE))
            continue;
        host_pool_drop(ctx->pool, m->entry.path);
        host_stop(&m->host);
    }
}

/* `name`: NULL for all; *named is set where one is given. */
static bool read_modules(struct seen *s, const struct op_args *args, struct op_ctx *ctx,
                         const char *name, bool objects, struct named *named, CK_SLOT_INFO **slots,
                         struct error *e)
{
    struct inventory inv;
    bool read;

    if (!op_inventory(args, ctx, &inv, e))
        return false;
    tell_modules(&inv, ctx);
    *slots = calloc(inv.token_count + 1, sizeof **slots);
    read = (*slots != NULL || error_set_memory(e)) &&
           (name == NULL || op_named(name, &inv, ctx, named, e)) &&
           add_tokens(s, name == NULL ? NULL : named, &inv, objects, *slots, ctx, e);
    let_go(&inv, ctx);
    inventory_free(&inv);
    return read;
}

static bool add_card(struct seen *s, struct wire_card *card, struct error *e)
{
    struct wire_card *grown = reallocarray(s->card, s->card_count + 1, sizeof *grown);

    if (grown == NULL) {
        wire_card_free(card);
        return error_set_memory(e);
    }
    s->card = grown;
    grown[s->card_count++] = *card;
    return true;
}

/* Marks the tokens that are in this reader. */
static bool has_token(struct seen *s, const char *reader, const CK_SLOT_INFO *slots)
{
    bool has = false;

    for (size_t i = 0; i < s->token_count; i++)
        if (card_is_slot(reader, &slots[i])) {
            s->token[i].card = (int)s->card_count;
            has = true;
        }
    return has;
}

/* Pulled out meanwhile, perhaps: it stays in the list, with the reason instead of its figures. */
static bool add_unread(struct seen *s, const char *reader, const struct error *why, struct error *e)
{
    struct wire_card card = {.reader = {.name = strdup(reader)}};

    if (card.reader.name == NULL)
        return error_set_memory(e);
    snprintf(card.problem, sizeof card.problem, "%.*s", (int)sizeof card.problem - 1, why->text);
    text_make_printable(card.problem);
    return add_card(s, &card, e);
}

/* `only`: the cards of the tokens, and of this reader; NULL: `all`, or those of the tokens. */
static bool read_cards(struct seen *s, const CK_SLOT_INFO *slots, const char *only, bool all,
                       struct op_ctx *ctx, struct error *e)
{
    struct host *h = card_host_start(ctx->cancel, e);
    struct wire_readers readers = {0};
    bool read = h != NULL;

    if (read && !card_readers(h, ctx->cancel, &readers, &s->pcsc)) {
        readers = (struct wire_readers){0};
        read = s->pcsc.code != ERROR_CANCELLED || error_set(e, s->pcsc.code, "%s", s->pcsc.text);
    }
    for (size_t i = 0; read && i < readers.count; i++) {
        const char *reader = readers.reader[i].name;
        struct error failed = ERROR_INIT;
        struct wire_card card;

        if (!readers.reader[i].present ||
            (!has_token(s, reader, slots) && !all && (only == NULL || strcmp(reader, only) != 0)))
            continue;
        if (card_read_when_free(h, reader, false, ctx->cancel, &card, &failed)) {
            read = add_card(s, &card, e);
            continue;
        }
        read = failed.code == ERROR_CANCELLED ? error_set(e, failed.code, "%s", failed.text)
                                              : add_unread(s, reader, &failed, e);
        if (read && !host_alive(h)) {
            host_stop(&h);
            h = card_host_start(ctx->cancel, e);
            read = h != NULL;
        }
    }
    wire_readers_free(&readers);
    host_stop(&h);
    return read;
}

bool op_seen(const struct op_args *args, struct op_ctx *ctx, const char *name, bool objects,
             struct seen *out, struct error *e)
{
    const char *given = op_given(args, name) ? op_text(args, name) : NULL;
    CK_SLOT_INFO *slots = NULL;
    struct named named = {0};
    bool seen;

    *out = (struct seen){0};
    seen = read_modules(out, args, ctx, given, objects, &named, &slots, e) &&
           read_cards(out, slots, named.reader, given == NULL, ctx, e);
    op_named_free(&named);
    free(slots);
    if (!seen)
        op_seen_free(out);
    return seen;
}

/* A host that is there keeps its hand on the card, those of other modules too. */
static void end_hosts(struct op_ctx *ctx, struct inventory *inv)
{
    for (size_t i = 0; i < inv->module_count; i++) {
        host_stop(&inv->module[i].host);
        if (ctx->pool != NULL)
            host_pool_drop(ctx->pool, inv->module[i].entry.path);
    }
}

bool op_seen_token(struct op_ctx *ctx, struct inventory *inv, const struct token *t,
                   struct seen *out, struct error *e)
{
    bool seen;

    *out = (struct seen){0};
    seen = add_token(out, inv, t, false, true, ctx, e);
    if (seen) {
        end_hosts(ctx, inv);
        seen = read_cards(out, &t->slot.info, NULL, false, ctx, e);
    }
    if (!seen)
        op_seen_free(out);
    return seen;
}

void op_seen_free(struct seen *s)
{
    for (size_t i = 0; i < s->token_count; i++) {
        free(s->token[i].label);
        free(s->token[i].serial);
        free(s->token[i].model);
        free(s->token[i].uri);
        free(s->token[i].module);
        wire_application_free(&s->token[i].vendor);
        wire_objects_free(&s->token[i].objects);
    }
    for (size_t i = 0; i < s->card_count; i++)
        wire_card_free(&s->card[i]);
    free(s->token);
    free(s->card);
    *s = (struct seen){0};
}

const char *op_seen_title(const struct seen *s, const struct seen_token *t)
{
    const struct wire_card *c = t->card == SEEN_NO_CARD ? NULL : &s->card[t->card];

    return c != NULL && c->count > 0 ? c->application[0].title : t->model;
}
