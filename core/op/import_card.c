/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates into the slots of a PIV card, with its management key. Such a slot holds one
 * certificate: that of its key before is replaced. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cert/placeholder.h"
#include "cert/view.h"
#include "gate/manage.h"
#include "op/importing.h"
#include "op/record.h"
#include "token/objects.h"
#include "token/pool.h"

/* The card was asked, or written to, by PC/SC, for which the modules had to let go of it: all is
 * read anew. Its label may be another now: modules take it from a certificate. */
static bool reopen(struct importing *i, struct error *e)
{
    char *device = strdup(i->token->device);
    bool opened = false;

    if (device == NULL)
        return error_set_memory(e);
    inventory_free(&i->inventory);
    i->token = NULL;
    if (op_inventory(i->args, i->ctx, &i->inventory, e)) {
        for (size_t n = 0; i->token == NULL && n < i->inventory.token_count; n++)
            if (i->inventory.token[n].hidden == NULL &&
                strcmp(i->inventory.token[n].device, device) == 0)
                i->token = &i->inventory.token[n];
        opened = i->token != NULL
                     ? import_objects(i, e)
                     : error_set(e, ERROR_MISSING, "the token is gone; plug it in again");
    }
    free(device);
    return opened;
}

/* The reader that the token is in; NULL: it is no card, or nobody tells. */
static char *reader_of(struct importing *i, struct host *h)
{
    struct wire_readers readers = {0};
    char *name = NULL;

    if (!card_readers(h, i->ctx->cancel, &readers, NULL))
        return NULL;
    for (size_t n = 0; name == NULL && n < readers.count; n++)
        if (readers.reader[n].present && card_is_slot(readers.reader[n].name, &i->token->slot.info))
            name = strdup(readers.reader[n].name);
    wire_readers_free(&readers);
    return name;
}

/* To the card's own host, those of the modules are strangers at the card. */
static void end_modules(struct importing *i)
{
    for (size_t n = 0; n < i->inventory.module_count; n++) {
        host_stop(&i->inventory.module[n].host);
        if (i->ctx->pool != NULL)
            host_pool_drop(i->ctx->pool, i->inventory.module[n].entry.path);
    }
}

static bool read_card(struct importing *i, struct host *h, const char *reader, struct error *e)
{
    const struct wire_application *a;
    struct error unread = ERROR_INIT;

    end_modules(i);
    if (card_read_when_free(h, reader, false, i->ctx->cancel, &i->card, &unread)) {
        a = card_application_of(&i->card, &i->token->slot.token);
        if (a != NULL && strcmp(a->family, "piv") == 0)
            i->piv = a;
    }
    if (cancel_requested(i->ctx->cancel))
        return error_set(e, ERROR_CANCELLED, "cancelled while reading the card");
    return true;
}

bool import_find_card(struct importing *i, struct error *e)
{
    struct host *h = card_service_is_there() ? card_host_start(i->ctx->cancel, NULL) : NULL;
    char *reader = h == NULL ? NULL : reader_of(i, h);
    bool found = reader == NULL || read_card(i, h, reader, e);

    host_stop(&h);
    found = found && (reader == NULL || i->piv != NULL || reopen(i, e));
    free(reader);
    return found;
}

/* The keys that the card tells beyond PKCS#11. */
static const struct wire_card_key *card_key(const struct importing *i, EVP_PKEY *key)
{
    for (size_t n = 0; i->piv != NULL && n < i->piv->key_count; n++) {
        const struct wire_card_key *k = &i->piv->key[n];
        const unsigned char *at = k->spki;
        EVP_PKEY *own = at == NULL ? NULL : d2i_PUBKEY(NULL, &at, (long)k->spki_length);
        bool same = own != NULL && EVP_PKEY_eq(own, key) == 1;

        EVP_PKEY_free(own);
        if (same)
            return k;
    }
    return NULL;
}

/* The numbers that modules for PIV give the slots as CKA_ID: 01 to 04 for 9A, 9C, 9D and 9E, then
 * the retired ones from 82 on. */
static uint8_t slot_of_id(const struct wire_object *o)
{
    static const uint8_t first[] = {0x9a, 0x9c, 0x9d, 0x9e};
    enum { RETIRED = 0x82, RETIRED_COUNT = 20, FIRST_COUNT = sizeof first };

    if (o == NULL || o->id_length != 1 || o->id[0] == 0 || o->id[0] > FIRST_COUNT + RETIRED_COUNT)
        return 0;
    return o->id[0] <= FIRST_COUNT ? first[o->id[0] - 1]
                                   : (uint8_t)(RETIRED + o->id[0] - FIRST_COUNT - 1);
}

/* The slot of the leaf's key: as the card tells, as the module shows it, or as a person says where
 * neither knows a key there. */
