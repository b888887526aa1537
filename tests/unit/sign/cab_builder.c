/* SPDX-License-Identifier: Apache-2.0 */
#include "cab_builder.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sign/le.h"

static void zeros(struct buffer *b, size_t length)
{
    for (size_t i = 0; i < length; i++)
        buffer_append_byte(b, 0);
}

static void put_16(struct buffer *b, unsigned value)
{
    uint8_t bytes[2];

    le_put_16(bytes, (uint16_t)value);
    buffer_append(b, bytes, sizeof bytes);
}

static void put_32(struct buffer *b, size_t value)
{
    uint8_t bytes[4];

    le_put_32(bytes, (uint32_t)value);
    buffer_append(b, bytes, sizeof bytes);
}

/* Other bytes than zeros, different from place to place. */
static void fill(struct buffer *b, size_t length)
{
    uint32_t state = (uint32_t)b->length * 2654435761U + 1;

    for (size_t i = 0; i < length; i++) {
        state = state * 1103515245 + 12345;
        buffer_append_byte(b, (uint8_t)(state >> 16 | 1));
    }
}

static void put_names(struct buffer *b, const char *cabinet, const char *disk)
{
    if (cabinet == NULL)
        return;
    buffer_append(b, cabinet, strlen(cabinet) + 1);
    buffer_append(b, disk, strlen(disk) + 1);
}

static void put_header(const struct cab_recipe *r, struct cab_image *image)
{
    struct buffer *b = &image->bytes;

    buffer_append_text(b, "MSCF");
    zeros(b, 20);
    buffer_append(b, "\3\1", 2);
    put_16(b, r->folders + r->empty_folders);
    put_16(b, r->folders * r->files);
    put_16(b, (r->previous != NULL) + 2 * (r->next != NULL) + 4 * r->reserves);
    put_16(b, r->set);
    put_16(b, r->number);
    if (r->reserves) {
        put_16(b, (unsigned)r->reserve);
        buffer_append_byte(b, r->folder_reserve);
        buffer_append_byte(b, r->block_reserve);
        image->reserve = b->length;
        buffer_append(b, r->contents, r->contents_length);
        zeros(b, r->reserve - r->contents_length);
    }
    image->names = b->length;
    put_names(b, r->previous, "Disk before");
    put_names(b, r->next, "");
}

static void put_folders(const struct cab_recipe *r, struct cab_image *image)
{
    struct buffer *b = &image->bytes;

    image->folders = b->length;
    for (unsigned i = 0; i < r->folders + r->empty_folders; i++) {
        put_32(b, 0);
        put_16(b, i < r->folders ? r->blocks : 0);
        put_16(b, 0);
        fill(b, r->folder_reserve);
    }
}

static void put_files(const struct cab_recipe *r, struct cab_image *image)
{
    struct buffer *b = &image->bytes;
    size_t whole = r->blocks * r->block_size;

    image->files = b->length;
    for (unsigned i = 0; i < r->folders * r->files; i++) {
        size_t share = whole / r->files, index = i % r->files;

        put_32(b, index + 1 == r->files ? whole - index * share : share);
        put_32(b, index * share);
        put_16(b, i / r->files);
        put_16(b, 0x5b7b);
        put_16(b, 0x3c73);
        put_16(b, 0x20);
        buffer_printf(b, "file%u.txt", i);
        buffer_append_byte(b, 0);
    }
}

static void put_data(const struct cab_recipe *r, struct cab_image *image)
{
    struct buffer *b = &image->bytes;

    image->data = b->length;
    for (unsigned i = 0; i < r->folders; i++) {
        size_t folder = r->backwards ? r->folders - 1 - i : i;

        le_put_32(b->data + image->folders + folder * (8U + r->folder_reserve),
                  (uint32_t)b->length);
        for (unsigned k = 0; k < r->blocks; k++) {
            put_32(b, 0);
            put_16(b, (unsigned)r->block_size);
            put_16(b, (unsigned)r->block_size);
            fill(b, r->block_reserve + r->block_size);
        }
    }
}

void cab_build(struct cab_image *image, const struct cab_recipe *r)
{
    *image = (struct cab_image){.bytes = BUFFER_INIT};
    put_header(r, image);
    put_folders(r, image);
    put_files(r, image);
    fill(&image->bytes, r->gap);
    put_data(r, image);
    if (image->bytes.failed)
        abort();
    le_put_32(image->bytes.data + 8, (uint32_t)image->bytes.length);
    le_put_32(image->bytes.data + 16, (uint32_t)image->files);
}

void cab_expected_digest(const struct buffer *file, const char *md, uint8_t *digest, size_t *length)
{
    struct buffer covered = BUFFER_INIT;
    size_t at = 36;

    buffer_append(&covered, file->data, 4);
    buffer_append(&covered, file->data + 8, 28);
    if ((le_16(file->data + 30) & 4) != 0) {
        size_t reserve = le_16(file->data + 36);

        if (reserve > 4) {
            buffer_append(&covered, file->data + 40, 2);
            buffer_append(&covered, file->data + 44, le_16(file->data + 40));
        }
        at = 40 + reserve;
    }
    buffer_append(&covered, file->data + at, le_32(file->data + 8) - at);
    if (covered.failed ||
        !EVP_Q_digest(NULL, md, NULL, covered.data, covered.length, digest, length))
        abort();
    buffer_free(&covered);
}
