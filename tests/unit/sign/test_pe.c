/* SPDX-License-Identifier: Apache-2.0 */
/* PE images of every shape: those that must be signed, and those that must be refused, with the
 * reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pe_builder.h"
#include "sign/format.h"
#include "sign/le.h"
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

/* Zero in both, so that files can be compared. */
static void blank_fields(struct buffer *file, const struct pe_image *image)
{
    memset(file->data + image->checksum, 0, 4);
    memset(file->data + image->entry, 0, 8);
}

static void check_digest(const struct pe_image *image, const struct verify_signature *s)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    size_t length;
    char hex[2 * EVP_MAX_MD_SIZE + 1];

    pe_expected_digest(&image->bytes, image->bytes.length, "SHA256", digest, &length);
    for (size_t i = 0; i < length; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    assert_string_equal(s->file_digest, hex);
}

static void check_layout(const struct pe_image *image, struct buffer *file)
{
    size_t padded = (image->bytes.length + 7) / 8 * 8;
    const uint8_t *entry = file->data + image->entry;

    assert_int_equal(le_32(entry), padded);
    assert_int_equal(le_32(entry + 4), file->length - padded);
    assert_int_equal(file->length % 8, 0);
    assert_int_equal(le_32(file->data + padded), file->length - padded);
    assert_int_equal(le_16(file->data + padded + 4), 0x0200);
    assert_int_equal(le_16(file->data + padded + 6), 0x0002);
    assert_int_equal(le_32(file->data + image->checksum), pe_expected_checksum(file));
}

/* The original comes back when the signature is taken away, padded. */
static void check_rest(struct pe_image *image, struct buffer *file)
{
    size_t length = image->bytes.length;

    blank_fields(file, image);
    blank_fields(&image->bytes, image);
    assert_memory_equal(file->data, image->bytes.data, length);
    for (size_t i = length; i % 8 != 0; i++)
        assert_int_equal(file->data[i], 0);
}

static void signs(void **state)
{
    struct sign_spec spec = signing_spec(&identity);
    struct verify_options options = signing_trust(&identity);

    (void)state;
    for (size_t i = 0; i < pe_shape_count; i++) {
        struct pe_image image;
        struct buffer file = BUFFER_INIT;
        struct verify_report report;
        struct error e = ERROR_INIT;
        int fd;

        print_message("%s\n", pe_shapes[i].name);
        pe_build(&image, &pe_shapes[i].recipe);
        signing_must(&identity, &spec, &image.bytes, &file);
        check_layout(&image, &file);
        fd = signing_file(file.data, file.length);
        assert_true(verify_file(fd, "test.exe", &options, &report, NULL, &e));
        if (!report.good)
            fail_msg("%s", report.problem_count > 0 ? report.problems[0]
                                                    : report.signature[0].problems[0]);
        assert_int_equal(report.count, 1);
        check_digest(&image, &report.signature[0]);
        check_rest(&image, &file);
        verify_report_free(&report);
        close(fd);
        buffer_free(&file);
        buffer_free(&image.bytes);
    }
    X509_STORE_free(options.trust);
}

/* Several digests in one pass, each as if alone. */
static void several_digests(void **state)
{
    static const char *const names[] = {"SHA256", "SHA384", "SHA512", "SHA1"};
    const EVP_MD *md[] = {EVP_sha256(), EVP_sha384(), EVP_sha512(), EVP_sha1()};
    uint8_t out[4][EVP_MAX_MD_SIZE], expected[EVP_MAX_MD_SIZE];
    const struct format_pass pass = {.output = -1, .md = md, .count = 4, .digest = out};
    struct error e = ERROR_INIT;
    struct format_file *f;
    struct pe_image image;
    size_t length;
    int fd;

    (void)state;
    pe_build(&image, &(struct pe_recipe){.sections = 2, .section_size = 40000, .overlay = 3});
    fd = signing_file(image.bytes.data, image.bytes.length);
    f = format_pe.open(fd, "test.exe", &e);
    assert_non_null(f);
    assert_true(format_pe.digest(f, &pass, &e));
    for (size_t i = 0; i < 4; i++) {
        pe_expected_digest(&image.bytes, image.bytes.length, names[i], expected, &length);
        assert_memory_equal(out[i], expected, length);
    }
    format_pe.close(&f);
    assert_null(f);
    close(fd);
    buffer_free(&image.bytes);
}

