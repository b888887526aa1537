/* SPDX-License-Identifier: Apache-2.0 */
/* Cabinets of every shape: those that must be signed, and come back when the signature is taken
 * out, and those that must be refused, with the reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cab_builder.h"
#include "sign/format.h"
#include "sign/le.h"
#include "sign/note.h"
#include "signing.h"

static struct signing_identity identity, another;

static int set_up(void **state)
{
    (void)state;
    signing_identity_make(&identity, "P-256");
    signing_identity_make(&another, "P-384");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    signing_identity_free(&identity);
    signing_identity_free(&another);
    return 0;
}

#define ONE .folders = 1, .blocks = 1, .block_size = 100, .files = 1
#define TWO .folders = 2, .blocks = 3, .block_size = 1000, .files = 2
#define CONTENTS(text) .contents = text, .contents_length = sizeof text - 1
#define PLACE "\0\0\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

static const struct {
    const char *name;
    struct cab_recipe recipe;
    size_t reserve; /* of the header when it is signed */
} good[] = {
    {"one file", {ONE}, 20},
    {"two folders", {TWO}, 20},
    {"no reserve of the header, but of folders", {TWO, .reserves = true, .folder_reserve = 7}, 20},
    {"no reserve of the header, but of blocks", {TWO, .reserves = true, .block_reserve = 9}, 20},
    {"sizes of reserves, all zero", {ONE, .reserves = true}, 20},
    {"reserve of 1", {ONE, .reserves = true, .reserve = 1}, 20},
    {"reserve of 4", {TWO, .reserves = true, .reserve = 4}, 20},
    {"reserve of 8", {TWO, .reserves = true, .reserve = 8, .folder_reserve = 8}, 20},
    {"reserve of 19", {TWO, .reserves = true, .reserve = 19}, 20},
    {"reserve of 20", {TWO, .reserves = true, .reserve = 20}, 20},
    {"reserve of 21", {TWO, .reserves = true, .reserve = 21}, 21},
    {"reserve of 128", {ONE, .reserves = true, .reserve = 128}, 128},
    {"reserve of 6144", {TWO, .reserves = true, .reserve = 6144}, 6144},
    {"reserve of 60000", {TWO, .reserves = true, .reserve = 60000}, 60000},
    {"all reserves",
     {TWO, .reserves = true, .reserve = 300, .folder_reserve = 255, .block_reserve = 255},
     300},
    {"a place that was left", {ONE, .reserves = true, .reserve = 20, CONTENTS(PLACE)}, 20},
    {"a place in a large reserve", {ONE, .reserves = true, .reserve = 64, CONTENTS(PLACE)}, 64},
    {"structure 1", {ONE, .reserves = true, .reserve = 8, CONTENTS("\3\0\0\0abc")}, 23},
    {"structure 1 that fills it",
     {ONE, .reserves = true, .reserve = 7, CONTENTS("\3\0\0\0abc")},
     23},
    {"structure 1 with room", {ONE, .reserves = true, .reserve = 99, CONTENTS("\3\0\0\0abc")}, 99},
    {"structure 1 and a place",
     {ONE, .reserves = true, .reserve = 30, CONTENTS("\3\0\x10\0abc\0\0\0\0\0\0\0\0junkjunk")},
     30},
    {"empty folders", {TWO, .empty_folders = 3}, 20},
    {"backwards", {TWO, .backwards = true}, 20},
    {"a gap", {TWO, .gap = 777}, 20},
    {"blocks of nothing", {.folders = 2, .blocks = 5, .files = 1}, 20},
    {"number of a set that is alone", {ONE, .set = 4660, .number = 7}, 20},
    {"many folders", {.folders = 20000, .blocks = 1, .block_size = 1, .files = 1}, 20},
    {"many folders with reserves",
     {.folders = 3000,
      .blocks = 1,
      .block_size = 1,
      .files = 1,
      .reserves = true,
      .folder_reserve = 201},
     20},
    /* 65536 is one more than a multiple of 15: an offset stands across the ends of two pieces, and
     * with this gap each of its bytes but the last two changes. */
    {"an offset across pieces",
     {.folders = 4500,
      .blocks = 1,
      .block_size = 1,
      .files = 1,
      .gap = 20,
      .reserves = true,
      .folder_reserve = 7},
     20},
    {"several pieces", {.folders = 3, .blocks = 5, .block_size = 32768, .files = 4}, 20},
    {"blocks across pieces", {.folders = 1, .blocks = 9000, .block_size = 31, .files = 1}, 20},
};

