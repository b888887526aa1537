/* SPDX-License-Identifier: Apache-2.0 */
/* Signing tokens and readers by their USB numbers, and the PKCS#11 modules that drive them. */
#ifndef SIGNET_TOKEN_DEVICES_H
#define SIGNET_TOKEN_DEVICES_H

#include <stdbool.h>
#include <stdint.h>

#include "token/modules.h"

enum { DEVICE_MODULES = 6 };

/* Devices or cards that the same modules drive. */
struct device_family {
    /* File names, or paths where the folder is not one of the usual; the best first, NULL after the
     * last. One that is there is enough. A file whose name goes on (".2") counts too. */
    const char *module[DEVICE_MODULES];
    const char *package; /* of Debian, that has one of them; NULL: none */
    const char *source;  /* in words: where the vendor's comes from; NULL: none is needed */
    bool no_pcsc;        /* not reached through pcscd */
};

enum device_kind {
    DEVICE_TOKEN,  /* a token with keys in it */
    DEVICE_READER, /* for cards */
    DEVICE_OTHER,  /* of such a vendor, but no key can be in it */
};

struct device {
    uint16_t vendor, product; /* product 0: any that is not named */
    enum device_kind kind;
    const char *name;
    const struct device_family *family; /* NULL: the card decides */
};

/* NULL: nothing is known of it. */
const struct device *device_find(uint16_t vendor, uint16_t product);

/* A card that is known by its answer to reset alone; NULL: none. Its USB numbers are 0. */
const struct device *device_of_card(const uint8_t *atr, size_t length);

/* The modules for a card, by the family that a card driver tells (wire/card.h); never NULL. */
const struct device_family *device_card_family(const char *family);

/* The entry of the list that drives the family; NULL for none. */
const struct module_entry *device_driver(const struct device_family *f,
                                         const struct module_list *list);

/* The path of a module that is on this machine, but that no list has: one of the family's that are
 * named by their path. NULL for none. Static. */
const char *device_driver_apart(const struct device_family *f);

#endif
