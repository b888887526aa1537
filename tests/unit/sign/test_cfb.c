/* SPDX-License-Identifier: Apache-2.0 */
/* Compound files that must be refused, with the reason: none of them may be signed, since nobody
 * can say what Windows would read out of them. */
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
#include "sign/format.h"
#include "sign/le.h"
#include "sign/msi/cfb_parts.h"
#include "signing.h"

static struct signing_identity identity;

static int set_up(void **state)
{
    (void)state;
    signing_identity_make(&identity, "P-256");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    signing_identity_free(&identity);
    return 0;
}

/* 1 to 6 are in the root; by length, A B C D E F is the order of the tree. */
static const struct cfb_item items[] = {
    {.name = "A", .size = 100},          {.name = "BB", .size = 5000},
    {.name = "CCC", .storage = true},    {.name = "DDDD", .size = 3000},
    {.name = "EEEEE", .size = 10000},    {.name = "FFFFFF", .size = 0},
    {.name = "G", .size = 700, .in = 3}, {.name = "HH", .size = 6000, .in = 3},
};
enum { A = 1, BB, CCC, DDDD, EEEEE, FFFFFF, G, HH };

static const struct cfb_recipe small = {.item = items, .count = 8, .unused = 3};
static const struct cfb_recipe large = {.item = items, .count = 8, .unused = 3, .large = true};

/* What is broken: `value` (`size` bytes) goes to `offset` from a place. */
enum base {
    HEADER,   /* the file's begin */
    ENTRY_OF, /* the directory entry of item `which` */
    FAT_OF,   /* the FAT's value for the first sector of item `which` */
    MINI_OF,  /* the mini FAT's for its first small sector */
    FAT_AT,   /* the FAT's value for sector `which`, from the end: 0 is the last */
    FAT_FAT,  /* the FAT's value for its own first sector */
    FAT_DIRECTORY,
    FAT_MINI_FAT,
    FAT_MINI_STREAM,
};

/* Values that depend on the file. */
enum {
    START_OF = 0x70000000,  /* + item: the number of its first sector */
    SECTORS = 0x71000000,   /* + n: sectors in the file and n more */
    DIRECTORY = 0x72000000, /* the directory's first sector */
    FAT_SECTOR = 0x73000000,
};