enum base { FILE_START, PE, OPTIONAL, ENTRY, SECTION, TABLE };

/* One change to a good image, and what must be said. */
static const struct {
    const char *name;
    bool with_table; /* the image has a certificate table of one entry of 64 bytes */
    enum base base;
    size_t offset, size;
    uint32_t value;
    int grow; /* bytes added at the end, or cut off */
    enum error_code code;
    const char *says;
} bad[] = {
    {"nothing", .grow = -100000, .code = ERROR_UNSUPPORTED, .says = "is empty"},
    {"ELF", false, FILE_START, 0, 4, 0x464c457f, 0, ERROR_UNSUPPORTED, "Linux program"},
    {"something", false, FILE_START, 0, 4, 0x21212121, 0, ERROR_UNSUPPORTED, "unknown format"},
    {"no PE header", false, FILE_START, 60, 4, 0, 0, ERROR_UNSUPPORTED, "DOS program"},
    {"PE header outside", false, FILE_START, 60, 4, 1 << 20, 0, ERROR_UNSUPPORTED, "DOS program"},
    {"PE header far", false, FILE_START, 60, 4, 0xffffffff, 0, ERROR_UNSUPPORTED, "DOS program"},
    {"PE header at 2", false, FILE_START, 60, 4, 2, 0, ERROR_UNSUPPORTED, "DOS program"},
    {"DOS", false, PE, 0, 4, 0x12345678, 0, ERROR_UNSUPPORTED, "DOS program"},
    {"PE and no zeros", false, PE, 0, 4, 0x00014550, 0, ERROR_UNSUPPORTED, "DOS program"},
    {"NE", false, PE, 0, 2, 0x454e, 0, ERROR_UNSUPPORTED, "16-bit Windows program (NE)"},
    {"LE", false, PE, 0, 2, 0x454c, 0, ERROR_UNSUPPORTED, "linear executable"},
    {"LX", false, PE, 0, 2, 0x584c, 0, ERROR_UNSUPPORTED, "linear executable"},
    {"object file", false, PE, 20, 2, 0, 0, ERROR_FORMAT, "no optional header"},
    {"small header", false, PE, 20, 2, 95, 0, ERROR_FORMAT, "(SizeOfOptionalHeader is 95)"},
    {"smaller", false, PE, 20, 2, 2, 0, ERROR_FORMAT, "(SizeOfOptionalHeader is 2)"},
    {"directories cut", false, PE, 20, 2, 135, 0, ERROR_FORMAT, "directories that it claims"},
    {"ROM image", false, OPTIONAL, 0, 2, 0x107, 0, ERROR_FORMAT, "neither PE32 nor PE32+"},
    {"4 directories", false, OPTIONAL, 92, 4, 4, 0, ERROR_FORMAT, "NumberOfRvaAndSizes is 4"},
    {"no directories", false, OPTIONAL, 92, 4, 0, 0, ERROR_FORMAT, "NumberOfRvaAndSizes is 0"},
    {"long section", false, SECTION, 16, 4, 600, 0, ERROR_FORMAT, "section 1 reaches to byte"},
    {"huge section", false, SECTION, 16, 4, 0xffffffff, 0, ERROR_FORMAT, "is cut short"},
    {"far section", false, SECTION, 20, 4, 0xfffffff0, 0, ERROR_FORMAT, "is cut short"},
    {"many sections", false, PE, 6, 2, 60000, 0, ERROR_FORMAT, "inside its section headers"},
    {"cut by a byte", .grow = -1, .code = ERROR_FORMAT, .says = "is cut short: section 1"},
    {"cut in sections", .grow = -513, .code = ERROR_FORMAT, .says = "inside its section headers"},
    {"cut in optional", .grow = -660, .code = ERROR_FORMAT, .says = "inside its optional header"},
    {"cut before PE", .grow = -780, .code = ERROR_UNSUPPORTED, .says = "or was cut short before"},
    {"cut in DOS", .grow = -880, .code = ERROR_FORMAT, .says = "inside its DOS header"},
    {"table of no size", true, ENTRY, 4, 4, 0, 0, ERROR_FORMAT, "makes no sense (offset"},
    {"table at nothing", true, ENTRY, 0, 4, 0, 0, ERROR_FORMAT, "makes no sense (offset 0"},
    {"tiny table", true, ENTRY, 4, 4, 7, 0, ERROR_FORMAT, "size 7"},
    {"long table", true, ENTRY, 4, 4, 80, 0, ERROR_FORMAT, "certificate table reaches to byte"},
    {"huge table", true, ENTRY, 4, 4, 0xffffffff, 0, ERROR_FORMAT, "is cut short"},
    {"far table", true, ENTRY, 0, 4, 0xfffffff8, 0, ERROR_FORMAT, "is cut short"},
    {"table in headers", true, ENTRY, 0, 4, 256, 0, ERROR_FORMAT, "overlaps the headers"},
    {"table in DOS", true, ENTRY, 0, 4, 8, 0, ERROR_FORMAT, "overlaps the headers"},
    {"unaligned table", true, ENTRY, 0, 4, 884, 0, ERROR_FORMAT, "a multiple of eight"},
    {"short table", true, ENTRY, 4, 4, 64, 0, ERROR_FORMAT, "8 bytes follow its certificate"},
    {"appended", true, .grow = 1, .code = ERROR_FORMAT, .says = "1 bytes follow its certificate"},
    {"appended more", true, .grow = 512, .code = ERROR_FORMAT, .says = "512 bytes follow"},
    {"signed, cut", true, .grow = -8, .code = ERROR_FORMAT, .says = "certificate table reaches"},
    {"section in table", true, SECTION, 16, 4, 520, 0, ERROR_FORMAT, "into its certificate table"},
    {"entry of 0", true, TABLE, 0, 4, 0, 0, ERROR_FORMAT, "entry 1 of its certificate table"},
    {"entry of 7", true, TABLE, 0, 4, 7, 0, ERROR_FORMAT, "claims 7 bytes, 72 are there"},
    {"long entry", true, TABLE, 0, 4, 73, 0, ERROR_FORMAT, "claims 73 bytes, 72 are there"},
    {"huge entry", true, TABLE, 0, 4, 0xffffffff, 0, ERROR_FORMAT, "claims 4294967295 bytes"},
    {"short entry", true, TABLE, 0, 4, 24, 0, ERROR_FORMAT, "entry 2 of its certificate table"},
};

