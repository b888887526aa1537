/* SPDX-License-Identifier: Apache-2.0 */
#include "token/inventory.h"

#include <ctype.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { WORKERS = 8, SERIAL_CHARACTERS = 16, DEVICE_CHARACTERS = 64 };

/* What the workers share. */
struct reading {
    struct inventory *inventory;
    const struct inventory_options *options;
    struct cancel *cancel;
    atomic_size_t next;
    pthread_mutex_t mutex; /* one part at a time */
};

static bool collect(struct inventory *inv, struct error *e);

static void tell_part(struct reading *r, struct inventory_module *m)
{
    pthread_mutex_lock(&r->mutex);
    m->read = true;
    if (r->options->part != NULL && collect(r->inventory, NULL))
        r->options->part(r->options->data, r->inventory);
    pthread_mutex_unlock(&r->mutex);
}

static void read_module(struct reading *r, size_t index)
{
    struct inventory_module *m = &r->inventory->module[index];

    m->host = host_pool_take(r->inventory->pool, m->entry.path, r->cancel, &m->error);
    if (m->host != NULL) {
        m->info = *host_module(m->host);
        if (!host_slots(m->host, r->cancel, &m->slots, &m->error))
            host_stop(&m->host);
    }
    tell_part(r, m);
}

static void *read_modules(void *data)
{
    struct reading *r = data;

    for (;;) {
        size_t index = atomic_fetch_add(&r->next, 1);

        if (index >= r->inventory->module_count)
            return NULL;
        read_module(r, index);
    }
}

/* The caller's thread works too: then one module needs no other. */
static void read_side_by_side(struct reading *r)
{
    pthread_t threads[WORKERS];
    size_t started = 0;
    sigset_t all, old;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    while (started + 1 < WORKERS && started + 1 < r->inventory->module_count &&
           pthread_create(&threads[started], NULL, read_modules, r) == 0)
        started++;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    read_modules(r);
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
}

/* Letters and digits of the serial, the last 16, lower case, without leading zeros: what different
 * modules agree on. */
static void normalise_serial(const char *serial, char out[SERIAL_CHARACTERS + 1])
{
    size_t length = 0, skip;
    char kept[33];

    for (; *serial != '\0' && length < sizeof kept - 1; serial++)
        if (isalnum((unsigned char)*serial))
            kept[length++] = (char)tolower((unsigned char)*serial);
    kept[length] = '\0';
    skip = length > SERIAL_CHARACTERS ? length - SERIAL_CHARACTERS : 0;
    while (kept[skip] == '0')
        skip++;
    strcpy(out, kept + skip);
}

/* The serial; for a token that has none, its label and model stand in. */
static char *device_name(const char *of_token, const char *label, const char *model)
{
    char serial[SERIAL_CHARACTERS + 1];
    char *name, *at;

    normalise_serial(of_token, serial);
    name = serial[0] != '\0' ? strdup(serial) : text_format("none-%.24s-%.24s", label, model);
    for (at = name; at != NULL && *at != '\0'; at++)
        *at = isalnum((unsigned char)*at) ? (char)tolower((unsigned char)*at) : '-';
    return name;
}

char *inventory_device(const CK_TOKEN_INFO *info)
{
    char *serial = text_padded(info->serialNumber, sizeof info->serialNumber);
    char *label = text_padded(info->label, sizeof info->label);
    char *model = text_padded(info->model, sizeof info->model);
    char *name = NULL;

    if (serial != NULL && label != NULL && model != NULL)
        name = device_name(serial, label, model);
    free(serial);
    free(label);
    free(model);
    return name;
}

static bool describe(struct token *t, struct error *e)
{
    const CK_TOKEN_INFO *info = &t->slot.token;

    t->label = text_padded(info->label, sizeof info->label);
    t->manufacturer = text_padded(info->manufacturerID, sizeof info->manufacturerID);
    t->model = text_padded(info->model, sizeof info->model);
    t->serial = text_padded(info->serialNumber, sizeof info->serialNumber);
    if (t->label == NULL || t->manufacturer == NULL || t->model == NULL || t->serial == NULL)
        return error_set_memory(e);
    t->device = device_name(t->serial, t->label, t->model);
    return t->device != NULL || error_set_memory(e);
}

static void free_tokens(struct inventory *inv)
{
    for (size_t i = 0; i < inv->token_count; i++) {
        struct token *t = &inv->token[i];

        free(t->label);
        free(t->manufacturer);
        free(t->model);
        free(t->serial);
        free(t->device);
    }
    free(inv->token);
    inv->token = NULL;
    inv->token_count = 0;
}