static const struct bad {
    const char *name;
    bool in_large;
    enum base base;
    unsigned which;
    size_t offset, size;
    uint32_t value;
    int grow; /* bytes more, or less, at the end */
    enum error_code code;
    const char *says;
} bad[] = {
    /* The header. */
    {"version 2", 0, HEADER, 0, 0x1a, 2, 2, 0, ERROR_UNSUPPORTED, "of version 2"},
    {"version 5", 0, HEADER, 0, 0x1a, 2, 5, 0, ERROR_UNSUPPORTED, "of version 5"},
    {"version 3 in 4", 1, HEADER, 0, 0x1a, 2, 3, 0, ERROR_FORMAT, "version 3 with sectors of 2^12"},
    {"version 4 in 3", 0, HEADER, 0, 0x1a, 2, 4, 0, ERROR_FORMAT, "version 4 with sectors of 2^9"},
    {"big-endian", 0, HEADER, 0, 0x1c, 2, 0xfeff, 0, ERROR_FORMAT, "little-endian"},
    {"sector shift", 0, HEADER, 0, 0x1e, 2, 31, 0, ERROR_FORMAT, "2^31"},
    {"no sector shift", 0, HEADER, 0, 0x1e, 2, 0, 0, ERROR_FORMAT, "2^0"},
    {"mini shift", 0, HEADER, 0, 0x20, 2, 7, 0, ERROR_FORMAT, "2^7"},
    {"cutoff", 0, HEADER, 0, 0x38, 4, 8192, 0, ERROR_FORMAT, "below 8192"},
    {"directory count", 1, HEADER, 0, 0x28, 4, 2, 0, ERROR_FORMAT, "counts 2 directory sectors"},
    {"no directory count", 1, HEADER, 0, 0x28, 4, 0, 0, ERROR_FORMAT, "counts 0 directory sectors"},
    {"no FAT", 0, HEADER, 0, 0x2c, 4, 0, 0, ERROR_FORMAT, "counts 0 FAT sectors"},
    {"FAT count", 0, HEADER, 0, 0x2c, 4, 2, 0, ERROR_FORMAT, "the FAT goes on in sector 42949"},
    {"much FAT", 0, HEADER, 0, 0x2c, 4, 0x7fffffff, 0, ERROR_FORMAT, "counts 2147483647 FAT"},
    {"FAT of 110", 0, HEADER, 0, 0x2c, 4, 110, 0, ERROR_FORMAT, "counts 110 FAT sectors"},
    {"DIFAT count", 0, HEADER, 0, 0x48, 4, 1, 0, ERROR_FORMAT, "counts 1 DIFAT sectors"},
    {"DIFAT start", 0, HEADER, 0, 0x44, 4, 3, 0, ERROR_FORMAT, "its DIFAT goes on in sector 3"},
    {"FAT outside", 0, HEADER, 0, 0x4c, 4, SECTORS, 0, ERROR_FORMAT, "the FAT goes on in sector"},
    {"FAT nowhere", 0, HEADER, 0, 0x4c, 4, CFB_FREE, 0, ERROR_FORMAT, "the FAT goes on in sector"},
    {"FAT in a stream", 0, HEADER, 0, 0x4c, 4, START_OF + BB, 0, ERROR_FORMAT, "is one of the FAT"},
    {"directory outside", 0, HEADER, 0, 0x30, 4, SECTORS + 9, 0, ERROR_FORMAT,
     "the directory goes"},
    {"no directory", 0, HEADER, 0, 0x30, 4, CFB_END, 0, ERROR_FORMAT, "has no directory"},
    {"directory is FAT", 0, HEADER, 0, 0x30, 4, FAT_SECTOR, 0, ERROR_FORMAT, "found by the direct"},
    {"a stream as directory", 0, HEADER, 0, 0x30, 4, START_OF + BB, 0, ERROR_FORMAT,
     "not the root"},
    {"mini FAT count", 0, HEADER, 0, 0x40, 4, 7, 0, ERROR_FORMAT, "counts 7 sectors of the mini"},
    {"no mini FAT", 0, HEADER, 0, 0x40, 4, 0, 0, ERROR_FORMAT, "more than the mini FAT has"},
    {"mini FAT outside", 0, HEADER, 0, 0x3c, 4, SECTORS + 1, 0, ERROR_FORMAT, "the mini FAT goes"},
    {"mini FAT is directory", 0, HEADER, 0, 0x3c, 4, DIRECTORY, 0, ERROR_FORMAT, "two chains"},
    {"mini FAT nowhere", 0, HEADER, 0, 0x3c, 4, CFB_END, 0, ERROR_FORMAT, "but there are 0"},

    /* The FAT. */
    {"own mark", 0, FAT_FAT, 0, 0, 4, CFB_END, 0, ERROR_FORMAT, "but the FAT has fffffffe"},
    {"loop of one", 0, FAT_OF, BB, 0, 4, START_OF + BB, 0, ERROR_FORMAT,
     "twice in one; found by s"},
    {"loop", 0, FAT_OF, EEEEE, 4, 4, START_OF + EEEEE, 0, ERROR_FORMAT, "twice in one"},
    {"shared", 0, FAT_OF, BB, 0, 4, START_OF + EEEEE, 0, ERROR_FORMAT, "'BB' has 5000 bytes, but"},
    {"shared, the other way", 0, FAT_OF, EEEEE, 0, 4, START_OF + BB, 0, ERROR_FORMAT, "found by s"},
    {"into the directory", 0, FAT_OF, BB, 0, 4, DIRECTORY, 0, ERROR_FORMAT, "found by stream 'BB'"},
    {"into the FAT", 0, FAT_OF, BB, 0, 4, FAT_SECTOR, 0, ERROR_FORMAT, "found by stream 'BB'"},
    {"short chain", 0, FAT_OF, BB, 8, 4, CFB_END, 0, ERROR_FORMAT, "'BB' ends 3464 bytes before"},
    {"long chain", 0, FAT_OF, BB, 36, 4, START_OF + HH, 0, ERROR_FORMAT, "chain goes on after"},
    {"free in a chain", 0, FAT_OF, BB, 4, 4, CFB_FREE, 0, ERROR_FORMAT, "'BB' ends"},
    {"a mark in a chain", 0, FAT_OF, BB, 4, 4, CFB_FAT, 0, ERROR_FORMAT, "'BB' ends"},
    {"the end is free", 0, FAT_OF, BB, 36, 4, CFB_FREE, 0, ERROR_FORMAT, "goes on after"},
    {"out of the file", 0, FAT_OF, EEEEE, 0, 4, SECTORS, 0, ERROR_FORMAT, "it was cut short"},
    {"far out", 0, FAT_OF, EEEEE, 0, 4, 0xfffffff9, 0, ERROR_FORMAT,
     "goes on in sector 4294967289"},
    {"in use behind the end", 0, FAT_AT, 0, 4, 4, CFB_END, 0, ERROR_FORMAT,
     "but the file ends bef"},
    {"directory loop", 0, FAT_DIRECTORY, 0, 0, 4, DIRECTORY, 0, ERROR_FORMAT,
     "two chains, or twice"},
    {"directory breaks off", 0, FAT_DIRECTORY, 0, 0, 4, CFB_FREE, 0, ERROR_FORMAT,
     "breaks off with"},
    {"directory ends early", 0, FAT_DIRECTORY, 0, 0, 4, CFB_END, 0, ERROR_FORMAT, "has 4 entries"},
    {"mini FAT breaks off", 0, FAT_MINI_FAT, 0, 0, 4, CFB_FAT, 0, ERROR_FORMAT,
     "the mini FAT does"},
    {"mini stream ends", 0, FAT_MINI_STREAM, 0, 0, 4, CFB_END, 0, ERROR_FORMAT,
     "the mini stream end"},
    {"mini stream shares", 0, FAT_MINI_STREAM, 0, 0, 4, START_OF + BB, 0, ERROR_FORMAT,
     "two chains"},

    /* The mini FAT. */
    {"mini loop", 0, MINI_OF, DDDD, 0, 4, START_OF + DDDD, 0, ERROR_FORMAT, "small sector 2 is in"},
    {"mini shared", 0, MINI_OF, A, 0, 4, START_OF + DDDD, 0, ERROR_FORMAT,
     "'A' has 100 bytes, but"},
    {"mini short", 0, MINI_OF, DDDD, 4, 4, CFB_END, 0, ERROR_FORMAT, "'DDDD' ends before its 3000"},
    {"mini long", 0, MINI_OF, A, 4, 4, START_OF + G, 0, ERROR_FORMAT, "'A' has 100 bytes, but"},
    {"mini free", 0, MINI_OF, DDDD, 4, 4, CFB_FREE, 0, ERROR_FORMAT, "'DDDD' ends before"},
    {"mini out", 0, MINI_OF, DDDD, 0, 4, 60, 0, ERROR_FORMAT, "goes on in small sector 60"},
    {"mini far out", 0, MINI_OF, DDDD, 0, 4, 0xfffffff0, 0, ERROR_FORMAT,
     "small sector 4294967280"},

    /* Entries. */
    {"root is a stream", 0, ENTRY_OF, 0, 66, 1, 2, 0, ERROR_FORMAT, "is not the root"},
    {"root has siblings", 0, ENTRY_OF, 0, 68, 4, 1, 0, ERROR_FORMAT, "has siblings"},
    {"root without a name", 0, ENTRY_OF, 0, 64, 2, 0, 0, ERROR_FORMAT, "0 ('') has a name of no"},
    {"root with a huge name", 0, ENTRY_OF, 0, 64, 2, 0xfffa, 0, ERROR_FORMAT, "no valid length"},
    {"class", 0, ENTRY_OF, 0, 80, 4, 0x00020906, 0, ERROR_UNSUPPORTED, "is {00020906-"},
    {"class of MSP, almost", 0, ENTRY_OF, 0, 88, 1, 0, 0, ERROR_UNSUPPORTED,
     "none of Windows Inst"},
    {"two roots", 0, ENTRY_OF, A, 66, 1, 5, 0, ERROR_FORMAT, "neither a stream nor a storage"},
    {"unused, but reached", 0, ENTRY_OF, BB, 66, 1, 0, 0, ERROR_FORMAT, "neither a stream"},
    {"type 7", 0, ENTRY_OF, BB, 66, 1, 7, 0, ERROR_FORMAT, "neither a stream nor a storage"},
    {"child beyond", 0, ENTRY_OF, 0, 76, 4, 4000, 0, ERROR_FORMAT, "a name stands in entry 4000"},
    {"left beyond", 0, ENTRY_OF, A, 68, 4, 0xfffffffe, 0, ERROR_FORMAT, "in entry 4294967294"},
    {"child is the root", 0, ENTRY_OF, 0, 76, 4, 0, 0, ERROR_FORMAT, "is reached twice"},
    {"left is itself", 0, ENTRY_OF, A, 68, 4, A, 0, ERROR_FORMAT, "is reached twice"},
    {"right is the top", 0, ENTRY_OF, A, 72, 4, DDDD, 0, ERROR_FORMAT, "is reached twice"},
    {"two ways", 0, ENTRY_OF, A, 72, 4, CCC, 0, ERROR_FORMAT, "stands at the wrong place"},
    {"in two storages", 0, ENTRY_OF, CCC, 76, 4, EEEEE, 0, ERROR_FORMAT, "is reached twice"},
    {"storage in itself", 0, ENTRY_OF, CCC, 76, 4, CCC, 0, ERROR_FORMAT, "is reached twice"},
    {"storage in its child", 0, ENTRY_OF, G, 72, 4, CCC, 0, ERROR_FORMAT, "is reached twice"},
    {"stream with children", 0, ENTRY_OF, A, 76, 4, G, 0, ERROR_FORMAT, "is a stream, and has chi"},
    {"name of nothing", 0, ENTRY_OF, A, 64, 2, 0, 0, ERROR_FORMAT, "a name of no valid length"},
    {"name is a NUL", 0, ENTRY_OF, A, 64, 2, 2, 0, ERROR_FORMAT, "a name of no valid length"},
    {"odd name", 0, ENTRY_OF, A, 64, 2, 5, 0, ERROR_FORMAT, "a name of no valid length"},
    {"long name", 0, ENTRY_OF, FFFFFF, 64, 2, 66, 0, ERROR_FORMAT, "a name of no valid length"},
    {"huge name", 0, ENTRY_OF, FFFFFF, 64, 2, 0xfffe, 0, ERROR_FORMAT, "a name of no valid length"},
    {"NUL in a name", 0, ENTRY_OF, FFFFFF, 4, 2, 0, 0, ERROR_FORMAT, "a name of no valid length"},
    {"name without NUL", 0, ENTRY_OF, FFFFFF, 12, 2, 'x', 0, ERROR_FORMAT, "a name of no valid"},
    {"size of 3000 as 4096", 0, ENTRY_OF, DDDD, 120, 4, 4096, 0, ERROR_FORMAT, "two chains"},
    {"size of 5000 as 3000", 0, ENTRY_OF, BB, 120, 4, 3000, 0, ERROR_FORMAT, "'BB'"},
    {"size too small", 0, ENTRY_OF, EEEEE, 120, 4, 9000, 0, ERROR_FORMAT, "goes on after them"},
    {"size too large", 0, ENTRY_OF, EEEEE, 120, 4, 12000, 0, ERROR_FORMAT, "'EEEEE' ends"},
    {"size of 4 GiB", 0, ENTRY_OF, EEEEE, 120, 4, 0xffffffff, 0, ERROR_FORMAT,
     "more than the whole"},
    {"size of much", 1, ENTRY_OF, EEEEE, 124, 4, 0x7fffffff, 0, ERROR_FORMAT,
     "more than the whole"},
    {"empty, with a size", 0, ENTRY_OF, FFFFFF, 120, 4, 5, 0, ERROR_FORMAT, "'FFFFFF' ends before"},
    {"starts nowhere", 0, ENTRY_OF, BB, 116, 4, CFB_END, 0, ERROR_FORMAT, "'BB' ends 5000 bytes"},
    {"starts outside", 0, ENTRY_OF, BB, 116, 4, SECTORS + 5, 0, ERROR_FORMAT,
     "'BB' goes on in sector"},
    {"mini stream short", 0, ENTRY_OF, 0, 120, 4, 640, 0, ERROR_FORMAT, "ends after 10"},
    {"mini stream long", 0, ENTRY_OF, 0, 120, 4, 8000, 0, ERROR_FORMAT,
     "ends after 4096 of its 8000"},
    {"mini stream too long", 0, ENTRY_OF, 0, 120, 4, 30000, 0, ERROR_FORMAT, "claims 30000 bytes"},
    {"mini stream huge", 1, ENTRY_OF, 0, 124, 4, 1, 0, ERROR_UNSUPPORTED, "4 GiB of small streams"},
    {"mini stream nowhere", 0, ENTRY_OF, 0, 116, 4, CFB_FREE, 0, ERROR_FORMAT,
     "ends after 0 of its"},

    /* Its end. */
    {"a byte behind", .grow = 1, .code = ERROR_FORMAT,
     .says = "bytes stand behind its last sector"},
    {"a sector behind", .grow = 512, .code = ERROR_FORMAT,
     .says = "behind its last sector, at byte"},
    {"behind, in 4", .in_large = true, .grow = 5000, .code = ERROR_FORMAT,
     .says = "behind its last"},
    {"cut in the last stream", .grow = -500, .code = ERROR_FORMAT, .says = "before the end of"},
    {"cut by a sector", .grow = -512, .code = ERROR_FORMAT, .says = "has sector"},
    {"cut by some", .grow = -6000, .code = ERROR_FORMAT, .says = "it was cut short"},
    {"cut in 4", .in_large = true, .grow = -4096, .code = ERROR_FORMAT, .says = "it was cut short"},
    {"only a header", .grow = -1000000, .code = ERROR_FORMAT, .says = "too short"},
};