static void break_image(struct pe_image *image, size_t row)
{
    const size_t base[] = {0,           image->pe, image->optional, image->entry, image->sections,
                           image->table};
    uint8_t value[4];

    le_put_32(value, bad[row].value);
    memcpy(image->bytes.data + base[bad[row].base] + bad[row].offset, value, bad[row].size);
    for (int i = 0; i < bad[row].grow; i++)
        buffer_append_byte(&image->bytes, 'x');
    if (bad[row].grow < 0)
        image->bytes.length = image->bytes.length > (size_t)-bad[row].grow
                                  ? image->bytes.length - (size_t)-bad[row].grow
                                  : 0;
}

/* Whatever is to happen to a signature that is there: nothing is written of a broken file. */
static void refuses(void **state)
{
    const enum sign_existing existing[] = {SIGN_KEEP, SIGN_REPLACE, SIGN_APPEND};
    struct sign_spec spec = signing_spec(&identity);
    const uint8_t certificate[64] = {0x30, 62};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        for (size_t k = 0; k < 3; k++) {
            struct pe_image image;
            struct buffer out = BUFFER_INIT;
            struct error e = ERROR_INIT;

            pe_build(&image, &(struct pe_recipe){.sections = 1, .section_size = 512});
            if (bad[i].with_table)
                pe_add_certificate(&image, 2, certificate, sizeof certificate, true);
            break_image(&image, i);
            spec.existing = existing[k];
            if (signing_run(&identity, &spec, &image.bytes, &out, NULL, &e))
                fail_msg("%s: signed", bad[i].name);
            if (e.code != bad[i].code || strstr(e.text, bad[i].says) == NULL ||
                strstr(e.text, "'test.exe'") == NULL)
                fail_msg("%s: %s", bad[i].name, e.text);
            assert_int_equal(out.length, 0);
            buffer_free(&out);
            buffer_free(&image.bytes);
        }
}

