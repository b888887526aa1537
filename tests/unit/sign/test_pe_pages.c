/* SPDX-License-Identifier: Apache-2.0 */
/* Page hashes: those that are made, against a plain reading of the same file; those that others
 * made; and images of which nobody knows what Windows expects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pe_builder.h"
#include "sign/authenticode.h"
#include "sign/le.h"
#include "sign/pe/pe_data.h"
#include "sign/spc.h"
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

static void add_entry(struct buffer *list, const char *md, uint32_t offset,
                      const struct buffer *page)
{
    uint8_t number[4], digest[EVP_MAX_MD_SIZE];
    size_t length;

    assert_true(EVP_Q_digest(NULL, md, NULL, page->data, page->length, digest, &length));
    le_put_32(number, offset);
    buffer_append(list, number, 4);
    buffer_append(list, digest, length);
}

/* One byte after the other, from the description in pe_pages.h; `file` as it is in memory. */
static void expected_pages(const struct buffer *file, const char *md, size_t page_size,
                           struct buffer *list)
{
    const uint8_t *at = file->data;
    size_t pe = le_32(at + 60), entry = le_16(at + pe + 24) == 0x20b ? pe + 168 : pe + 152;
    size_t headers = le_32(at + pe + 84), last = headers,
           md_size = strcmp(md, "SHA1") == 0 ? 20 : 32;
    const uint8_t *section = at + pe + 24 + le_16(at + pe + 20);
    struct buffer page = BUFFER_INIT;

    for (size_t i = 0; i < page_size; i++)
        if ((i < pe + 88 || i >= pe + 92) && (i < entry || i >= entry + 8))
            buffer_append_byte(&page, i < headers ? at[i] : 0);
    add_entry(list, md, 0, &page);
    for (unsigned n = 0; n < le_16(at + pe + 6); n++, section += 40) {
        size_t size = le_32(section + 16), raw = le_32(section + 20);

        for (size_t from = 0; from < size; from += page_size) {
            buffer_reset(&page);
            for (size_t i = from; i < from + page_size; i++)
                buffer_append_byte(&page, i < size ? at[raw + i] : 0);
            add_entry(list, md, (uint32_t)(raw + from), &page);
        }
        last = size > 0 ? raw + size : last;
    }
    le_put_32(buffer_extend(list, 4), (uint32_t)last);
    memset(buffer_extend(list, md_size), 0, md_size);
    buffer_free(&page);
}

static enum verify_page_hashes judged(const struct buffer *file, bool *good)
{
    struct verify_options options = signing_trust(&identity);
    int fd = signing_file(file->data, file->length);
    struct verify_report report;
    enum verify_page_hashes pages;
    struct error e = ERROR_INIT;

    if (!verify_file(fd, "test.exe", &options, &report, NULL, &e))
        fail_msg("%s", e.text);
    pages = report.signature[0].page_hashes;
    *good = report.good;
    if (pages == VERIFY_PAGES_BAD)
        assert_string_equal(report.signature[0].problems[0], "its page hashes are not the file's");
    verify_report_free(&report);
    X509_STORE_free(options.trust);
    close(fd);
    return pages;
}

static const struct {
    const char *name;
    size_t page;
    struct pe_recipe recipe;
} shapes[] = {
    {"PE32", 4096, {.sections = 2, .section_size = 512}},
    {"PE32+", 4096, {.plus = true, .sections = 2, .section_size = 512}},
    {"a page", 4096, {.sections = 3, .section_size = 4096}},
    {"a byte less", 4096, {.sections = 3, .section_size = 4095}},
    {"a byte more", 4096, {.plus = true, .sections = 3, .section_size = 4097}},
    {"a byte", 4096, {.sections = 3, .section_size = 1}},
    {"several pieces", 4096, {.plus = true, .sections = 3, .section_size = 70001, .overlay = 5}},
    {"overlay", 4096, {.sections = 1, .section_size = 5000, .overlay = 100000}},
    {"empty sections", 4096, {.empty_sections = 3, .sections = 2, .section_size = 5000}},
    {"eighty sections", 4096, {.plus = true, .sections = 80, .section_size = 5000}},
    {"headers fill a page", 4096, {.sections = 1, .section_size = 9000, .headers_size = 4096}},
    {".NET", 4096, {.sections = 2, .section_size = 20000, .alignment = 8192}},
    {"64 KiB alignment", 4096, {.sections = 2, .section_size = 20000, .alignment = 65536}},
    {"IA64", 8192, {.plus = true, .machine = 0x200, .sections = 2, .section_size = 20000}},
    {"IA64, a byte more",
     8192,
     {.plus = true, .machine = 0x200, .sections = 9, .section_size = 8193}},
    {"Alpha", 8192, {.machine = 0x184, .sections = 2, .section_size = 70000}},
    {"Alpha 64", 8192, {.plus = true, .machine = 0x284, .sections = 2, .section_size = 70000}},
    {"ARM64", 4096, {.plus = true, .machine = 0xaa64, .sections = 2, .section_size = 70000}},
};