static uint32_t sector_of(const struct cfb_image *image, size_t at)
{
    return (uint32_t)(at / image->sector_size - 1);
}

static uint32_t real_value(const struct cfb_image *image, uint32_t value)
{
    uint32_t kind = value & 0xff000000, rest = value & 0xffffff;

    switch (kind) {
    case START_OF:
        return image->start[rest];
    case SECTORS:
        return (uint32_t)image->sectors + rest;
    case DIRECTORY:
        return sector_of(image, image->directory);
    case FAT_SECTOR:
        return sector_of(image, image->fat);
    default:
        return value;
    }
}

static size_t place_of(const struct cfb_image *image, const struct bad *b)
{
    switch (b->base) {
    case ENTRY_OF:
        return image->entry[b->which];
    case FAT_OF:
        return cfb_fat_slot(image, image->start[b->which]);
    case MINI_OF:
        return image->mini_fat + 4 * (size_t)image->start[b->which];
    case FAT_AT:
        return cfb_fat_slot(image, (uint32_t)image->sectors - 1 - b->which);
    case FAT_FAT:
        return cfb_fat_slot(image, sector_of(image, image->fat));
    case FAT_DIRECTORY:
        return cfb_fat_slot(image, sector_of(image, image->directory));
    case FAT_MINI_FAT:
        return cfb_fat_slot(image, sector_of(image, image->mini_fat));
    case FAT_MINI_STREAM:
        return cfb_fat_slot(image, sector_of(image, image->mini_stream));
    default:
        return 0;
    }
}