static void too_many_entries(void **state)
{
    struct sign_spec spec = signing_spec(&identity);
    struct pe_image image;
    struct buffer out = BUFFER_INIT;
    struct error e = ERROR_INIT;

    (void)state;
    pe_build(&image, &(struct pe_recipe){.plus = true});
    for (int i = 0; i < FORMAT_SIGNATURES + 1; i++)
        pe_add_certificate(&image, 2, "12345678", 8, true);
    assert_false(signing_run(&identity, &spec, &image.bytes, &out, NULL, &e));
    assert_non_null(strstr(e.text, "more than 1024 entries"));
    buffer_free(&out);
    buffer_free(&image.bytes);
}

/* What is told of a signed image beside its signature. */
static void flaws(void **state)
{
    static const struct {
        const char *says;
        uint16_t type;   /* of a second entry */
        size_t at, size; /* from the table on: what is changed */
        uint8_t value;
        bool padded;
    } cases[] = {
        {NULL, 2, 0, 0, 0, true},
        {NULL, 2, 0, 0, 0, false},
        {"is no PKCS#7 signature", 1, 0, 0, 0, true},
        {"is no PKCS#7 signature", 0x0ef1, 0, 0, 0, true},
        {"another revision than 2.0", 2, 5, 1, 1, true},
        {"behind the signature in its certificate table", 2, 8 + 13, 1, 'x', true},
        {"behind the signature in its certificate table", 2, 8 + 13, 1, 'x', false},
        {"the CheckSum in its header is wrong", 2, 0, 0, 'c', true},
    };
    static const uint8_t der[13] = {0x30, 11}; /* read as DER, never as a signature here */

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct format_pass pass = {.output = -1};
        struct buffer signature = BUFFER_INIT;
        struct format_file *f;
        struct pe_image image;
        const char *flaw;
        int fd;

        pe_build(&image, &(struct pe_recipe){.sections = 1, .section_size = 512});
        pe_add_certificate(&image, 2, der, sizeof der, cases[i].padded);
        pe_add_certificate(&image, cases[i].type, der, sizeof der, true);
        memset(image.bytes.data + image.table + cases[i].at, cases[i].value, cases[i].size);
        if (cases[i].value != 'c')
            le_put_32(image.bytes.data + image.checksum, pe_expected_checksum(&image.bytes));
        else
            image.bytes.data[image.checksum] ^= 1;
        fd = signing_file(image.bytes.data, image.bytes.length);
        f = format_pe.open(fd, "test.exe", NULL);
        for (unsigned k = 0; k < 3; k++)
            assert_true(format_pe.extract(f, k, &signature, NULL));
        assert_true(format_pe.digest(f, &pass, NULL));
        flaw = format_pe.flaw(f, 0);
        if ((flaw == NULL) != (cases[i].says == NULL) ||
            (flaw != NULL && strstr(flaw, cases[i].says) == NULL))
            fail_msg("%zu: %s", i, flaw == NULL ? "nothing" : flaw);
        assert_null(format_pe.flaw(f, 1));
        format_pe.close(&f);
        close(fd);
        buffer_free(&signature);
        buffer_free(&image.bytes);
    }
}