static void sign_with_pages(const struct buffer *image, size_t page)
{
    struct sign_spec spec = signing_spec(&identity);
    struct buffer file = BUFFER_INIT, list = BUFFER_INIT, again = BUFFER_INIT;
    bool good;

    spec.page_hashes = true;
    signing_must(&identity, &spec, image, &file);
    expected_pages(image, "SHA256", page, &list);
    assert_false(list.failed);
    assert_non_null(memmem(file.data, file.length, list.data, list.length));
    assert_int_equal(judged(&file, &good), VERIFY_PAGES_GOOD);
    assert_true(good);

    /* A second one, in the same pass in which the first is judged. */
    spec.existing = SIGN_APPEND;
    spec.hash = SIGNER_SHA384;
    signing_must(&identity, &spec, &file, &again);
    assert_int_equal(judged(&again, &good), VERIFY_PAGES_GOOD);
    assert_true(good);
    assert_true(signing_remove(&again, &file, NULL));
    assert_int_equal(file.length, image->length);
    assert_memory_equal(file.data, image->data, file.length);
    buffer_free(&file);
    buffer_free(&list);
    buffer_free(&again);
}

static void made(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct pe_image image;

        print_message("%s\n", shapes[i].name);
        pe_build(&image, &shapes[i].recipe);
        sign_with_pages(&image.bytes, shapes[i].page);
        buffer_free(&image.bytes);
    }
}

static void set_section(struct pe_image *image, unsigned number, uint32_t raw, uint32_t size)
{
    uint8_t *header = image->bytes.data + image->sections + 40 * number;

    le_put_32(header + 16, size);
    le_put_32(header + 20, raw);
    le_put_32(image->bytes.data + image->checksum, pe_expected_checksum(&image->bytes));
}