static void break_image(struct cfb_image *image, const struct bad *b)
{
    uint8_t value[4];
    size_t least = 600;

    le_put_32(value, real_value(image, b->value));
    memcpy(image->bytes.data + place_of(image, b) + b->offset, value, b->size);
    for (int i = 0; i < b->grow; i++)
        buffer_append_byte(&image->bytes, 'x');
    if (b->grow < 0)
        image->bytes.length = image->bytes.length > least + (size_t)-b->grow
                                  ? image->bytes.length - (size_t)-b->grow
                                  : least;
}

static void refuses(void **state)
{
    const enum sign_existing existing[] = {SIGN_KEEP, SIGN_REPLACE, SIGN_APPEND};
    struct sign_spec spec = signing_spec(&identity);
    struct cfb_image *image = malloc(sizeof *image);

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        for (size_t k = 0; k < 3; k++) {
            struct buffer out = BUFFER_INIT;
            struct error e = ERROR_INIT;

            cfb_build(image, bad[i].in_large ? &large : &small);
            break_image(image, &bad[i]);
            spec.existing = existing[k];
            if (signing_run(&identity, &spec, &image->bytes, &out, NULL, &e))
                fail_msg("%s: signed", bad[i].name);
            if (e.code != bad[i].code || strstr(e.text, bad[i].says) == NULL ||
                strstr(e.text, "'test.exe'") == NULL)
                fail_msg("%s: %s", bad[i].name, e.text);
            assert_int_equal(out.length, 0);
            buffer_free(&out);
            buffer_free(&image->bytes);
        }
    free(image);
}