static void check_digest(const struct buffer *file, const char *said)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    size_t length;
    char hex[2 * EVP_MAX_MD_SIZE + 1];

    cab_expected_digest(file, "SHA256", digest, &length);
    for (size_t i = 0; i < length; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    assert_string_equal(said, hex);
}

/* Signed, and every signature in it is good. */
static void check_good(const struct signing_identity *root, const struct buffer *file, size_t count)
{
    struct verify_options options = signing_trust(root);
    int fd = signing_file(file->data, file->length);
    struct verify_report report;
    struct error e = ERROR_INIT;

    X509_STORE_add_cert(options.trust, identity.root);
    if (!verify_file(fd, "test.cab", &options, &report, NULL, &e))
        fail_msg("%s", e.text);
    if (!report.good)
        fail_msg("%s",
                 report.problem_count > 0 ? report.problems[0] : report.signature[0].problems[0]);
    assert_int_equal(report.count, count);
    check_digest(file, report.signature[0].file_digest);
    verify_report_free(&report);
    X509_STORE_free(options.trust);
    close(fd);
}

/* Offsets moved by as much as the header grew; all else is as it was. */
static void check_layout(const struct cab_image *image, const struct cab_recipe *r,
                         const struct buffer *file, size_t reserve)
{
    size_t grown = reserve - r->reserve + (r->reserves ? 0 : 4), size = image->bytes.length + grown;
    size_t first = r->contents_length > 0 ? (size_t)r->contents[0] : 0;
    const uint8_t *was = image->bytes.data, *place = file->data + 44 + first;
    struct buffer moved = BUFFER_INIT;

    assert_int_equal(le_32(file->data + 8), size);
    assert_int_equal(le_32(file->data + 16), image->files + grown);
    assert_int_equal(le_16(file->data + 30), le_16(was + 30) | 4);
    assert_int_equal(le_16(file->data + 36), reserve);
    assert_int_equal(file->data[38], r->folder_reserve);
    assert_int_equal(file->data[39], r->block_reserve);
    assert_int_equal(le_16(file->data + 40), first);
    assert_int_equal(le_16(file->data + 42), 16);
    assert_int_equal(le_32(place), size);
    assert_int_equal(le_32(place + 4), file->length - size);
    assert_int_equal(le_32(place + 4) % 8, 0);
    assert_memory_equal(place + 8, "\0\0\0\0\0\0\0\0", 8);
    buffer_append(&moved, was + image->names, image->bytes.length - image->names);
    for (size_t i = 0; i < r->folders + r->empty_folders; i++) {
        uint8_t *start =
            moved.data + (image->folders - image->names) + i * (8U + r->folder_reserve);

        le_put_32(start, (uint32_t)(le_32(start) + grown));
    }
    assert_memory_equal(file->data + image->names + grown, moved.data, moved.length);
    buffer_free(&moved);
}

static void extract(const struct buffer *file, struct buffer *der)
{
    int fd = signing_file(file->data, file->length);
    struct error e = ERROR_INIT;
    struct format_file *f = format_cab.open(fd, "test.cab", &e);

    if (f == NULL || !format_cab.extract(f, 0, der, &e))
        fail_msg("%s", e.text);
    format_cab.close(&f);
    close(fd);
}

/* With the note of its signature, or an empty one. */
static bool take_out(const struct buffer *file, bool with_note, struct buffer *out, struct error *e)
{
    int fd = signing_file(file->data, file->length), output = signing_file("", 0);
    struct format_file *f = format_cab.open(fd, "test.cab", e);
    struct buffer der = BUFFER_INIT, note = BUFFER_INIT;
    bool done = f != NULL && format_cab.extract(f, 0, &der, e) &&
                (!with_note || note_get(&der, &note, e)) &&
                format_cab.remove(f, &note, output, NULL, e);

    signing_read(output, out);
    format_cab.close(&f);
    buffer_free(&der);
    buffer_free(&note);
    close(fd);
    close(output);
    return done;
}

static void must_be_same(const struct buffer *one, const struct buffer *two)
{
    assert_int_equal(one->length, two->length);
    assert_memory_equal(one->data, two->data, one->length);
}

/* What was signed, without its signature, is what was there before. */
static void check_removed(const struct buffer *file, const struct buffer *original)
{
    struct buffer out = BUFFER_INIT;
    struct error e = ERROR_INIT;

    if (!take_out(file, true, &out, &e))
        fail_msg("%s", e.text);
    must_be_same(&out, original);
    buffer_free(&out);
}

