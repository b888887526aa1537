/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which PKCS#11 modules there are: those registered with p11-kit (`signet-token --list`; when that
 * dies, the .module files), and those of the known places that exist here.
 */
#ifndef SIGNET_TOKEN_MODULES_H
#define SIGNET_TOKEN_MODULES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cancel.h"
#include "base/error.h"

struct module_entry {
    char *name;  /* p11-kit's name, or the file's name */
    char *path;  /* absolute */
    bool vendor; /* made by the token's vendor: preferred over a general one (OpenSC) for the same
                    device */
    bool trust;  /* p11-kit-trust: certificates of CAs only; hidden by default */
};

struct module_list {
    struct module_entry *entry;
    size_t count;
};

/* All modules, one entry per file (the same file under two names counts once). */
bool modules_list(struct module_list *out, struct cancel *cancel, struct error *e);

/* The ones that `wanted` names: p11-kit names, or paths (with a slash). ERROR_MISSING names what
 * there is. */
bool modules_named(const char *const *wanted, size_t count, struct module_list *out,
                   struct cancel *cancel, struct error *e);

void modules_free(struct module_list *m);

#endif