static void must_refuse(const struct buffer *file, const char *says)
{
    struct sign_spec spec = signing_spec(&identity);
    struct buffer out = BUFFER_INIT;
    struct error e = ERROR_INIT;

    assert_false(signing_run(&identity, &spec, file, &out, NULL, &e));
    if (strstr(e.text, says) == NULL)
        fail_msg("%s: %s", says, e.text);
    assert_int_equal(out.length, 0);
    buffer_free(&out);
}

static void set_name(struct cfb_image *image, size_t item, const char *name)
{
    uint8_t *entry = image->bytes.data + image->entry[item];

    memset(entry, 0, 64);
    for (size_t i = 0; name[i] != '\0'; i++)
        entry[2 * i] = (uint8_t)name[i];
    entry[64] = (uint8_t)(2 * strlen(name) + 2);
}

static void names(void **state)
{
    static const struct {
        size_t item;
        const char *name, *says;
    } cases[] = {
        {A, "CCCC", "wrong place in the tree"},
        {BB, "A", "a name that another one beside it has"},
        {BB, "a", "a name that another one"},
        {EEEEE, "dddd", "a name that another one beside"},
        {EEEEE, "DDDA", "wrong place in the tree"},
        {FFFFFF, "e", "wrong place in the tree"},
        {HH, "g", "a name that another one"},
        {HH, "F", "wrong place in the tree"},
        {FFFFFF, "\5digitalSignature", "differs from the signature's only in case"},
    };
    struct cfb_image *image = malloc(sizeof *image);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cfb_build(image, i % 2 == 0 ? &small : &large);
        set_name(image, cases[i].item, cases[i].name);
        must_refuse(&image->bytes, cases[i].says);
        buffer_free(&image->bytes);
    }
    free(image);
}