/* A signature that went out of a file goes into it again. */
static void check_attached(const struct buffer *file, const struct buffer *original)
{
    const struct format_options options = {.append = false};
    struct buffer der = BUFFER_INIT, attached = BUFFER_INIT;
    int fd = signing_file(original->data, original->length), output = signing_file("", 0);
    const struct format_pass pass = {.options = &options, .output = output};
    struct error e = ERROR_INIT;
    struct format_file *f = format_cab.open(fd, "test.cab", &e);

    extract(file, &der);
    assert_non_null(f);
    if (!format_cab.digest(f, &pass, &e) || !format_cab.embed(f, output, &der, 1, &e))
        fail_msg("%s", e.text);
    signing_read(output, &attached);
    must_be_same(&attached, file);
    format_cab.close(&f);
    buffer_free(&der);
    buffer_free(&attached);
    close(fd);
    close(output);
}

/* Signed once more: in place of the first, and beside it. */
static void check_again(const struct buffer *file, const struct buffer *original)
{
    struct sign_spec spec = signing_spec(&another);
    struct buffer replaced = BUFFER_INIT, two = BUFFER_INIT, three = BUFFER_INIT;
    struct error e = ERROR_INIT;
    enum sign_state state;

    spec.existing = SIGN_REPLACE;
    signing_must(&another, &spec, file, &replaced);
    check_good(&another, &replaced, 1);
    check_removed(&replaced, original);

    spec.existing = SIGN_APPEND;
    signing_must(&another, &spec, file, &two);
    check_good(&another, &two, 2);
    spec.description = "a third";
    signing_must(&another, &spec, &two, &three);
    check_good(&another, &three, 3);
    check_removed(&three, original);

    spec.existing = SIGN_KEEP;
    assert_true(signing_run(&another, &spec, &three, &two, &state, &e));
    assert_int_equal(state, SIGN_KEPT);
    buffer_free(&replaced);
    buffer_free(&two);
    buffer_free(&three);
}

static void signs(void **state)
{
    struct sign_spec spec = signing_spec(&identity);

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct cab_image image;
        struct buffer file = BUFFER_INIT;

        print_message("%s\n", good[i].name);
        cab_build(&image, &good[i].recipe);
        signing_must(&identity, &spec, &image.bytes, &file);
        check_layout(&image, &good[i].recipe, &file, good[i].reserve);
        check_good(&identity, &file, 1);
        check_removed(&file, &image.bytes);
        check_attached(&file, &image.bytes);
        check_again(&file, &image.bytes);
        buffer_free(&file);
        buffer_free(&image.bytes);
    }
}

