/* SPDX-License-Identifier: Apache-2.0 */
/* Compound files made in memory: of any shape, and easy to break at a named place. Written from
 * [MS-CFB], and apart from the reader in core/sign. */
#ifndef SIGNET_TESTS_SIGN_CFB_BUILDER_H
#define SIGNET_TESTS_SIGN_CFB_BUILDER_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

enum { CFB_ITEMS_MOST = 400 };

/* A stream or storage. */
struct cfb_item {
    const char *name; /* each byte is a character; at most 31 */
    size_t size;      /* of a stream */
    bool storage;
    unsigned in; /* the storage that it is in: the number of an earlier item, from 1; 0: the root */
};

struct cfb_recipe {
    bool large; /* version 4, with sectors of 4096 bytes */
    const struct cfb_item *item;
    size_t count;
    size_t many;       /* that many small streams more */
    bool list;         /* trees are lists, all black, as libgsf makes them */
    bool scattered;    /* no chain has two sectors in a row */
    bool short_end;    /* the file ends with the last byte of the last stream */
    bool slack;        /* what streams leave of their last sector is not zero */
    size_t zeros;      /* bytes after the last sector */
    unsigned unused;   /* entries more in the directory */
    unsigned in_class; /* the first byte of the root's class; 0: a package's */
};

struct cfb_image {
    struct buffer bytes;
    size_t sector_size, sectors;
    /* Offsets, for whoever breaks it: of the first sector of each, and of an item's entry and first
     * sector (or small sector). */
    size_t fat, difat, directory, mini_fat, mini_stream;
    size_t entry[CFB_ITEMS_MOST + 1], data[CFB_ITEMS_MOST + 1];
    uint32_t start[CFB_ITEMS_MOST + 1];       /* the number of that sector */
    struct cfb_item item[CFB_ITEMS_MOST + 1]; /* those of the recipe, from 1, and the many */
    size_t count;
};

/* The caller frees it with buffer_free(&image->bytes). */
void cfb_build(struct cfb_image *image, const struct cfb_recipe *recipe);

/* What byte number `at` of an item holds. */
uint8_t cfb_byte(size_t item, size_t at);

/* Where the FAT has the value of a sector; the FAT has no more than the header lists. */
size_t cfb_fat_slot(const struct cfb_image *image, uint32_t sector);

/* The digest that a signature must carry; `ex`: with MsiDigitalSignatureEx, which is put there when
 * it is not NULL. */
void cfb_expected_digest(const struct cfb_image *image, const EVP_MD *md, bool with_ex, uint8_t *ex,
                         uint8_t *digest);

#endif