static bool find_slot(struct importing *i, struct error *e)
{
    const char *named = op_text(i->args, "slot");
    const struct wire_card_key *key = card_key(i, X509_get0_pubkey(i->found.leaf));
    uint8_t asked = named == NULL ? 0 : (uint8_t)strtoul(named, NULL, 16);

    if (key != NULL)
        i->slot = key->slot;
    else if (i->private_half != NULL || i->public_half != NULL)
        i->slot = slot_of_id(i->private_half != NULL ? i->private_half : i->public_half);
    if (i->slot != 0 && asked != 0 && asked != i->slot)
        return error_set(e, ERROR_UNFIT,
                         "the certificate is for the key in slot %02X, not for %02X", i->slot,
                         asked);
    if (i->slot != 0)
        return true;
    for (size_t n = 0; asked != 0 && n < i->piv->key_count; n++)
        if (i->piv->key[n].slot == asked && i->piv->key[n].spki != NULL)
            return error_set(e, ERROR_UNFIT,
                             "the key in slot %02X is another than the certificate's", asked);
    i->slot = asked;
    if (asked == 0)
        return error_set(e, ERROR_MISSING,
                         "the card does not tell which slot has the certificate's key; where you "
                         "know it, name it: --slot 9c");
    return op_ask_yes(i->ctx,
                      "This card does not tell its keys: is the one in slot %02X that of the "
                      "certificate?",
                      asked) ||
           error_set(e, ERROR_USAGE, "nothing was stored; --yes says so beforehand");
}

/* The certificate that the slot has now, as the module shows it; of the key before this one, too.
 */
static X509 *present(const struct importing *i)
{
    for (size_t n = 0; n < i->objects.count; n++)
        if (i->objects.object[n].class == CKO_CERTIFICATE &&
            slot_of_id(&i->objects.object[n]) == i->slot)
            return record_x509(&i->objects.object[n]);
    return NULL;
}

static bool may_replace(struct importing *i, struct error *e)
{
    X509 *x = present(i);
    char *name = x == NULL ? NULL : cert_common_name(x), *pin = x == NULL ? NULL : cert_pin(x);
    bool may =
        x == NULL || cert_is_placeholder(x) ||
        op_ask_yes(i->ctx,
                   "Slot %02X has room for one certificate: '%s' (%s, %ld days left) will be "
                   "gone from the card. Go on?",
                   i->slot, name == NULL ? "?" : name, pin == NULL ? "?" : pin,
                   cert_days_left(x, time(NULL))) ||
        error_set(e, ERROR_USAGE,
                  "nothing was stored: slot %02X has the certificate '%s', which would be "
                  "replaced; signet export saves it, --yes says that it may go",
                  i->slot, name == NULL ? "?" : name);

    free(name);
    free(pin);
    X509_free(x);
    return may;
}

static bool store(struct importing *i, struct error *e)
{
    const char *words = op_text(i->args, "management-key");
    struct pin_source *source = pin_source_parse(words == NULL ? "prompt" : words, e);
    struct host *host = source == NULL ? NULL : card_host_start(i->ctx->cancel, e);
    unsigned char *der = NULL;
    int length = i2d_X509(i->found.leaf, &der);
    struct gate_card card = {
        .reader = i->card.reader.name,
        .family = i->piv->family,
        .device = i->token->device,
        .label = i->token->label,
        .serial = *i->piv->serial == '\0' ? NULL : i->piv->serial,
        .management_key = source,
        .actor = source == NULL ? GATE_HEADLESS : gate_actor_of(source),
        .wait_ms = OP_WAIT_MS,
        .person = &i->person,
        .program = i->ctx->op->verb,
        .cancel = i->ctx->cancel,
    };
    bool done = host != NULL && (length > 0 || error_set_memory(e)) &&
                gate_card_store(&card, i->slot, der, (size_t)length, host, e);

    host_stop(&host);
    pin_source_free(&source);
    OPENSSL_free(der);
    return done;
}

/* By the module, as other programs see the card. */
static bool read_back(struct importing *i, struct error *e)
{
    if (!reopen(i, e))
        return error_prefix(e, "the certificate was written, but cannot be read back");
    return import_find(&i->objects, i->found.leaf) != NULL ||
           error_set(e, ERROR_TOKEN,
                     "the card said that the certificate is stored in slot %02X, and does not show "
                     "it",
                     i->slot);
}

bool import_to_card(struct importing *i, struct error *e)
{
    const char *to = op_text(i->args, "chain-to");

    if (to != NULL && strcmp(to, "token") == 0 && sk_X509_num(i->found.issuers) > 0)
        return error_set(e, ERROR_UNFIT,
                         "a PIV card has no room for a chain: leave out --chain-to, and it is "
                         "written to a file");
    i->to_file = true;
    i->already = import_find(&i->objects, i->found.leaf) != NULL;
    if (!find_slot(i, e) || (sk_X509_num(i->found.issuers) > 0 && !import_may_write_chain(i, e)))
        return false;
    return i->already || (may_replace(i, e) && store(i, e) && read_back(i, e));
}
