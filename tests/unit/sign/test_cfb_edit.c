/* SPDX-License-Identifier: Apache-2.0 */
/* Streams that are added to compound files and taken out: trees of any size, and files that reach
 * the limits of their version. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cfb_builder.h"
#include "sign/file_io.h"
#include "sign/msi/cfb_edit.h"
#include "sign/msi/cfb_parts.h"
#include "sign/msi/cfb_undo.h"
#include "signing.h"

/* Black entries on each way down; fails where two red ones follow each other. */
static unsigned black_height(const struct cfb *c, uint32_t id, bool parent_red)
{
    const uint8_t *entry = cfb_entry(c, id);
    unsigned left, right;
    bool red;

    if (id == CFB_NOBODY)
        return 1;
    red = entry[CFB_ENTRY_COLOUR] == CFB_RED;
    assert_false(red && parent_red);
    left = black_height(c, le_32(entry + CFB_ENTRY_LEFT), red);
    right = black_height(c, le_32(entry + CFB_ENTRY_RIGHT), red);
    assert_int_equal(left, right);
    return left + (red ? 0 : 1);
}

static struct cfb *must_open(int fd)
{
    struct error e = ERROR_INIT;
    struct cfb *c = cfb_open(fd, "test", &e);

    if (c == NULL)
        fail_msg("%s", e.text);
    return c;
}

static size_t wide(const char *name, uint8_t *to)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < length; i++)
        le_put_16(to + 2 * i, (uint16_t)name[i]);
    return 2 * length;
}

static bool add(int fd, const char *name, const uint8_t *bytes, size_t length, struct error *e)
{
    struct cfb *c = must_open(fd);
    struct cfb_edit *edit = cfb_edit_new(c, e);
    uint8_t encoded[64];
    uint32_t id;
    bool done = cfb_edit_add(edit, encoded, wide(name, encoded), &id, e) &&
                cfb_edit_write(edit, id, bytes, length, e) && cfb_edit_finish(edit, e);

    cfb_edit_free(&edit);
    cfb_close(&c);
    return done;
}

static void take_out(int fd, const char *name)
{
    struct cfb *c = must_open(fd);
    struct error e = ERROR_INIT;
    struct cfb_edit *edit = cfb_edit_new(c, &e);
    uint8_t encoded[64];
    uint32_t id = cfb_find(c, encoded, wide(name, encoded));

    assert_int_not_equal(id, CFB_NOBODY);
    assert_true(cfb_edit_remove(edit, id, &e) && cfb_edit_finish(edit, &e));
    cfb_edit_free(&edit);
    cfb_close(&c);
}

static void check_tree(int fd, uint32_t count)
{
    struct cfb *c = must_open(fd);

    assert_int_equal(c->node[0].count, count);
    black_height(c, le_32(cfb_entry(c, 0) + CFB_ENTRY_CHILD), true);
    cfb_close(&c);
}

static unsigned random_of(unsigned *state, unsigned limit)
{
    *state = *state * 1103515245 + 12345;
    return (*state >> 8) % limit;
}

/* Names in any order, from none to many, and out again in another. */
static void trees(void **state)
{
    enum { NAMES = 150 };
    unsigned seed = 1;

    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        struct cfb_image *image = malloc(sizeof *image);
        struct error e = ERROR_INIT;
        char name[NAMES][8];
        uint8_t byte = 7;
        int fd;

        cfb_build(image, &(struct cfb_recipe){.large = kind % 2 == 1});
        fd = signing_file(image->bytes.data, image->bytes.length);
        for (unsigned i = 0; i < NAMES; i++) /* up, down, or anyhow */
            snprintf(name[i], sizeof name[i], "%u",
                     kind < 2    ? 100 + i
                     : kind == 2 ? 999 - i
                                 : i * 7919 % 10000);
        for (unsigned i = 0; i < NAMES; i++) {
            if (!add(fd, name[i], &byte, 1, &e))
                fail_msg("%s", e.text);
            check_tree(fd, i + 1);
        }
        assert_false(add(fd, name[5], &byte, 1, &e));
        for (unsigned left = NAMES; left > 0; left--) {
            unsigned which = random_of(&seed, left);

            take_out(fd, name[which]);
            memcpy(name[which], name[left - 1], sizeof name[which]);
            check_tree(fd, left - 1);
        }
        close(fd);
        buffer_free(&image->bytes);
        free(image);
    }
}

