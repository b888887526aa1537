/* SPDX-License-Identifier: Apache-2.0 */
/* What signet doctor reads: the kernel's USB devices, PC/SC, and then the modules. */
#include <stdlib.h>
#include <string.h>

#include "op/named.h"
#include "op/session.h"
#include "profiles/ops/doctor.h"

/* Where sysfs is. SIGNET_SYSFS is for tests, which make a tree of their own: it changes what is
 * told of USB devices, and nothing else reads it. */
static const char *sysfs(void)
{
    const char *root = getenv("SIGNET_SYSFS");

    return root != NULL && *root != '\0' ? root : "/sys";
}

static bool add_card(struct doctor *d, struct wire_card *card, struct error *e)
{
    struct wire_card *grown = reallocarray(d->card, d->card_count + 1, sizeof *grown);

    if (grown == NULL) {
        wire_card_free(card);
        return error_set_memory(e);
    }
    d->card = grown;
    grown[d->card_count++] = *card;
    return true;
}

/* What a card tells of itself; one that cannot be asked stays what its reader tells. */
static bool read_card(struct doctor *d, struct host **h, const struct wire_reader_state *r,
                      struct error *e)
{
    struct error failed = ERROR_INIT;
    struct wire_card card;

    if (!r->present || r->exclusive || r->mute || *h == NULL)
        return true;
    if (card_read(*h, r->name, true, d->ctx->cancel, &card, &failed))
        return add_card(d, &card, e);
    if (failed.detail == CKR_ACTION_PROHIBITED)
        d->cards_refused = true;
    if (!host_alive(*h)) {
        host_stop(h);
        *h = card_host_start(d->ctx->cancel, &failed);
    }
    return true;
}

/* Before the modules, which would be seen as other programs at the cards. */
static bool read_cards(struct doctor *d, struct error *e)
{
    struct host *h = card_host_start(d->ctx->cancel, &d->pcsc);
    bool read = true;

    if (h != NULL && !card_readers(h, d->ctx->cancel, &d->readers, &d->pcsc))
        d->readers = (struct wire_readers){0};
    for (size_t i = 0; i < d->readers.count && read; i++)
        read = read_card(d, &h, &d->readers.reader[i], e);
    host_stop(&h);
    return read;
}

/* A name that is not there is a finding; one that means several is a mistake. */
static bool find_token(struct doctor *d, struct error *e)
{
    struct error missing = ERROR_INIT;

    if (d->name == NULL)
        return true;
    d->token = op_named_token(d->name, d->inventory, d->ctx, &missing);
    if (d->token == NULL && (missing.code == ERROR_USAGE || missing.code == ERROR_CANCELLED)) {
        if (e != NULL)
            *e = missing;
        return false;
    }
    return true;
}

static bool read_tokens(struct doctor *d, const struct op_args *args, struct error *e)
{
    d->inventory = &d->own;
    if (d->profile == NULL) {
        if (op_inventory(args, d->ctx, &d->own, &d->no_module))
            return find_token(d, e);
        if (d->no_module.code == ERROR_MISSING)
            return true;
        if (e != NULL)
            *e = d->no_module;
        return false;
    }
    ready_prepare(&d->ready, d->profile, NULL, d->ctx->terminal, d->ctx->cancel, NULL);
    d->inventory = &d->ready.inventory;
    d->token = d->ready.token;
    return true;
}

bool doctor_look(struct doctor *d, const struct op_args *args, struct error *e)
{
    /* A host that rests keeps its hand on the card. */
    if (d->ctx->pool != NULL)
        op_hosts_drop(d->ctx->pool, NULL);
    usb_read(sysfs(), &d->usb, &d->usb_error);
    if (!read_cards(d, e) || !modules_list(&d->modules, d->ctx->cancel, e) ||
        !read_tokens(d, args, e))
        return false;
    return !cancel_requested(d->ctx->cancel) || error_set(e, ERROR_CANCELLED, "cancelled");
}

void doctor_free(struct doctor *d)
{
    for (int i = 0; i < DOCTOR_STEP_COUNT; i++) {
        buffer_free(&d->step[i].text);
        buffer_free(&d->step[i].remedy);
    }
    for (size_t i = 0; i < d->card_count; i++)
        wire_card_free(&d->card[i]);
    free(d->card);
    wire_readers_free(&d->readers);
    usb_free(&d->usb);
    modules_free(&d->modules);
    ready_free(&d->ready);
    inventory_free(&d->own);
}

bool doctor_in_reader(const struct doctor *d, const struct token *t, const char **reader)
{
    for (size_t i = 0; i < d->readers.count; i++)
        if (card_is_slot(d->readers.reader[i].name, &t->slot.info)) {
            if (reader != NULL)
                *reader = d->readers.reader[i].name;
            return true;
        }
    return false;
}