/* The order of the section table counts; a page counts for each section that it is in. */
static void sections_anywhere(void **state)
{
    static const struct {
        uint32_t raw[3], size[3]; /* after the headers */
    } cases[] = {
        {{140000, 70000, 0}, {70000, 70000, 70000}}, {{0, 100, 200}, {70000, 70000, 70000}},
        {{5000, 5000, 5000}, {9000, 9000, 200000}},  {{65000, 1, 66000}, {1000, 65536, 1}},
        {{100000, 100001, 99999}, {1, 2, 4096}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pe_image image;

        pe_build(&image, &(struct pe_recipe){.sections = 3, .section_size = 70000});
        for (unsigned k = 0; k < 3; k++)
            set_section(&image, k, (uint32_t)image.sections + 120 + cases[i].raw[k],
                        cases[i].size[k]);
        sign_with_pages(&image.bytes, 4096);
        buffer_free(&image.bytes);
    }
}

/* SHA-256 of 4096 zeros, as anybody can compute it, and at which offset. */
static void known_digest(void **state)
{
    static const uint8_t known[] = {
        0xad, 0x7f, 0xac, 0xb2, 0x58, 0x6f, 0xc6, 0xe9, 0x66, 0xc0, 0x04,
        0xd7, 0xd1, 0xd1, 0x6b, 0x02, 0x4f, 0x58, 0x05, 0xff, 0x7c, 0xb4,
        0x7c, 0x7a, 0x85, 0xda, 0xbd, 0x8b, 0x48, 0x89, 0x2c, 0xa7,
    };
    struct sign_spec spec = signing_spec(&identity);
    struct buffer file = BUFFER_INIT;
    struct pe_image image;
    const uint8_t *at;

    (void)state;
    pe_build(&image, &(struct pe_recipe){.sections = 1, .section_size = 96});
    memset(image.bytes.data + image.sections + 40, 0, 96);
    spec.page_hashes = true;
    signing_must(&identity, &spec, &image.bytes, &file);
    at = memmem(file.data, file.length, known, sizeof known);
    assert_non_null(at);
    assert_int_equal(le_32(at - 4), image.sections + 40);
    assert_int_equal(le_32(at + 32), image.sections + 40 + 96);
    buffer_free(&file);
    buffer_free(&image.bytes);
}

/* A signature whose digest is right, with these page hashes in its content. */
static void sign_with_data(const struct buffer *image, const struct buffer *data,
                           struct buffer *file)
{
    struct sign_spec spec = signing_spec(&identity);
    struct buffer content = BUFFER_INIT, value = BUFFER_INIT, der = BUFFER_INIT;
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct authenticode *a;
    struct pe_image whole = {.bytes = BUFFER_INIT};
    const uint8_t *to_sign;
    size_t length;

    buffer_append(&whole.bytes, image->data, image->length);
    whole.pe = le_32(image->data + 60);
    whole.checksum = whole.pe + 88;
    whole.entry = le_16(image->data + whole.pe + 24) == 0x20b ? whole.pe + 168 : whole.pe + 152;
    pe_expected_digest(image, image->length, "SHA256", digest, &length);
    assert_true(spc_indirect_data(data->data, data->length, EVP_sha256(), digest, &content, NULL));
    a = authenticode_new(&spec, &content, NULL);
    to_sign = authenticode_digest(a, &length);
    signing_sign(identity.key, spec.hash, to_sign, length, &value);
    assert_true(authenticode_finish(a, value.data, value.length, &der, NULL));
    pe_add_certificate(&whole, 2, der.data, der.length, true);
    buffer_reset(file);
    buffer_append(file, whole.bytes.data, whole.bytes.length);
    authenticode_free(&a);
    buffer_free(&content);
    buffer_free(&value);
    buffer_free(&der);
    buffer_free(&whole.bytes);
}

enum change { NOTHING, OLD_KIND, HEADERS, A_PAGE, AN_OFFSET, END, SHORTER, LONGER, KIND, ORDER };

/* What a signer may have written, and whether it is right. */
static const struct {
    enum change change;
    enum verify_page_hashes expected;
} theirs[] = {
    {NOTHING, VERIFY_PAGES_GOOD}, {OLD_KIND, VERIFY_PAGES_GOOD}, {HEADERS, VERIFY_PAGES_BAD},
    {A_PAGE, VERIFY_PAGES_BAD},   {AN_OFFSET, VERIFY_PAGES_BAD}, {END, VERIFY_PAGES_BAD},
    {SHORTER, VERIFY_PAGES_BAD},  {LONGER, VERIFY_PAGES_BAD},    {KIND, VERIFY_PAGES_BAD},
    {ORDER, VERIFY_PAGES_BAD},
};

static void change_list(struct buffer *list, enum change change)
{
    uint8_t entry[36];

    if (change == HEADERS)
        list->data[35] ^= 1;
    if (change == A_PAGE)
        list->data[2 * 36 + 4] ^= 1;
    if (change == AN_OFFSET)
        list->data[2 * 36] ^= 1;
    if (change == END)
        list->data[list->length - 1] ^= 1;
    if (change == SHORTER)
        list->length -= 36;
    if (change == LONGER)
        memset(buffer_extend(list, 36), 0, 36);
    if (change == ORDER) {
        memcpy(entry, list->data + 36, 36);
        memcpy(list->data + 36, list->data + 72, 36);
        memcpy(list->data + 72, entry, 36);
    }
}

/* The OID of the kind of page hashes ends in 2 for SHA-256. */
static void set_kind(struct buffer *data, uint8_t last)
{
    static const uint8_t oid[] = {0x82, 0x37, 0x02, 0x03, 0x02};
    uint8_t *at = memmem(data->data, data->length, oid, sizeof oid);

    assert_non_null(at);
    at[4] = last;
}

static void made_by_others(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++) {
        enum change change = theirs[i].change;
        struct buffer list = BUFFER_INIT, data = BUFFER_INIT, file = BUFFER_INIT, out = BUFFER_INIT;
        struct sign_spec spec = signing_spec(&identity);
        struct error e = ERROR_INIT;
        enum sign_state kept;
        struct pe_image image;
        bool good, right = theirs[i].expected == VERIFY_PAGES_GOOD;

        print_message("change %d\n", change);
        pe_build(&image, &(struct pe_recipe){.sections = 2, .section_size = 70000});
        expected_pages(&image.bytes, change == OLD_KIND ? "SHA1" : "SHA256", 4096, &list);
        change_list(&list, change);
        assert_true(pe_data_put(list.data, list.length, &data, NULL));
        if (change == OLD_KIND || change == KIND)
            set_kind(&data, change == OLD_KIND ? 1 : 3);
        sign_with_data(&image.bytes, &data, &file);
        assert_int_equal(judged(&file, &good), theirs[i].expected);
        assert_int_equal(good, right);
        for (int existing = SIGN_KEEP; existing <= SIGN_APPEND; existing++) {
            spec.existing = (enum sign_existing)existing;
            spec.hash = SIGNER_SHA384;
            if (signing_run(&identity, &spec, &file, &out, &kept, &e) !=
                (right || existing == SIGN_REPLACE))
                fail_msg("%d: %s", existing, e.text);
            if (!right && existing != SIGN_REPLACE)
                assert_non_null(strstr(e.text, "(its page hashes are not the file's)"));
        }
        buffer_free(&list);
        buffer_free(&data);
        buffer_free(&file);
        buffer_free(&out);
        buffer_free(&image.bytes);
    }
}