/* Several digests in one pass, of a cabinet as it is: what a catalogue holds. */
static void several_digests(void **state)
{
    static const char *const names[] = {"SHA256", "SHA384", "SHA1"};
    const EVP_MD *md[] = {EVP_sha256(), EVP_sha384(), EVP_sha1()};
    uint8_t out[3][EVP_MAX_MD_SIZE], expected[EVP_MAX_MD_SIZE];
    const struct format_pass pass = {.output = -1, .md = md, .count = 3, .digest = out};
    static const struct cab_recipe recipes[] = {
        {TWO},
        {TWO, .reserves = true, .reserve = 4},
        {TWO, .reserves = true, .reserve = 40, .folder_reserve = 3},
        {TWO, .reserves = true, .reserve = 11, CONTENTS("\5\0\0\0abcde!!")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof recipes / sizeof *recipes; i++) {
        struct error e = ERROR_INIT;
        struct format_file *f;
        struct cab_image image;
        size_t length;
        int fd;

        cab_build(&image, &recipes[i]);
        fd = signing_file(image.bytes.data, image.bytes.length);
        f = format_cab.open(fd, "test.cab", &e);
        assert_non_null(f);
        assert_true(format_cab.digest(f, &pass, &e));
        for (size_t k = 0; k < 3; k++) {
            cab_expected_digest(&image.bytes, names[k], expected, &length);
            assert_memory_equal(out[k], expected, length);
        }
        format_cab.close(&f);
        assert_null(f);
        close(fd);
        buffer_free(&image.bytes);
    }
}

enum base { HEADER, RESERVE, NAMES, FOLDERS, FILES, DATA, PLACE_OF_SIGNATURE };

/* One change to a good cabinet, and what must be said when it is to be signed. */
static const struct {
    const char *name;
    bool is_signed;
    enum base base;
    size_t offset, size;
    uint32_t value;
    int grow; /* bytes added at the end, or cut off */
    enum error_code code;
    const char *says;
} bad[] = {
    {"InstallShield", false, HEADER, 0, 4, 0x28635349, 0, ERROR_UNSUPPORTED, "InstallShield"},
    {"four bytes", .grow = -100000, .code = ERROR_FORMAT, .says = "inside its header"},
    {"reserved 1", false, HEADER, 4, 4, 1, 0, ERROR_FORMAT, "bytes 4 to 7"},
    {"small", false, HEADER, 8, 4, 35, 0, ERROR_FORMAT, "smaller than a header"},
    {"short", false, HEADER, 8, 4, 36, 0, ERROR_FORMAT, "is cut short: it ends inside"},
    {"size of less", false, HEADER, 8, 4, 6227, 0, ERROR_FORMAT, "1 bytes follow the cab"},
    {"size of more", false, HEADER, 8, 4, 70000, 0, ERROR_FORMAT, "that it has 70000 bytes"},
    {"2 GiB", false, HEADER, 8, 4, 0x80000000, 0, ERROR_FORMAT, "less than 2 GiB"},
    {"4 GiB", false, HEADER, 8, 4, 0xffffffff, 0, ERROR_FORMAT, "less than 2 GiB"},
    {"files in header", false, HEADER, 16, 4, 36, 0, ERROR_FORMAT, "its list of files"},
    {"files in folders", false, HEADER, 16, 4, 75, 0, ERROR_FORMAT, "outside of"},
    {"files outside", false, HEADER, 16, 4, 70000, 0, ERROR_FORMAT, "begin at byte 70000"},
    {"files far", false, HEADER, 16, 4, 0xffffffff, 0, ERROR_FORMAT, "begin at byte 4294967295"},
    {"files at the end", false, HEADER, 16, 4, 6214, 0, ERROR_FORMAT, "the cabinet ends there"},
    {"version 1.2", false, HEADER, 24, 1, 2, 0, ERROR_UNSUPPORTED, "version 1.2"},
    {"version 2.3", false, HEADER, 25, 1, 2, 0, ERROR_UNSUPPORTED, "version 2.3"},
    {"folders", false, HEADER, 26, 2, 3, 0, ERROR_FORMAT, "its list of files"},
    {"no folders", false, HEADER, 26, 2, 0, 0, ERROR_FORMAT, "without any file"},
    {"no files", false, HEADER, 28, 2, 0, 0, ERROR_FORMAT, "without any file"},
    {"many folders", false, HEADER, 26, 2, 65535, 0, ERROR_FORMAT, "the headers of its folders"},
    {"files", false, HEADER, 28, 2, 65535, 0, ERROR_FORMAT, " in its list "},
    {"flags", false, HEADER, 30, 2, 12, 0, ERROR_UNSUPPORTED, "flags in its header"},
    {"names", false, HEADER, 30, 2, 5, 0, ERROR_FORMAT, "its list of files"},
    {"reserve", false, HEADER, 36, 2, 65535, 0, ERROR_FORMAT, "60000 is the most"},
    {"reserve beyond", false, HEADER, 36, 2, 60000, 0, ERROR_FORMAT, "the reserve of its header"},
    {"folder reserves", false, HEADER, 38, 1, 255, 0, ERROR_FORMAT, "its list of files"},
    {"block reserves", false, HEADER, 39, 1, 255, 0, ERROR_FORMAT, "reaches to byte"},
    {"folder in header", false, FOLDERS, 0, 4, 40, 0, ERROR_FORMAT, "inside the headers"},
    {"folder outside", false, FOLDERS, 0, 4, 70000, 0, ERROR_FORMAT, "folder 1 begins at byte"},
    {"folder far", false, FOLDERS, 8, 4, 0xffffffff, 0, ERROR_FORMAT, "folder 2 begins at byte"},
    {"folders the same", false, FOLDERS, 8, 4, 182, 0, ERROR_FORMAT, "share some of their data"},
    {"blocks too many", false, FOLDERS, 12, 2, 4, 0, ERROR_FORMAT, "has 4 blocks, 3 are there"},
    {"blocks very many", false, FOLDERS, 12, 2, 65535, 0, ERROR_FORMAT, "has 65535 blocks"},
    {"blocks of another", false, FOLDERS, 4, 2, 4, 0, ERROR_FORMAT, "share some of their data"},
    {"blocks too few", false, FOLDERS, 4, 2, 2, 0, ERROR_FORMAT, "its data unpacks to 2000"},
    {"blocks none", false, FOLDERS, 4, 2, 0, 0, ERROR_FORMAT, "its data unpacks to 0"},
    {"file too long", false, FILES, 0, 4, 3001, 0, ERROR_FORMAT, "take 3001 bytes"},
    {"last folder's too long", false, FILES, 52, 4, 3001, 0, ERROR_FORMAT, "take 3001 bytes"},
    {"file huge", false, FILES, 0, 4, 0xffffffff, 0, ERROR_FORMAT, "take 4294967295 bytes"},
    {"file far", false, FILES, 4, 4, 0xffffffff, 0, ERROR_FORMAT, "take 4294968795 bytes"},
    {"file's folder", false, FILES, 8, 2, 2, 0, ERROR_FORMAT, "a folder that is not there"},
    {"from previous", false, FILES, 8, 2, 0xfffd, 0, ERROR_FORMAT, "into another cabinet"},
    {"to next", false, FILES, 8, 2, 0xfffe, 0, ERROR_FORMAT, "into another cabinet"},
    {"through", false, FILES, 8, 2, 0xffff, 0, ERROR_FORMAT, "into another cabinet"},
    {"block too long", false, DATA, 4, 2, 65535, 0, ERROR_FORMAT, "is cut short: "},
    {"block short", false, DATA, 4, 2, 999, 0, ERROR_FORMAT, "block 2 of folder 1"},
    {"block of little", false, DATA, 6, 2, 999, 0, ERROR_FORMAT, "its data unpacks to 2999"},
    {"cut by a byte", .grow = -1, .code = ERROR_FORMAT, .says = "is cut short"},
    {"cut in the files", .grow = -6100, .code = ERROR_FORMAT, .says = "is cut short"},
    {"appended", .grow = 1, .code = ERROR_FORMAT, .says = "1 bytes follow the cabinet"},
    {"appended much", .grow = 5000, .code = ERROR_FORMAT, .says = "5000 bytes follow the cabinet"},
    {"signed, appended", true, .grow = 8, .code = ERROR_FORMAT, .says = "8 bytes follow its sign"},
    {"signed, cut", true, .grow = -1, .code = ERROR_FORMAT, .says = "its signature reaches to"},
    {"before the end", true, PLACE_OF_SIGNATURE, 0, 4, 6000, 0, ERROR_FORMAT, "begin at byte 6000"},
    {"at nothing", true, PLACE_OF_SIGNATURE, 0, 4, 0, 0, ERROR_FORMAT, "begin at byte 0"},
    {"far", true, PLACE_OF_SIGNATURE, 0, 4, 0xffffffff, 0, ERROR_FORMAT, "begin at byte 42949"},
    {"of nothing", true, PLACE_OF_SIGNATURE, 4, 4, 0, 0, ERROR_FORMAT, "bytes follow the cabinet"},
    {"shorter", true, PLACE_OF_SIGNATURE, 4, 4, 8, 0, ERROR_FORMAT, "bytes follow its signature"},
    {"longer", true, PLACE_OF_SIGNATURE, 4, 4, 60000, 0, ERROR_FORMAT, "its signature reaches to"},
    {"huge", true, PLACE_OF_SIGNATURE, 4, 4, 0xffffffff, 0, ERROR_FORMAT, "its signature reaches"},
    {"no place", true, RESERVE, 2, 2, 0, 0, ERROR_FORMAT, "bytes follow the cabinet"},
};

static void break_image(struct cab_image *image, size_t row)
{
    const size_t base[] = {
        0,           image->reserve,    image->names, image->folders, image->files,
        image->data, image->reserve + 4};
    uint8_t value[4];

    le_put_32(value, bad[row].value);
    memcpy(image->bytes.data + base[bad[row].base] + bad[row].offset, value, bad[row].size);
    if (bad[row].grow < 0) {
        size_t cut = (size_t)-bad[row].grow;

        image->bytes.length = cut < image->bytes.length ? image->bytes.length - cut : 4;
    }
    for (int i = 0; i < bad[row].grow; i++)
        buffer_append_byte(&image->bytes, 'x');
}

static void refuses(void **state)
{
    struct sign_spec spec = signing_spec(&identity);

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buffer file = BUFFER_INIT;
        struct error e = ERROR_INIT;
        struct cab_image image;

        cab_build(&image, &(struct cab_recipe){TWO, .reserves = true, .reserve = 20});
        spec.existing = SIGN_KEEP;
        if (bad[i].is_signed) {
            signing_must(&identity, &spec, &image.bytes, &file);
            buffer_free(&image.bytes);
            image.bytes = file;
            file = (struct buffer)BUFFER_INIT;
        }
        break_image(&image, i);
        for (int existing = SIGN_KEEP; existing <= SIGN_APPEND; existing++) {
            spec.existing = (enum sign_existing)existing;
            assert_false(signing_run(&identity, &spec, &image.bytes, &file, NULL, &e));
            if (e.code != bad[i].code || strstr(e.text, bad[i].says) == NULL)
                fail_msg("%s: %s", bad[i].name, e.text);
        }
        buffer_free(&file);
        buffer_free(&image.bytes);
    }
}