/* Entries that belong to signatures, but are no such streams. */
static void strange_signatures(void **state)
{
    static const struct {
        struct cfb_item item;
        const char *says;
    } cases[] = {
        {{.name = "\5DigitalSignature", .storage = true}, "there is a storage"},
        {{.name = "\5MsiDigitalSignatureEx", .storage = true}, "there is a storage"},
        {{.name = "\5MsiDigitalSignatureEx", .size = 65}, "has 65 bytes; it holds a digest"},
        {{.name = "\5MsiDigitalSignatureEx", .size = 5000}, "has 5000 bytes"},
        {{.name = "\5DigitalSignature", .size = (16 << 20) + 1}, "larger than 16 MiB"},
        {{.name = "\5DigitalSignature", .size = 900}, "carries a signature that does not hold"},
    };
    struct cfb_image *image = malloc(sizeof *image);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cfb_build(image, &(struct cfb_recipe){.item = &cases[i].item, .count = 1});
        must_refuse(&image->bytes, cases[i].says);
        buffer_free(&image->bytes);
    }
    free(image);
}

/* A stray stream of either name does not hinder a signature. */
static void stray_streams(void **state)
{
    static const struct cfb_item stray[] = {
        {.name = "\5DigitalSignature", .size = 0},
        {.name = "\5MsiDigitalSignatureEx", .size = 20},
        {.name = "\5DigitalSignature", .size = 5000},
    };
    struct cfb_image *image = malloc(sizeof *image);
    struct sign_spec spec = signing_spec(&identity);
    struct buffer out = BUFFER_INIT;

    (void)state;
    spec.existing = SIGN_REPLACE;
    for (size_t i = 0; i < 3; i++)
        for (int ex = 0; ex < 2; ex++) {
            struct verify_options options = signing_trust(&identity);
            struct verify_report report;
            int fd;

            spec.signature_ex = ex;
            cfb_build(image, &(struct cfb_recipe){.item = &stray[i], .count = 1, .many = 12});
            signing_must(&identity, &spec, &image->bytes, &out);
            fd = signing_file(out.data, out.length);
            assert_true(verify_file(fd, "made", &options, &report, NULL, NULL));
            assert_true(report.good);
            verify_report_free(&report);
            close(fd);
            X509_STORE_free(options.trust);
            buffer_free(&image->bytes);
        }
    buffer_free(&out);
    free(image);
}