/* What stands in the headers of an image of three sections of 64 bytes, and whether firmware, which
 * goes by them, finds the digest that Windows finds. */
static const struct layout {
    const char *name;
    int headers;    /* added to SizeOfHeaders */
    int at[3];      /* added to PointerToRawData */
    int size[3];    /* added to SizeOfRawData */
    size_t overlay; /* bytes at the end */
    bool agrees;
} layouts[] = {
    {.name = "as it should be", .agrees = true},
    {.name = "overlay", .overlay = 13, .agrees = true},
    {.name = "last one first", .at = {128, 0, -128}, .agrees = true},
    {.name = "no data in the first", .headers = 64, .size = {-64}, .agrees = true},
    {.name = "overlay behind a short section", .size = {0, 0, -8}, .agrees = true},
    {.name = "small headers", .headers = -1},
    {.name = "large headers", .headers = 1},
    {.name = "headers as large as the file", .headers = 192},
    {.name = "headers larger than the file", .headers = 1 << 20},
    {.name = "gap before the second", .at = {0, 8}, .size = {0, -8}},
    {.name = "gap after the first", .size = {-8}},
    {.name = "second in the first", .at = {0, -8}},
    {.name = "the same twice", .at = {0, -64}},
};

static void build_layout(const struct layout *l, uint16_t subsystem, struct pe_image *image)
{
    pe_build(image, &(struct pe_recipe){.plus = true,
                                        .sections = 3,
                                        .section_size = 64,
                                        .overlay = l->overlay,
                                        .subsystem = subsystem});
    for (size_t i = 0; i < 3; i++) {
        uint8_t *header = image->bytes.data + image->sections + 40 * i;

        le_put_32(header + 16, le_32(header + 16) + (uint32_t)l->size[i]);
        le_put_32(header + 20, le_32(header + 20) + (uint32_t)l->at[i]);
    }
    le_put_32(image->bytes.data + image->optional + 60,
              le_32(image->bytes.data + image->optional + 60) + (uint32_t)l->headers);
    le_put_32(image->bytes.data + image->checksum, pe_expected_checksum(&image->bytes));
}

/* An image for firmware is signed where Windows and firmware agree on its digest. */
static void layouts_for_firmware(void **state)
{
    static const char says[] = "do not follow each other without gaps";

    (void)state;
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        for (uint16_t subsystem = 9; subsystem <= 14; subsystem++) {
            bool good = layouts[i].agrees || subsystem < 10 || subsystem > 13;
            const struct format_pass pass = {.output = -1};
            struct sign_spec spec = signing_spec(&identity);
            struct buffer file = BUFFER_INIT;
            struct error e = ERROR_INIT;
            struct pe_image image;
            struct format_file *f;
            const char *flaw;
            int fd;

            build_layout(&layouts[i], subsystem, &image);
            if (signing_run(&identity, &spec, &image.bytes, &file, NULL, &e) != good ||
                (!good && (e.code != ERROR_UNSUPPORTED || strstr(e.text, says) == NULL)))
                fail_msg("%s, %u: %s", layouts[i].name, subsystem, e.text);
            fd = signing_file(image.bytes.data, image.bytes.length);
            f = format_pe.open(fd, "test.efi", &e);
            assert_true(format_pe.digest(f, &pass, NULL));
            flaw = format_pe.flaw(f, 0);
            assert_int_equal(flaw == NULL, good);
            assert_true(flaw == NULL || strstr(flaw, says) != NULL);
            format_pe.close(&f);
            close(fd);
            buffer_free(&file);
            buffer_free(&image.bytes);
        }
}

