/* SPDX-License-Identifier: Apache-2.0 */
#include "pe_builder.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "sign/le.h"

enum { COFF = 24, SECTION = 40 };

const struct pe_shape pe_shapes[] = {
    {"PE32", {.sections = 2, .section_size = 512}},
    {"PE32+", {.plus = true, .sections = 2, .section_size = 512}},
    {"library", {.plus = true, .sections = 1, .section_size = 512, .characteristics = 0x2022}},
    {"driver", {.plus = true, .sections = 1, .section_size = 512, .subsystem = 1}},
    {"EFI application", {.plus = true, .sections = 1, .section_size = 512, .subsystem = 10}},
    {"EFI ROM", {.plus = true, .sections = 1, .section_size = 512, .subsystem = 13}},
    {"ARM64", {.plus = true, .sections = 1, .section_size = 512, .machine = 0xaa64}},
    {"overlay", {.sections = 1, .section_size = 512, .overlay = 4096}},
    {"overlay of one byte", {.sections = 1, .section_size = 512, .overlay = 1}},
    {"unaligned by two", {.sections = 1, .section_size = 512, .overlay = 2}},
    {"unaligned by three", {.plus = true, .sections = 1, .section_size = 512, .overlay = 3}},
    {"unaligned by four", {.sections = 1, .section_size = 512, .overlay = 4}},
    {"unaligned by five", {.sections = 1, .section_size = 512, .overlay = 5}},
    {"unaligned by six", {.plus = true, .sections = 1, .section_size = 512, .overlay = 6}},
    {"unaligned by seven", {.sections = 1, .section_size = 512, .overlay = 7}},
    {"no sections", {.plus = true}},
    {"no sections, but an overlay", {.overlay = 333}},
    {"sections without data", {.bss_sections = 2, .empty_sections = 2, .overlay = 8}},
    {"one small section", {.sections = 1, .section_size = 1}},
    {"tiny, headers overlap", {.pe_at = 4, .sections = 1, .section_size = 4}},
    {"tiny PE32+", {.plus = true, .pe_at = 4}},
    {"headers at an odd place", {.pe_at = 131, .sections = 1, .section_size = 512}},
    {"headers far away", {.pe_at = 300000, .plus = true, .sections = 1, .section_size = 512}},
    {"CheckSum across two pieces", {.pe_at = 65536 - 90, .sections = 1, .section_size = 64}},
    {"CheckSum at a piece's end", {.pe_at = 65536 - 92, .sections = 1, .section_size = 64}},
    {"entry across two pieces", {.pe_at = 65536 - 157, .sections = 1, .section_size = 64}},
    {"entry at a piece's start", {.plus = true, .pe_at = 65536 - 168, .overlay = 64}},
    {"five directories", {.directories = 5, .sections = 1, .section_size = 512}},
    {"five directories, PE32+", {.plus = true, .directories = 5, .overlay = 100}},
    {"forty directories", {.directories = 40, .sections = 1, .section_size = 512}},
    {"ninety-six sections", {.sections = 96, .section_size = 16}},
    {"no CheckSum", {.no_checksum = true, .sections = 1, .section_size = 512}},
    {"no CheckSum, unaligned", {.no_checksum = true, .sections = 1, .section_size = 511}},
    {"several pieces", {.plus = true, .sections = 3, .section_size = 70001, .overlay = 12345}},
};
const size_t pe_shape_count = sizeof pe_shapes / sizeof *pe_shapes;

static void fill(struct buffer *b, size_t length)
{
    uint8_t *at = buffer_extend(b, length);
    uint32_t state = 12345;

    for (size_t i = 0; i < length; i++) {
        state = state * 1103515245 + 12345;
        at[i] = (uint8_t)(state >> 16);
    }
}

static void pad(struct buffer *b, size_t length)
{
    while (b->length < length)
        buffer_append_byte(b, 0);
}

static void put_optional(const struct pe_recipe *r, uint8_t *optional, uint32_t directories)
{
    le_put_16(optional, r->plus ? 0x20b : 0x10b);
    /* Alignment in memory and in the file. */
    le_put_32(optional + 32, r->alignment == 0 ? 4 : r->alignment);
    le_put_32(optional + 36, 4);
    le_put_16(optional + 68, r->subsystem);
    le_put_32(optional + (r->plus ? 108 : 92), directories);
}