/* Too much of everything. */
static void too_much(void **state)
{
    struct cfb_item deep[CFB_DEEPEST + 1];
    struct cfb_image *image = malloc(sizeof *image);
    struct error e = ERROR_INIT;
    int fd;

    (void)state;
    for (unsigned i = 0; i < CFB_DEEPEST + 1; i++)
        deep[i] = (struct cfb_item){.name = "deep", .storage = true, .in = i};
    cfb_build(image, &(struct cfb_recipe){.item = deep, .count = CFB_DEEPEST + 1});
    must_refuse(&image->bytes, "nested too deep");
    buffer_free(&image->bytes);

    cfb_build(image, &small);
    fd = signing_file(image->bytes.data, image->bytes.length);
    assert_int_equal(ftruncate(fd, ((off_t)2 << 30) + 1), 0);
    assert_null(cfb_open(fd, "large", &e));
    assert_non_null(strstr(e.text, "version 3 and larger than 2 GiB"));
    close(fd);
    buffer_free(&image->bytes);

    cfb_build(image, &large);
    fd = signing_file(image->bytes.data, image->bytes.length);
    assert_int_equal(ftruncate(fd, (off_t)257 << 30), 0);
    assert_null(cfb_open(fd, "large", &e));
    assert_non_null(strstr(e.text, "larger than 256 GiB"));
    close(fd);
    buffer_free(&image->bytes);
    free(image);
}