/* 4 GiB, all but the first bytes a hole. */
static void too_large(void **state)
{
    struct pe_image image;
    struct error e = ERROR_INIT;
    int fd;

    (void)state;
    pe_build(&image, &(struct pe_recipe){.sections = 1, .section_size = 512});
    fd = signing_file(image.bytes.data, image.bytes.length);
    assert_int_equal(ftruncate(fd, (off_t)1 << 32), 0);
    assert_null(format_pe.open(fd, "large.exe", &e));
    assert_int_equal(e.code, ERROR_UNSUPPORTED);
    assert_non_null(strstr(e.text, "'large.exe' has 4 GiB or more"));
    close(fd);
    buffer_free(&image.bytes);
}

/* `change` happens between the reading of the headers and that of the rest. */
static void changed_while_read(int change, const char *says)
{
    const EVP_MD *md = EVP_sha256();
    uint8_t digest[1][EVP_MAX_MD_SIZE];
    const struct format_pass pass = {.output = -1, .md = &md, .count = 1, .digest = digest};
    struct timespec later[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1}};
    struct error e = ERROR_INIT;
    struct format_file *f;
    struct pe_image image;
    int fd;

    pe_build(&image, &(struct pe_recipe){.sections = 1, .section_size = 512});
    fd = signing_file(image.bytes.data, image.bytes.length);
    f = format_pe.open(fd, "test.exe", &e);
    assert_non_null(f);
    if (change == 0)
        assert_int_equal(futimens(fd, later), 0);
    else
        assert_int_equal(ftruncate(fd, (off_t)image.bytes.length + change), 0);
    assert_false(format_pe.digest(f, &pass, &e));
    assert_int_equal(e.code, ERROR_FORMAT);
    assert_non_null(strstr(e.text, says));
    format_pe.close(&f);
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

static void can_be_cancelled(void **state)
{
    struct cancel cancel = CANCEL_INIT;
    struct sign_spec spec = signing_spec(&identity);
    struct error e = ERROR_INIT;
    enum sign_state ready;
    struct pe_image image;
    int fd, output = signing_file("", 0);

    (void)state;
    pe_build(&image, &(struct pe_recipe){.sections = 1, .section_size = 512});
    fd = signing_file(image.bytes.data, image.bytes.length);
    cancel_request(&cancel);
    assert_null(sign_begin(fd, "test.exe", output, &spec, &ready, &cancel, &e));
    assert_int_equal(e.code, ERROR_CANCELLED);
    close(fd);
    close(output);
    buffer_free(&image.bytes);
}

/* An output that cannot be written is an error of the system, and says so. */
static void cannot_write(void **state)
{
    struct sign_spec spec = signing_spec(&identity);
    struct error e = ERROR_INIT;
    enum sign_state ready;
    struct pe_image image;
    int fd, full = open("/dev/full", O_RDWR);

    (void)state;
    pe_build(&image, &(struct pe_recipe){.sections = 1, .section_size = 512});
    fd = signing_file(image.bytes.data, image.bytes.length);
    assert_true(full >= 0);
    assert_null(sign_begin(fd, "test.exe", full, &spec, &ready, NULL, &e));
    assert_int_equal(e.code, ERROR_SYSTEM);
    assert_non_null(strstr(e.text, "No space left"));
    close(fd);
    close(full);
    buffer_free(&image.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs),
        cmocka_unit_test(several_digests),
        cmocka_unit_test(refuses),
        cmocka_unit_test(too_many_entries),
        cmocka_unit_test(flaws),
        cmocka_unit_test(layouts_for_firmware),
        cmocka_unit_test(too_large),
        cmocka_unit_test(changes_while_it_is_read),
        cmocka_unit_test(can_be_cancelled),
        cmocka_unit_test(cannot_write),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
