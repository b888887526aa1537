/* SPDX-License-Identifier: Apache-2.0 */
/* What is let through to be signed where the file is elsewhere: what Signet makes, and nothing
 * else. */
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
#include "sign/content.h"
#include "sign/format.h"
#include "signing.h"

#define TYPE(last) 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x01, last
#define SHA256 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0

/* An element around bytes. */
static void wrap(struct buffer *b, uint8_t tag)
{
    struct buffer inner = *b;

    *b = (struct buffer)BUFFER_INIT;
    buffer_append_byte(b, tag);
    if (inner.length >= 0x80)
        buffer_append_byte(b, inner.length >= 0x100 ? 0x82 : 0x81);
    if (inner.length >= 0x100)
        buffer_append_byte(b, (uint8_t)(inner.length >> 8));
    buffer_append_byte(b, (uint8_t)inner.length);
    buffer_append(b, inner.data, inner.length);
    buffer_free(&inner);
}

/* SpcIndirectDataContent of a type and its value, and a digest of 32 bytes. */
static void make(struct buffer *out, const void *data, size_t length)
{
    static const uint8_t info[] = {0x30, 0x31, SHA256, 0x04, 0x20};
    uint8_t digest[32];

    memset(digest, 0xd1, sizeof digest);
    buffer_reset(out);
    buffer_append(out, data, length);
    wrap(out, 0x30);
    buffer_append(out, info, sizeof info);
    buffer_append(out, digest, sizeof digest);
    wrap(out, 0x30);
}

static bool reads(const char *format, const struct buffer *b, struct content *out)
{
    /* At the end of what was allocated, so that a byte too many is found. */
    uint8_t *exact = malloc(b->length);
    struct error e = ERROR_INIT;
    bool good;

    if (b->length > 0)
        memcpy(exact, b->data, b->length);
    good = content_read(format, exact, b->length, out, &e);
    if (!good)
        assert_true(e.code == ERROR_FORMAT || e.code == ERROR_UNSUPPORTED);
    free(exact);
    return good;
}

static void own_is_read(void **state)
{
    static const enum signer_hash hashes[] = {SIGNER_SHA256, SIGNER_SHA384, SIGNER_SHA512};
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct pe_image image;
    struct format_file *f;
    int fd;

    (void)state;
    memset(digest, 0xab, sizeof digest);
    pe_build(&image, &(struct pe_recipe){.sections = 1, .section_size = 512});
    fd = signing_file(image.bytes.data, image.bytes.length);
    f = format_pe.open(fd, "test.exe", NULL);
    for (size_t i = 0; i < 3; i++) {
        const EVP_MD *md = signer_hash_md(hashes[i]);
        struct buffer der = BUFFER_INIT;
        struct content c;

        assert_true(format_pe.content(f, md, digest, &der, NULL));
        assert_true(content_read("pe", der.data, der.length, &c, NULL));
        assert_int_equal(EVP_MD_get_type(c.md), EVP_MD_get_type(md));
        assert_int_equal(c.digest_length, EVP_MD_get_size(md));
        assert_memory_equal(c.digest, digest, c.digest_length);
        assert_false(c.page_hashes);
        assert_false(content_read("cab", der.data, der.length, &c, NULL));
        assert_false(content_read("msi", der.data, der.length, &c, NULL));
        assert_false(content_read("elf", der.data, der.length, &c, NULL));
        buffer_free(&der);
    }
    format_pe.close(&f);
    close(fd);
    buffer_free(&image.bytes);
}

/* A signature that anybody made is of a format by its type; of an installer's, by its SIP too, for
 * scripts have the same type. */