/* What somebody else put into the reserve is not lost, and not left without protection. */
static void foreign_reserves(void **state)
{
    static const struct {
        const char *name;
        struct cab_recipe recipe;
        const char *says;
    } rows[] = {
        {"text", {ONE, .reserves = true, .reserve = 40, CONTENTS("Some text.")}, "another program"},
        {"one byte", {ONE, .reserves = true, .reserve = 2, CONTENTS("x")}, "another program"},
        {"in the place",
         {ONE, .reserves = true, .reserve = 40, CONTENTS("\0\0\0\0\0\0\0\0x")},
         "another program"},
        {"behind the place",
         {ONE, .reserves = true, .reserve = 40, CONTENTS(PLACE "x")},
         "another program"},
        {"at the end of much",
         {ONE, .reserves = true, .reserve = 8, CONTENTS("\0\0\0\0\0\0\0x")},
         "another program"},
        {"another structure 2",
         {ONE, .reserves = true, .reserve = 40, CONTENTS("\0\0\x05\0abcde")},
         "another program"},
        {"lengths that lie",
         {ONE, .reserves = true, .reserve = 40, CONTENTS("\x20\0\x10\0")},
         "another program"},
        {"an old signature",
         {ONE, .reserves = true, .reserve = 6144, CONTENTS("\0\0\x80\0\x30\x82\x00\x7c\x06")},
         "as old programs"},
        {"no room",
         {ONE, .reserves = true, .reserve = 60000, CONTENTS("\x50\xea\0\0x")},
         "no room left"},
    };
    struct sign_spec spec = signing_spec(&identity);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buffer file = BUFFER_INIT;
        struct error e = ERROR_INIT;
        struct cab_image image;

        cab_build(&image, &rows[i].recipe);
        assert_false(signing_run(&identity, &spec, &image.bytes, &file, NULL, &e));
        assert_int_equal(e.code, ERROR_UNSUPPORTED);
        if (strstr(e.text, rows[i].says) == NULL)
            fail_msg("%s: %s", rows[i].name, e.text);
        buffer_free(&file);
        buffer_free(&image.bytes);
    }
}