static void no_pages(void **state)
{
    struct sign_spec spec = signing_spec(&identity);
    struct buffer file = BUFFER_INIT;
    struct pe_image image;
    bool good;

    (void)state;
    pe_build(&image, &(struct pe_recipe){.sections = 2, .section_size = 512});
    signing_must(&identity, &spec, &image.bytes, &file);
    assert_int_equal(judged(&file, &good), VERIFY_PAGES_NONE);
    assert_true(good);
    buffer_free(&file);
    buffer_free(&image.bytes);
}

/* Cut anywhere: never read beyond the end, and never taken for page hashes. */
static void data_that_is_cut(void **state)
{
    struct buffer list = BUFFER_INIT, data = BUFFER_INIT;

    (void)state;
    memset(buffer_extend(&list, 300), 7, 300);
    assert_true(pe_data_put(list.data, list.length, &data, NULL));
    for (size_t length = 0; length <= data.length; length++) {
        uint8_t *copy = length == 0 ? NULL : malloc(length);
        enum pe_pages_kind kind;
        const uint8_t *found;
        size_t found_length = 0;
        enum pe_data_pages pages;

        if (length > 0)
            memcpy(copy, data.data, length);
        pages = pe_data_get(copy, length, &kind, &found, &found_length);
        assert_int_equal(pages, length == data.length ? PE_DATA_PAGES : PE_DATA_NONE);
        if (pages == PE_DATA_PAGES) {
            assert_int_equal(kind, PE_PAGES_SHA256);
            assert_int_equal(found_length, 300);
            assert_memory_equal(found, list.data, 300);
        }
        free(copy);
    }
    buffer_free(&list);
    buffer_free(&data);
}

enum oddity { HEADERS_LARGE, HEADERS_SMALL, HEADERS_NONE, NOWHERE, IN_HEADERS, TOO_LARGE, NO_DATA };

static void refuses(void **state)
{
    static const struct {
        enum oddity oddity;
        struct pe_recipe recipe;
        const char *says;
    } cases[] = {
        {HEADERS_LARGE, {.sections = 96, .section_size = 16}, "larger than a page"},
        {HEADERS_SMALL, {.sections = 1, .section_size = 600, .headers_size = 390}, "is wrong"},
        {HEADERS_NONE, {.sections = 1, .section_size = 600, .headers_size = 5000}, "is wrong"},
        {NOWHERE, {.bss_sections = 1, .sections = 1, .section_size = 600}, "data that is nowhere"},
        {IN_HEADERS, {.sections = 1, .section_size = 600}, "begins in its headers"},
        {TOO_LARGE, {.sections = 1, .section_size = 600, .overlay = (4 << 20) + 4096}, "too large"},
        {NO_DATA, {.overlay = 100}, "no section of it has data"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sign_spec spec = signing_spec(&identity);
        struct buffer file = BUFFER_INIT;
        struct error e = ERROR_INIT;
        struct pe_image image;

        pe_build(&image, &cases[i].recipe);
        if (cases[i].oddity == IN_HEADERS)
            set_section(&image, 0, 128, 600);
        if (cases[i].oddity == TOO_LARGE) {
            /* The same bytes again and again: the sum of the sections counts. */
            le_put_16(image.bytes.data + image.pe + 6, 62);
            le_put_32(image.bytes.data + image.optional + 60, (uint32_t)image.sections + 62 * 40);
            for (unsigned k = 0; k < 62; k++)
                set_section(&image, k, 4096, 4 << 20);
        }
        spec.page_hashes = true;
        assert_false(signing_run(&identity, &spec, &image.bytes, &file, NULL, &e));
        assert_int_equal(e.code, ERROR_UNSUPPORTED);
        assert_int_equal(file.length, 0);
        if (strstr(e.text, cases[i].says) == NULL ||
            strstr(e.text, "'test.exe': no page hashes can be made") == NULL)
            fail_msg("%d: %s", cases[i].oddity, e.text);
        spec.page_hashes = false;
        signing_must(&identity, &spec, &image.bytes, &file);
        buffer_free(&file);
        buffer_free(&image.bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made),         cmocka_unit_test(sections_anywhere),
        cmocka_unit_test(known_digest), cmocka_unit_test(made_by_others),
        cmocka_unit_test(no_pages),     cmocka_unit_test(data_that_is_cut),
        cmocka_unit_test(refuses),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