/* Names are ordered as [MS-CFB] 2.6.4 has it. */
static void order_of_names(void **state)
{
    static const struct {
        uint16_t a[4], b[4];
        int order;
        bool sure;
    } cases[] = {
        {{'a'}, {'B'}, -1, true},
        {{'b'}, {'A'}, 1, true},
        {{'b', 'a'}, {'A', 'a', 'a'}, -1, true},
        {{'z', 'z'}, {'Z', 'Z'}, 0, true},
        {{'_'}, {'a'}, 1, true}, /* after 'A' */
        {{'Z'}, {'['}, -1, true},
        {{0x4840, 0x3b3f}, {0x4840, 0x3f3f}, -1, true},
        {{0x4840, 'a'}, {0x4840, 0x3f3f}, -1, true},
        {{0xe9}, {0xc9}, 1, false}, /* e with acute: one letter, which only a table tells */
        {{'a', 0xe9}, {'b', 0xc9}, -1, true},
        {{'a', 0xe9}, {'A', 0xe9}, 0, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t a[CFB_ENTRY_SIZE] = {0}, b[CFB_ENTRY_SIZE] = {0};
        unsigned m = 0, n = 0;
        bool sure;
        int order;

        for (; cases[i].a[m] != 0; m++)
            le_put_16(a + 2 * m, cases[i].a[m]);
        for (; cases[i].b[n] != 0; n++)
            le_put_16(b + 2 * n, cases[i].b[n]);
        a[CFB_ENTRY_NAME_LENGTH] = (uint8_t)(2 * m + 2);
        b[CFB_ENTRY_NAME_LENGTH] = (uint8_t)(2 * n + 2);
        order = cfb_compare(a, b, &sure);
        assert_int_equal(order < 0 ? -1 : order > 0, cases[i].order);
        assert_int_equal(sure, cases[i].sure);
    }
}

/* Names as msiinfo shows them. */
static void readable_names(void **state)
{
    static const uint16_t table[] = {0x4840, 0x3f3f, 0x4577, 0x446c, 0x3b6a, 0x45e4, 0x4824};
    struct cfb_image *image = malloc(sizeof *image);
    char text[CFB_NAME_SIZE];
    struct cfb *c;
    int fd;

    (void)state;
    cfb_build(image, &(struct cfb_recipe){
                         .item = &(struct cfb_item){.name = "\5SummaryInformation"}, .count = 1});
    fd = signing_file(image->bytes.data, image->bytes.length);
    c = cfb_open(fd, "names", NULL);
    assert_non_null(c);
    assert_string_equal(cfb_name(c, 1, text), "\\x5SummaryInformation");
    for (size_t i = 0; i < 7; i++)
        le_put_16(cfb_entry(c, 1) + 2 * i, table[i]);
    cfb_entry(c, 1)[CFB_ENTRY_NAME_LENGTH] = 16;
    assert_string_equal(cfb_name(c, 1, text), "!_StringData");
    for (size_t i = 0; i < 32; i++)
        le_put_16(cfb_entry(c, 1) + 2 * i, 0xffff);
    cfb_entry(c, 1)[CFB_ENTRY_NAME_LENGTH] = 64;
    assert_int_equal(strlen(cfb_name(c, 1, text)), 31 * 6);
    cfb_close(&c);
    close(fd);
    buffer_free(&image->bytes);
    free(image);
}

/* A file that ends anywhere is refused, or read; nothing else. */
static void cut_anywhere(void **state)
{
    struct cfb_image *image = malloc(sizeof *image);

    (void)state;
    for (int i = 0; i < 2; i++) {
        cfb_build(image, i == 0 ? &small : &large);
        for (size_t length = 0; length < image->bytes.length; length += i == 0 ? 61 : 997) {
            int fd = signing_file(image->bytes.data, length);
            struct error e = ERROR_INIT;
            struct cfb *c = cfb_open(fd, "cut", &e);

            if (c == NULL)
                assert_true(e.code == ERROR_FORMAT && strstr(e.text, "'cut'") != NULL);
            cfb_close(&c);
            close(fd);
        }
        buffer_free(&image->bytes);
    }
    free(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses),
        cmocka_unit_test(names),
        cmocka_unit_test(strange_signatures),
        cmocka_unit_test(stray_streams),
        cmocka_unit_test(too_much),
        cmocka_unit_test(order_of_names),
        cmocka_unit_test(readable_names),
        cmocka_unit_test(cut_anywhere),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