/* Near 2 GiB the place for a signature has no room any more. */
static void no_room(void **state)
{
    struct sign_spec spec = signing_spec(&identity);
    struct error e = ERROR_INIT;
    struct cab_image image;
    enum sign_state ready;
    int input, output = signing_file("", 0);

    (void)state;
    cab_build(&image, &(struct cab_recipe){ONE});
    le_put_32(image.bytes.data + 8, 0x7fffffff);
    input = signing_file(image.bytes.data, image.bytes.length);
    assert_int_equal(ftruncate(input, 0x7fffffff), 0);
    assert_null(sign_begin(input, "test.cab", output, &spec, &ready, NULL, &e));
    assert_int_equal(e.code, ERROR_UNSUPPORTED);
    assert_non_null(strstr(e.text, "2 GiB"));
    buffer_free(&image.bytes);
    close(input);
    close(output);
}

/* Every byte of a signed cabinet counts, but for those that nothing protects, and these are told.
 */
static void every_byte_counts(void **state)
{
    struct sign_spec spec = signing_spec(&identity);
    struct verify_options options = signing_trust(&identity);
    struct buffer file = BUFFER_INIT;
    struct cab_image image;
    size_t size;

    (void)state;
    cab_build(&image, &(struct cab_recipe){.folders = 2,
                                           .blocks = 1,
                                           .block_size = 20,
                                           .files = 1,
                                           .reserves = true,
                                           .reserve = 40,
                                           CONTENTS("\3\0\0\0abc"),
                                           .folder_reserve = 3,
                                           .block_reserve = 2});
    signing_must(&identity, &spec, &image.bytes, &file);
    size = le_32(file.data + 8);
    for (size_t i = 0; i < size + 8; i++) {
        struct verify_report report;
        int fd;

        file.data[i] ^= 0x40;
        fd = signing_file(file.data, file.length);
        if (verify_file(fd, "test.cab", &options, &report, NULL, NULL)) {
            if (report.good)
                fail_msg("byte %zu can be changed", i);
            verify_report_free(&report);
        }
        close(fd);
        file.data[i] ^= 0x40;
    }
    X509_STORE_free(options.trust);
    buffer_free(&file);
    buffer_free(&image.bytes);
}