static void whose_it_is(void **state)
{
#define SIP_INFO(first)                                                                            \
    0x30, 0x15, 0x02, 0x01, 0x01, 0x04, 0x10, first, 0x10, 0x0c, 0x00, 0x00, 0x00, 0x00, 0x00,     \
        0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x46
    static const uint8_t pe[] = {0x30, 0x0e, TYPE(0x0f), 0x30, 0x00};
    /* pesign's programs. */
    static const uint8_t individual[] = {0x30, 0x0e, TYPE(0x15), 0x30, 0x00};
    static const uint8_t cab[] = {0x30, 0x10, TYPE(0x19), 0xa2, 0x02, 0x80, 0x00};
    static const uint8_t msi[] = {0x30, 0x23, TYPE(0x1e), SIP_INFO(0xf1)};
    static const uint8_t script[] = {0x30, 0x23, TYPE(0x1e), SIP_INFO(0x1f)};
    static const uint8_t link[] = {0x30, 0x0c, TYPE(0x1c)};
    static const struct {
        const uint8_t *data;
        size_t length;
        bool pe, cab, msi;
    } cases[] = {
        {pe, sizeof pe, true, true, false},
        {cab, sizeof cab, false, true, false},
        {individual, sizeof individual, true, false, false},
        {msi, sizeof msi, false, false, true},
        {script, sizeof script, false, false, false},
        {link, sizeof link, false, false, false},
        {pe, 0, false, false, false},
        {pe, sizeof pe - 1, false, false, false},
        {msi, sizeof msi - 1, false, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(content_is_of("pe", cases[i].data, cases[i].length), cases[i].pe);
        assert_int_equal(content_is_of("cab", cases[i].data, cases[i].length), cases[i].cab);
        assert_int_equal(content_is_of("msi", cases[i].data, cases[i].length), cases[i].msi);
        assert_false(content_is_of("elf", cases[i].data, cases[i].length));
    }
}

static const uint8_t pe_plain[] = {TYPE(0x0f), 0x30, 0x09, 0x03, 0x01, 0x00,
                                   0xa0,       0x04, 0xa2, 0x02, 0x80, 0x00};

/* Cut at every length, longer, or with one bit changed outside its digest: not read. */
static void nothing_near_it_is_read(void **state)
{
    struct buffer good = BUFFER_INIT, bad = BUFFER_INIT;
    struct content c;

    (void)state;
    make(&good, pe_plain, sizeof pe_plain);
    assert_true(reads("pe", &good, &c));
    for (size_t length = 0; length < good.length; length++) {
        bad = (struct buffer)BUFFER_INIT;
        buffer_append(&bad, good.data, length);
        assert_false(reads("pe", &bad, &c));
        buffer_free(&bad);
    }
    for (size_t bit = 0; bit < 8 * (good.length - 32); bit++) {
        good.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(reads("pe", &good, &c));
        good.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    buffer_append_byte(&good, 0);
    assert_false(reads("pe", &good, &c));
    buffer_free(&good);
}

static void formats_have_their_type(void **state)
{
    static const uint8_t cab[] = {TYPE(0x19), 0xa2, 0x06, 0x80, 0x04, 0, 'a', 0, 'b'};
    static const uint8_t cab_as_pe[] = {TYPE(0x0f), 0xa2, 0x02, 0x80, 0x00};
    static const uint8_t odd_name[] = {TYPE(0x19), 0xa2, 0x05, 0x80, 0x03, 0, 'a', 0};
    uint8_t msi[] = {TYPE(0x1e), 0x30, 0x24, 0x02, 1,    1, 0x04, 16,   0xf1, 0x10, 0x0c, 0,    0,
                     0,          0,    0,    0xc0, 0,    0, 0,    0,    0,    0,    0x46, 0x02, 1,
                     0,          0x02, 1,    0,    0x02, 1, 0,    0x02, 1,    0,    0x02, 1,    0};
    struct buffer b = BUFFER_INIT;
    struct content c;

    (void)state;
    make(&b, cab, sizeof cab);
    assert_true(reads("cab", &b, &c));
    assert_false(reads("pe", &b, &c));
    make(&b, cab_as_pe, sizeof cab_as_pe);
    assert_false(reads("cab", &b, &c));
    assert_false(reads("pe", &b, &c));
    make(&b, odd_name, sizeof odd_name);
    assert_false(reads("cab", &b, &c));
    make(&b, msi, sizeof msi);
    assert_true(reads("msi", &b, &c));
    assert_false(reads("pe", &b, &c));
    msi[sizeof msi - 1] = 1;
    make(&b, msi, sizeof msi);
    assert_false(reads("msi", &b, &c));
    buffer_free(&b);
}

static void append_entry(struct buffer *pages, uint32_t offset, uint8_t fill)
{
    uint8_t entry[36];

    memset(entry, fill, sizeof entry);
    for (int i = 0; i < 4; i++)
        entry[i] = (uint8_t)(offset >> 8 * i);
    buffer_append(pages, entry, sizeof entry);
}

/* SpcPeImageData with page hashes. */
static void make_pages(struct buffer *out, const struct buffer *pages, uint8_t version)
{
    const uint8_t oid[] = {0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04,
                           0x01, 0x82, 0x37, 0x02, 0x03, version};
    static const uint8_t head[] = {0x04, 0x10, 0xa6, 0xb5, 0x86, 0xd5, 0xb4, 0xa1, 0x24,
                                   0x66, 0xae, 0x05, 0xa2, 0x17, 0xda, 0x8e, 0x60, 0xd6};
    static const uint8_t flags[] = {0x03, 0x01, 0x00};
    static const uint8_t type[] = {TYPE(0x0f)};
    struct buffer b = BUFFER_INIT, t = BUFFER_INIT;

    buffer_append(&t, pages->data, pages->length);
    wrap(&t, 0x04);
    wrap(&t, 0x31);
    buffer_append(&b, oid, sizeof oid);
    buffer_append(&b, t.data, t.length);
    wrap(&b, 0x30);
    wrap(&b, 0x31);
    wrap(&b, 0x04);
    buffer_reset(&t);
    buffer_append(&t, head, sizeof head);
    buffer_append(&t, b.data, b.length);
    wrap(&t, 0xa1);
    wrap(&t, 0xa0);
    buffer_reset(&b);
    buffer_append(&b, flags, sizeof flags);
    buffer_append(&b, t.data, t.length);
    wrap(&b, 0x30);
    buffer_reset(&t);
    buffer_append(&t, type, sizeof type);
    buffer_append(&t, b.data, b.length);
    make(out, t.data, t.length);
    buffer_free(&b);
    buffer_free(&t);
}

static bool pages_are_read(const struct buffer *pages, uint8_t version)
{
    struct buffer b = BUFFER_INIT;
    struct content c;
    bool good;

    make_pages(&b, pages, version);
    good = reads("pe", &b, &c);
    assert_int_equal(c.page_hashes, true);
    buffer_free(&b);
    return good;
}

static void page_hashes(void **state)
{
    struct buffer pages = BUFFER_INIT;

    (void)state;
    append_entry(&pages, 0, 1);
    append_entry(&pages, 4096, 2);
    append_entry(&pages, 9000, 0);
    assert_true(pages_are_read(&pages, 2));
    assert_false(pages_are_read(&pages, 1)); /* SHA-1 */
    pages.data[2 * 36 + 35] = 1;             /* the end has a hash */
    assert_false(pages_are_read(&pages, 2));
    pages.data[2 * 36 + 35] = 0;
    pages.data[36 + 1] = 0; /* not behind the one before */
    assert_false(pages_are_read(&pages, 2));
    pages.data[36 + 1] = 0x10;
    pages.data[0] = 1; /* not from the start */
    assert_false(pages_are_read(&pages, 2));
    pages.data[0] = 0;
    assert_true(pages_are_read(&pages, 2));
    buffer_append_byte(&pages, 0);
    assert_false(pages_are_read(&pages, 2));
    pages.length = 36;
    assert_false(pages_are_read(&pages, 2));
    pages.length = 0;
    assert_false(pages_are_read(&pages, 2));
    buffer_free(&pages);
}

/* What somebody would like to have a code-signing key's signature on. */
static void foreign_is_not_read(void **state)
{
    struct signing_identity i;
    unsigned char *tbs = NULL;
    struct buffer b = BUFFER_INIT;
    struct content c;
    int length;

    (void)state;
    signing_identity_make(&i, "P-256");
    length = i2d_re_X509_tbs(i.leaf, &tbs);
    assert_true(length > 0);
    buffer_append(&b, tbs, (size_t)length);
    assert_false(reads("pe", &b, &c));
    assert_false(reads("cab", &b, &c));
    assert_false(reads("msi", &b, &c));
    OPENSSL_free(tbs);
    buffer_free(&b);
    signing_identity_free(&i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_is_read),
        cmocka_unit_test(whose_it_is),
        cmocka_unit_test(nothing_near_it_is_read),
        cmocka_unit_test(formats_have_their_type),
        cmocka_unit_test(page_hashes),
        cmocka_unit_test(foreign_is_not_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
