/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is there: modules, and the tokens seen through them. All modules are asked at once, each in
 * a host of its own; one that does not answer is an error in its place and holds up nothing but its
 * own deadline.
 */
#ifndef SIGNET_TOKEN_INVENTORY_H
#define SIGNET_TOKEN_INVENTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cancel.h"
#include "base/error.h"
#include "token/host.h"
#include "token/modules.h"
#include "token/pool.h"
#include "wire/message.h"

struct inventory_module {
    struct module_entry entry;
    struct host *host;       /* NULL where it did not start, or died */
    struct wire_module info; /* set while host is */
    struct wire_slots slots;
    struct error error; /* ERROR_NONE, or why it cannot be used */
    bool read;          /* it answered, or failed */
};

struct token {
    size_t module;         /* index into inventory.module */
    struct wire_slot slot; /* its mechanisms are the module's */
    unsigned number;       /* 1 for @1; 0 for one that is hidden */
    const char *hidden;    /* NULL, or why it is not listed, in static words: "empty slot", "trust",
                              "not initialised", "same device", "cannot be read" */
    size_t same_as;        /* index of the token that stands for the same device; else its own */
    char *label;           /* printable, never NULL */
    char *manufacturer;
    char *model;
    char *serial;
    char *device; /* key of lock and guard: the serial as modules agree on it; [a-z0-9-] */
};

struct inventory {
    struct inventory_module *module;
    size_t module_count;
    struct token *token; /* every slot, hidden ones too */
    size_t token_count;
    size_t hidden_modules; /* trust modules that were left out */
    struct host_pool *pool;
};

struct inventory_options {
    const char *const *modules; /* --module; NULL: all that modules_list gives */
    size_t module_count;
    bool all;               /* trust modules too */
    struct host_pool *pool; /* where hosts come from and go to; NULL: none rests */
    /* May be NULL. Called each time that a module was read, with what is there so far; numbers may
     * change yet. Calls come from several threads, one at a time. */
    void (*part)(void *data, const struct inventory *so_far);
    void *data;
};

/* Reads it all. False only when nothing could be done at all (no memory, an unknown --module,
 * cancelled). */
bool inventory_read(struct inventory *out, const struct inventory_options *options,
                    struct cancel *cancel, struct error *e);

/* Stops the hosts, or lets them rest. */
void inventory_free(struct inventory *inv);

struct host *inventory_host(const struct inventory *inv, const struct token *t);

/* token.device of a token that is not in an inventory. New string, freed by the caller; NULL: no
 * memory. */
char *inventory_device(const CK_TOKEN_INFO *info);

/* Finds the one token that `name` means: a `pkcs11:` URI, "@2", a label, a serial, or a prefix of
 * either that is unique. ERROR_MISSING lists the candidates, and the errors of modules that did not
 * answer; an URI cut at ';' by a shell is recognised and said so. NULL name: the only token there
 * is. */
struct token *inventory_find(const struct inventory *inv, const char *name, struct error *e);

/* The same of what is not initialised yet, and so has no name: "new" is the only one, "new:7" that
 * in slot 7 of its module. NULL without an error: `name` means none such. */
struct token *inventory_find_new(const struct inventory *inv, const char *name, struct error *e);

#endif