/* To what carries more than its signature. */
static void nothing_is_added(const struct buffer *file)
{
    struct sign_spec spec = signing_spec(&identity);
    struct buffer out = BUFFER_INIT;
    struct error e = ERROR_INIT;

    spec.existing = SIGN_APPEND;
    spec.description = "another";
    assert_false(signing_run(&identity, &spec, file, &out, NULL, &e));
    assert_int_equal(e.code, ERROR_UNSUPPORTED);
    assert_non_null(strstr(e.text, "would be lost"));
    buffer_free(&out);
}

static void flaws(void **state)
{
    static const struct {
        size_t at_end; /* the byte, from the end; else from the start */
        size_t at;
        const char *says;
    } rows[] = {
        {0, 40 + 12, "the reserve of its header"},
        {0, 40 + 20, "the reserve of its header"},
        {1, 0, "behind its signature"},
    };
    struct sign_spec spec = signing_spec(&identity);
    struct verify_options options = signing_trust(&identity);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buffer file = BUFFER_INIT;
        struct verify_report report;
        struct error e = ERROR_INIT;
        struct cab_image image;
        int fd;

        cab_build(&image, &(struct cab_recipe){ONE, .reserves = true, .reserve = 30});
        signing_must(&identity, &spec, &image.bytes, &file);
        if (rows[i].at_end > 0) {
            uint8_t *length = file.data + 48;

            le_put_32(length, le_32(length) + 8);
            for (int k = 0; k < 8; k++)
                buffer_append_byte(&file, 'x');
        } else {
            file.data[rows[i].at] = 'x';
        }
        fd = signing_file(file.data, file.length);
        assert_true(verify_file(fd, "test.cab", &options, &report, NULL, &e));
        assert_false(report.good);
        assert_int_equal(report.problem_count, 1);
        assert_non_null(strstr(report.problems[0], rows[i].says));
        assert_true(report.signature[0].digest_good);
        verify_report_free(&report);
        if (rows[i].at_end > 0)
            nothing_is_added(&file);
        buffer_free(&file);
        buffer_free(&image.bytes);
        close(fd);
    }
    X509_STORE_free(options.trust);
}

/* Signatures of others say nothing of what was before: the most common is taken. */
static void removed_without_note(void **state)
{
    static const struct {
        struct cab_recipe recipe;
        bool same; /* as the original */
    } rows[] = {
        {{TWO}, true},
        {{TWO, .reserves = true, .reserve = 6144}, true},
        {{TWO, .reserves = true, .reserve = 20, .folder_reserve = 1}, true},
        {{TWO, .reserves = true, .reserve = 99, CONTENTS("\3\0\0\0abc")}, true},
        {{TWO, .reserves = true, .reserve = 20}, false},
        {{TWO, .reserves = true, .reserve = 8}, false},
    };
    struct sign_spec spec = signing_spec(&identity);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buffer file = BUFFER_INIT, out = BUFFER_INIT;
        struct error e = ERROR_INIT;
        struct cab_image image;

        cab_build(&image, &rows[i].recipe);
        signing_must(&identity, &spec, &image.bytes, &file);
        if (!take_out(&file, false, &out, &e))
            fail_msg("%zu: %s", i, e.text);
        if (rows[i].same)
            must_be_same(&out, &image.bytes);
        else /* no reserve at all */
            assert_int_equal(out.length, image.bytes.length - rows[i].recipe.reserve - 4);
        /* In any case it is a good cabinet. */
        signing_must(&identity, &spec, &out, &file);
        buffer_free(&file);
        buffer_free(&out);
        buffer_free(&image.bytes);
    }
}