static void put_sections(const struct pe_recipe *r, struct pe_image *image, size_t data)
{
    unsigned count = r->bss_sections + r->empty_sections + r->sections;

    for (unsigned i = 0; i < count; i++) {
        uint8_t *header = image->bytes.data + image->sections + i * SECTION;

        memcpy(header, ".part", 5);
        if (i < r->bss_sections) {
            le_put_32(header + 16, 1 << 30);
        } else if (i < r->bss_sections + r->empty_sections) {
            le_put_32(header + 20, 1 << 30);
        } else {
            le_put_32(header + 16, (uint32_t)r->section_size);
            le_put_32(header + 20, (uint32_t)data);
            data += r->section_size;
        }
    }
}

void pe_build(struct pe_image *image, const struct pe_recipe *r)
{
    uint32_t directories = r->directories == 0 ? 16 : r->directories;
    size_t optional_size = (r->plus ? 112 : 96) + directories * 8;
    unsigned sections = r->bss_sections + r->empty_sections + r->sections;
    struct buffer *b = &image->bytes;
    uint8_t *coff;

    *image = (struct pe_image){.bytes = BUFFER_INIT};
    image->pe = r->pe_at == 0 ? 128 : r->pe_at;
    image->optional = image->pe + COFF;
    image->checksum = image->optional + 64;
    image->sections = image->optional + optional_size;
    image->entry = image->sections - (directories - 4) * 8;
    pad(b, image->sections + sections * SECTION);
    coff = b->data + image->pe;
    memcpy(coff, "PE\0\0", 4);
    le_put_16(coff + 4, r->machine != 0 ? r->machine : r->plus ? 0x8664 : 0x14c);
    le_put_16(coff + 6, (uint16_t)sections);
    le_put_16(coff + 20, (uint16_t)optional_size);
    le_put_16(coff + 22, r->characteristics);
    put_optional(r, b->data + image->optional, directories);
    memcpy(b->data, "MZ", 2);
    le_put_32(b->data + 60, (uint32_t)image->pe);
    le_put_32(b->data + image->optional + 60,
              r->headers_size != 0 ? r->headers_size : (uint32_t)b->length);
    put_sections(r, image, b->length);
    fill(b, r->sections * r->section_size + r->overlay);
    if (b->failed)
        abort();
    if (!r->no_checksum)
        le_put_32(b->data + image->checksum, pe_expected_checksum(b));
}

void pe_add_certificate(struct pe_image *image, uint16_t type, const void *bytes, size_t length,
                        bool padded)
{
    struct buffer *b = &image->bytes;
    uint8_t header[8];

    pad(b, (b->length + 7) / 8 * 8);
    if (image->table == 0)
        image->table = b->length;
    le_put_32(header, (uint32_t)(padded ? (8 + length + 7) / 8 * 8 : 8 + length));
    le_put_16(header + 4, 0x0200);
    le_put_16(header + 6, type);
    buffer_append(b, header, sizeof header);
    buffer_append(b, bytes, length);
    if (padded)
        pad(b, (b->length + 7) / 8 * 8);
    if (b->failed)
        abort();
    le_put_32(b->data + image->entry, (uint32_t)image->table);
    le_put_32(b->data + image->entry + 4, (uint32_t)(b->length - image->table));
    if (le_32(b->data + image->checksum) != 0)
        le_put_32(b->data + image->checksum, pe_expected_checksum(b));
}

uint32_t pe_expected_checksum(const struct buffer *file)
{
    size_t field = le_32(file->data + 60) + 88;
    uint32_t sum = 0;

    for (size_t i = 0; i < file->length; i += 2) {
        uint32_t word = 0;

        for (size_t k = i; k < i + 2 && k < file->length; k++)
            if (k < field || k >= field + 4)
                word |= (uint32_t)file->data[k] << 8 * (k - i);
        sum += word;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum + (uint32_t)file->length;
}

void pe_expected_digest(const struct buffer *file, size_t table, const char *md, uint8_t *digest,
                        size_t *length)
{
    size_t pe = le_32(file->data + 60);
    size_t entry = le_16(file->data + pe + 24) == 0x20b ? pe + 168 : pe + 152;
    struct buffer covered = BUFFER_INIT;

    for (size_t i = 0; i < table; i++)
        if ((i < pe + 88 || i >= pe + 92) && (i < entry || i >= entry + 8))
            buffer_append_byte(&covered, file->data[i]);
    while ((covered.length + 12) % 8 != 0)
        buffer_append_byte(&covered, 0);
    if (covered.failed ||
        !EVP_Q_digest(NULL, md, NULL, covered.data, covered.length, digest, length))
        abort();
    buffer_free(&covered);
}