/* A file of so many sectors, nearly all of them one stream and a hole: directory, the stream, FAT,
 * DIFAT. `skip`: the stream does not use the sector that is locked. */
struct sparse {
    int fd;
    uint32_t size, per, sectors, fat, difat;
};

static void put(const struct sparse *s, uint32_t sector, uint32_t index, uint32_t value)
{
    uint8_t bytes[4];

    le_put_32(bytes, value);
    assert_true(
        file_io_write(s->fd, bytes, 4, ((uint64_t)sector + 1) * s->size + 4 * (uint64_t)index));
}

static void put_fat(const struct sparse *s, uint32_t sector, uint32_t value)
{
    uint32_t first = s->sectors - s->fat - s->difat;

    put(s, first + sector / s->per, sector % s->per, value);
}

static void put_sparse_tables(const struct sparse *s, uint32_t stream, bool skip)
{
    uint32_t first = s->sectors - s->fat - s->difat;

    put_fat(s, 0, CFB_END);
    for (uint32_t i = 1; i <= stream; i++) {
        uint32_t next = skip && i + 1 == CFB_LOCK_SECTOR ? i + 2 : i + 1;

        put_fat(s, i, i == stream || (skip && i == CFB_LOCK_SECTOR) ? CFB_END : next);
    }
    for (uint32_t i = 0; i < s->fat + s->difat; i++)
        put_fat(s, first + i, i < s->fat ? CFB_FAT : CFB_DIFAT);
    for (uint32_t i = s->sectors; i < s->fat * s->per; i++)
        put_fat(s, i, CFB_FREE);
    for (uint32_t i = 0; i < s->difat; i++)
        for (uint32_t k = 0; k < s->per; k++) {
            uint32_t index = 109 + i * (s->per - 1) + k;

            if (k == s->per - 1)
                put(s, first + s->fat + i, k, i + 1 < s->difat ? first + s->fat + i + 1 : CFB_END);
            else
                put(s, first + s->fat + i, k, index < s->fat ? first + index : CFB_FREE);
        }
}

static void put_sparse_header(const struct sparse *s, uint64_t length)
{
    struct cfb_image *image = malloc(sizeof *image);
    uint8_t *header, *entry, *root;

    /* Header and directory of a small one, with other figures in them. */
    cfb_build(image, &(struct cfb_recipe){.item = &(struct cfb_item){.name = "large", .size = 5000},
                                          .count = 1,
                                          .large = s->size == 4096});
    header = image->bytes.data;
    root = header + image->entry[0];
    entry = header + image->entry[1];
    le_put_32(entry + 116, 1);
    le_put_32(entry + 120, (uint32_t)length);
    le_put_32(entry + 124, (uint32_t)(length >> 32));
    le_put_32(header + 0x2c, s->fat);
    le_put_32(header + 0x30, 0);
    le_put_32(header + 0x44, s->difat > 0 ? s->sectors - s->difat : CFB_END);
    le_put_32(header + 0x48, s->difat);
    for (uint32_t i = 0; i < 109; i++)
        le_put_32(header + 0x4c + 4 * (size_t)i,
                  i < s->fat ? s->sectors - s->fat - s->difat + i : CFB_FREE);
    assert_true(file_io_write(s->fd, header, 512, 0));
    assert_true(file_io_write(s->fd, root, s->size, s->size));
    buffer_free(&image->bytes);
    free(image);
}

static struct sparse make_sparse(bool large, uint32_t sectors, bool skip)
{
    struct sparse s = {.fd = signing_file("", 0), .size = large ? 4096 : 512, .sectors = sectors};
    uint32_t stream;
    bool over = large && skip && sectors > CFB_LOCK_SECTOR;

    s.per = s.size / 4;
    s.fat = (sectors + s.per - 1) / s.per;
    s.difat = s.fat > 109 ? (s.fat - 109 + s.per - 2) / (s.per - 1) : 0;
    stream = sectors - 1 - s.fat - s.difat;
    assert_int_equal(ftruncate(s.fd, (off_t)(sectors + 1ULL) * s.size), 0);
    put_sparse_tables(&s, stream, over);
    put_sparse_header(&s, (uint64_t)(stream - (over ? 1 : 0)) * s.size);
    return s;
}