static void nothing_to_remove(void **state)
{
    struct buffer file = BUFFER_INIT;
    struct error e = ERROR_INIT;
    struct cab_image image;

    (void)state;
    cab_build(&image, &(struct cab_recipe){ONE, .reserves = true, .reserve = 20, CONTENTS(PLACE)});
    assert_false(take_out(&image.bytes, false, &file, &e));
    assert_int_equal(e.code, ERROR_SIGNATURE);
    buffer_free(&file);
    buffer_free(&image.bytes);
}

/* A note of another file, or none at all. */
static void strange_notes(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        bool taken;
    } notes[] = {
        {"x", 1, false},
        {"\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20, true},
        {"\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20, true},
        {"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20, true},
        {"\x15\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20, false},
        {"\xff\xff\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20, false},
        {"\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0x", 21, false},
    };
    struct sign_spec spec = signing_spec(&identity);
    struct buffer file = BUFFER_INIT;
    struct cab_image image;

    (void)state;
    cab_build(&image, &(struct cab_recipe){ONE});
    signing_must(&identity, &spec, &image.bytes, &file);
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        const struct buffer note = {.data = (uint8_t *)notes[i].bytes, .length = notes[i].length};
        int fd = signing_file(file.data, file.length), output = signing_file("", 0);
        struct error e = ERROR_INIT;
        struct format_file *f = format_cab.open(fd, "test.cab", &e);

        assert_int_equal(format_cab.remove(f, &note, output, NULL, &e), notes[i].taken);
        if (!notes[i].taken)
            assert_int_equal(e.code, ERROR_FORMAT);
        format_cab.close(&f);
        close(fd);
        close(output);
    }
    buffer_free(&file);
    buffer_free(&image.bytes);
}

/* `change` happens between the reading of the headers and that of the rest. */
static void changed_while_read(int change, const char *says)
{
    const struct format_pass pass = {.output = -1};
    struct timespec later[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1}};
    struct error e = ERROR_INIT;
    struct format_file *f;
    struct cab_image image;
    int fd;

    cab_build(&image, &(struct cab_recipe){TWO});
    fd = signing_file(image.bytes.data, image.bytes.length);
    f = format_cab.open(fd, "test.cab", &e);
    assert_non_null(f);
    if (change == 0)
        assert_int_equal(futimens(fd, later), 0);
    else
        assert_int_equal(ftruncate(fd, (off_t)image.bytes.length + change), 0);
    assert_false(format_cab.digest(f, &pass, &e));
    assert_int_equal(e.code, ERROR_FORMAT);
    assert_non_null(strstr(e.text, says));
    format_cab.close(&f);
    close(fd);
    buffer_free(&image.bytes);
}

static void changes_while_it_is_read(void **state)
{
    (void)state;
    changed_while_read(0, "was changed while it was read");
    changed_while_read(+1, "was changed while it was read");
    changed_while_read(-1, "became shorter while it was read");
}

/* `output` and `cancel` stand in the way. */
static void cannot(int output, struct cancel *cancel, enum error_code code, const char *says)
{
    struct sign_spec spec = signing_spec(&identity);
    struct error e = ERROR_INIT;
    struct cab_image image;
    enum sign_state ready;
    int fd;

    cab_build(&image, &(struct cab_recipe){ONE});
    fd = signing_file(image.bytes.data, image.bytes.length);
    assert_null(sign_begin(fd, "test.cab", output, &spec, &ready, cancel, &e));
    assert_int_equal(e.code, code);
    assert_non_null(strstr(e.text, says));
    buffer_free(&image.bytes);
    close(fd);
}

static void can_be_cancelled(void **state)
{
    struct cancel cancel = CANCEL_INIT;
    int output = signing_file("", 0);

    (void)state;
    cancel_request(&cancel);
    cannot(output, &cancel, ERROR_CANCELLED, "'test.cab'");
    close(output);
}

static void cannot_write(void **state)
{
    int full = open("/dev/full", O_RDWR);

    (void)state;
    cannot(full, NULL, ERROR_SYSTEM, "No space left");
    close(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs),
        cmocka_unit_test(several_digests),
        cmocka_unit_test(refuses),
        cmocka_unit_test(foreign_reserves),
        cmocka_unit_test(no_room),
        cmocka_unit_test(every_byte_counts),
        cmocka_unit_test(flaws),
        cmocka_unit_test(removed_without_note),
        cmocka_unit_test(nothing_to_remove),
        cmocka_unit_test(strange_notes),
        cmocka_unit_test(changes_while_it_is_read),
        cmocka_unit_test(can_be_cancelled),
        cmocka_unit_test(cannot_write),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
