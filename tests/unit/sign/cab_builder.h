/* SPDX-License-Identifier: Apache-2.0 */
/* Cabinets made in memory: small, of any shape, and easy to break at a named place. */
#ifndef SIGNET_TESTS_SIGN_CAB_BUILDER_H
#define SIGNET_TESTS_SIGN_CAB_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

struct cab_recipe {
    unsigned folders; /* each with `blocks` blocks of `block_size` stored bytes */
    unsigned blocks;
    size_t block_size;
    unsigned empty_folders; /* after those: without blocks */
    unsigned files;         /* in each folder that has blocks, all alike */
    bool backwards;         /* the data of the last folder comes first */
    size_t gap;             /* bytes of nothing between the list of files and the data */
    bool reserves;          /* the sizes of reserves are there */
    size_t reserve;         /* bytes of the header's */
    const char *contents;   /* of it, `contents_length` bytes, then zeros */
    size_t contents_length;
    uint8_t folder_reserve, block_reserve;
    const char *previous, *next; /* names of cabinets; NULL: none */
    uint16_t set, number;
};

struct cab_image {
    struct buffer bytes;
    /* Offsets, for whoever breaks it: the header's reserve, what follows it, and so on. */
    size_t reserve, names, folders, files, data;
};

/* The caller frees it with buffer_free(&image->bytes). */
void cab_build(struct cab_image *image, const struct cab_recipe *recipe);

/* Written on its own from what is known of the digest: what Windows would compute of a cabinet that
 * is finished (or that goes into a catalogue). */
void cab_expected_digest(const struct buffer *file, const char *md, uint8_t *digest,
                         size_t *length);

#endif