static void check_added(int fd, const uint8_t *bytes, size_t length)
{
    struct cfb *c = must_open(fd);
    struct buffer read = BUFFER_INIT;
    uint8_t encoded[64];
    uint32_t id = cfb_find(c, encoded, wide("new", encoded)), value;

    assert_true(cfb_read(c, fd, id, length + 1, &read, NULL));
    assert_int_equal(read.length, length);
    assert_memory_equal(read.data, bytes, length);
    if (cfb_is_large(c) && c->end > CFB_LOCK_SECTOR) {
        assert_true(cfb_fat_get(c, CFB_LOCK_SECTOR, &value, NULL));
        assert_int_equal(value, CFB_END);
    }
    assert_int_equal(lseek(fd, 0, SEEK_END), (off_t)cfb_place(c, c->end));
    buffer_free(&read);
    cfb_close(&c);
}

/* Header, directory, FAT and DIFAT: all of it that is not a hole. */
static void read_tables(const struct sparse *s, struct buffer *tables)
{
    size_t size = (size_t)(s->fat + s->difat) * s->size;
    uint8_t *at;

    buffer_reset(tables);
    at = buffer_extend(tables, 2 * (size_t)s->size + size);
    assert_true(file_io_read(s->fd, at, 2 * (size_t)s->size, 0));
    assert_true(file_io_read(s->fd, at + 2 * (size_t)s->size, size,
                             (uint64_t)(s->sectors - s->fat - s->difat + 1) * s->size));
    assert_int_equal(lseek(s->fd, 0, SEEK_END), (off_t)(s->sectors + 1ULL) * s->size);
}

/* A file that grows over the sector that Windows locks, and is put back below it. */
static void lock_sector(void **state)
{
    static uint8_t bytes[300000];
    struct buffer before = BUFFER_INIT, after = BUFFER_INIT, note = BUFFER_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 13 + i / 255);
    for (uint32_t below = 0; below < 100; below += 9) {
        struct sparse s = make_sparse(true, CFB_LOCK_SECTOR - below, true);
        struct cfb *c = must_open(s.fd);
        uint8_t encoded[64];
        const struct cfb_new_name name = {encoded, wide("new", encoded)};
        struct error e = ERROR_INIT;

        buffer_reset(&note);
        read_tables(&s, &before);
        assert_true(cfb_undo_note(c, &name, 1, &note, &e));
        assert_true(note.length > 0);
        cfb_close(&c);
        if (!add(s.fd, "new", bytes, sizeof bytes, &e))
            fail_msg("%u: %s", below, e.text);
        check_added(s.fd, bytes, sizeof bytes);
        c = must_open(s.fd);
        assert_true(cfb_undo(c, &note, &e));
        cfb_close(&c);
        read_tables(&s, &after);
        assert_memory_equal(before.data, after.data, before.length);
        close(s.fd);
    }
    buffer_free(&before);
    buffer_free(&after);
    buffer_free(&note);
}

/* Data where Windows locks is refused; a stream that goes around it is not. */
static void data_in_lock_sector(void **state)
{
    struct sparse s = make_sparse(true, CFB_LOCK_SECTOR + 5000, false);
    struct error e = ERROR_INIT;
    uint8_t byte = 1;

    (void)state;
    assert_null(cfb_open(s.fd, "test", &e));
    assert_non_null(strstr(e.text, "Windows keeps it for locks"));
    close(s.fd);
    s = make_sparse(true, CFB_LOCK_SECTOR + 5000, true);
    assert_true(add(s.fd, "new", &byte, 1, &e));
    check_added(s.fd, &byte, 1);
    close(s.fd);
}

static void two_gib(void **state)
{
    static const uint8_t bytes[100000];
    const uint32_t most = (2U << 30) / 512 - 1;
    struct error e = ERROR_INIT;
    struct sparse s;

    (void)state;
    s = make_sparse(false, most - 100, false);
    assert_false(add(s.fd, "new", bytes, sizeof bytes, &e));
    assert_int_equal(e.code, ERROR_UNSUPPORTED);
    assert_non_null(strstr(e.text, "more than 2 GiB with its signature"));
    close(s.fd);
    s = make_sparse(false, most - 300, false);
    if (!add(s.fd, "new", bytes, sizeof bytes, &e))
        fail_msg("%s", e.text);
    check_added(s.fd, bytes, sizeof bytes);
    close(s.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees),
        cmocka_unit_test(lock_sector),
        cmocka_unit_test(data_in_lock_sector),
        cmocka_unit_test(two_gib),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