static const char *reason_to_hide(const struct inventory *inv, const struct token *t)
{
    if (!t->slot.has_token)
        return t->slot.problem[0] != '\0' ? "cannot be read" : "empty slot";
    if (!(t->slot.token.flags & CKF_TOKEN_INITIALIZED))
        return "not initialised";
    return inv->module[t->module].entry.trust ? "trust" : NULL;
}

/* Two modules that show one serial show one device. Within one module, one serial twice is one
 * device with two tokens (an OpenPGP card is), and both are listed. */
static void hide_repeated(struct inventory *inv, size_t index)
{
    struct token *t = &inv->token[index];

    for (size_t i = 0; i < inv->token_count; i++) {
        struct token *other = &inv->token[i];

        if (other->hidden != NULL || other->module == t->module || i == index ||
            t->serial[0] == '\0' || strcmp(other->device, t->device) != 0)
            continue;
        if (!inv->module[t->module].entry.vendor || inv->module[other->module].entry.vendor) {
            /* The other one stays, if it is the vendor's or comes first. */
            if (inv->module[other->module].entry.vendor == inv->module[t->module].entry.vendor &&
                other->module > t->module)
                continue;
            t->hidden = "same device";
            t->same_as = i;
            return;
        }
    }
}

static void number(struct inventory *inv)
{
    unsigned next = 1;

    for (size_t i = 0; i < inv->token_count; i++)
        inv->token[i].hidden = reason_to_hide(inv, &inv->token[i]);
    for (size_t i = 0; i < inv->token_count; i++)
        if (inv->token[i].hidden == NULL)
            hide_repeated(inv, i);
    for (size_t i = 0; i < inv->token_count; i++)
        if (inv->token[i].hidden == NULL)
            inv->token[i].number = next++;
}

/* The tokens of all modules that were read, anew. */
static bool collect(struct inventory *inv, struct error *e)
{
    size_t total = 0;

    free_tokens(inv);
    for (size_t i = 0; i < inv->module_count; i++)
        total += inv->module[i].read ? inv->module[i].slots.count : 0;
    inv->token = calloc(total + 1, sizeof *inv->token);
    if (inv->token == NULL)
        return error_set_memory(e);
    for (size_t i = 0; i < inv->module_count; i++)
        for (size_t j = 0; inv->module[i].read && j < inv->module[i].slots.count; j++) {
            struct token *t = &inv->token[inv->token_count++];

            t->module = i;
            t->slot = inv->module[i].slots.slot[j];
            t->same_as = inv->token_count - 1;
            if (!describe(t, e))
                return false;
        }
    number(inv);
    return true;
}

static bool choose_modules(struct inventory *inv, const struct inventory_options *options,
                           struct cancel *cancel, struct error *e)
{
    struct module_list list;

    if (options->modules != NULL
            ? !modules_named(options->modules, options->module_count, &list, cancel, e)
            : !modules_list(&list, cancel, e))
        return false;
    inv->module = calloc(list.count + 1, sizeof *inv->module);
    if (inv->module == NULL) {
        modules_free(&list);
        return error_set_memory(e);
    }
    for (size_t i = 0; i < list.count; i++) {
        if (list.entry[i].trust && options->modules == NULL && !options->all) {
            inv->hidden_modules++;
            continue;
        }
        inv->module[inv->module_count++].entry = list.entry[i];
        list.entry[i] = (struct module_entry){0};
    }
    modules_free(&list);
    return true;
}

bool inventory_read(struct inventory *out, const struct inventory_options *options,
                    struct cancel *cancel, struct error *e)
{
    struct reading r = {
        .inventory = out, .options = options, .cancel = cancel, .mutex = PTHREAD_MUTEX_INITIALIZER};
    bool read = false;

    *out = (struct inventory){.pool = options->pool};
    if (!choose_modules(out, options, cancel, e))
        return false;
    read_side_by_side(&r);
    pthread_mutex_destroy(&r.mutex);
    if (cancel_requested(cancel))
        error_set(e, ERROR_CANCELLED, "cancelled while reading the tokens");
    else
        read = collect(out, e);
    if (!read)
        inventory_free(out);
    return read;
}

void inventory_free(struct inventory *inv)
{
    free_tokens(inv);
    for (size_t i = 0; i < inv->module_count; i++) {
        host_pool_give(inv->pool, &inv->module[i].host);
        wire_slots_free(&inv->module[i].slots);
        free(inv->module[i].entry.name);
        free(inv->module[i].entry.path);
    }
    free(inv->module);
    *inv = (struct inventory){0};
}

struct host *inventory_host(const struct inventory *inv, const struct token *t)
{
    return inv->module[t->module].host;
}
