/* SPDX-License-Identifier: Apache-2.0 */
/* PE images made in memory: small, of any shape, and easy to break at a named place. */
#ifndef SIGNET_TESTS_SIGN_PE_BUILDER_H
#define SIGNET_TESTS_SIGN_PE_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

struct pe_recipe {
    bool plus;        /* PE32+, else PE32 */
    uint32_t pe_at;   /* e_lfanew; 0: 128; below 64 the headers overlap, as in tiny programs */
    uint16_t machine; /* 0: x86 or x64 */
    uint16_t characteristics;
    uint16_t subsystem;
    uint32_t directories;    /* NumberOfRvaAndSizes; 0: 16 */
    unsigned sections;       /* `section_size` raw bytes each */
    unsigned empty_sections; /* before those: with a raw pointer and no raw size */
    unsigned bss_sections;   /* before those: with a raw size and no raw pointer */
    size_t section_size;
    size_t overlay;        /* bytes after the last section */
    uint32_t headers_size; /* SizeOfHeaders; 0: where the section headers end */
    uint32_t alignment;    /* SectionAlignment; 0: 4 */
    bool no_checksum;      /* zero, as most linkers leave it; else it is right */
};

/* Every shape that must be signed. */
struct pe_shape {
    const char *name;
    struct pe_recipe recipe;
};
extern const struct pe_shape pe_shapes[];
extern const size_t pe_shape_count;

struct pe_image {
    struct buffer bytes;
    /* Offsets, for whoever breaks it. */
    size_t pe, optional, checksum, entry, sections, table;
};

/* The caller frees it with buffer_free(&image->bytes). */
void pe_build(struct pe_image *image, const struct pe_recipe *recipe);

/* An entry at the end of the certificate table, which is made where there is none; `padded`: its
 * length and the table's count the padding. */
void pe_add_certificate(struct pe_image *image, uint16_t type, const void *bytes, size_t length,
                        bool padded);

/* Written on its own, word by word, from Microsoft's description: what Windows would compute. */
uint32_t pe_expected_checksum(const struct buffer *file);

/* The same for the digest; `table` is where the certificate table begins, or the length. */
void pe_expected_digest(const struct buffer *file, size_t table, const char *md, uint8_t *digest,
                        size_t *length);

#endif
