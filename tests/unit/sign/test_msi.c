/* SPDX-License-Identifier: Apache-2.0 */
/* Packages of every shape: those that must be signed, with nothing else changed, and given back
 * as they were. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cfb_builder.h"
#include "packaging.h"
#include "sign/format.h"
#include "sign/le.h"
#include "sign/msi/msi.h"
#include "sign/unsigned.h"
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

static const struct cfb_item few[] = {
    {.name = "\5SummaryInformation", .size = 480},
    {.name = "Tables", .size = 100},
    {.name = "cabinet", .size = 20000},
    {.name = "Empty", .size = 0},
};

static const struct cfb_item one[] = {{.name = "one", .size = 1}};

/* Names that only the order of the digest tells apart, and streams at the limits of sectors. */
static const struct cfb_item edges[] = {
    {.name = "a", .size = 63},         {.name = "ab", .size = 64},
    {.name = "abc", .size = 65},       {.name = "abcd", .size = 4095},
    {.name = "b", .size = 4096},       {.name = "B_", .size = 4097},
    {.name = "b1", .size = 511},       {.name = "bA", .size = 512},
    {.name = "ba_", .size = 70000},    {.name = "baB", .size = 65536},
    {.name = "Zz", .size = 131072},    {.name = "zY", .size = 131073},
    {.name = "zzz_end", .size = 8192},
};

static const struct cfb_item storages[] = {
    {.name = "first", .size = 300},
    {.name = "Storage", .storage = true},
    {.name = "inner", .size = 5000, .in = 2},
    {.name = "\5DigitalSignature", .size = 77, .in = 2},
    {.name = "deeper", .storage = true, .in = 2},
    {.name = "\5MsiDigitalSignatureEx", .size = 32, .in = 5},
    {.name = "deepest", .storage = true, .in = 5},
    {.name = "empty", .storage = true},
    {.name = "last", .size = 9000},
};

static const struct cfb_item large_only[] = {{.name = "large", .size = 50001}};

#define OF(items) .item = items, .count = sizeof items / sizeof *items

static const struct {
    const char *name;
    struct cfb_recipe recipe;
} good[] = {
    {"version 3", {OF(few)}},
    {"version 4", {OF(few), .large = true}},
    {"one byte", {OF(one)}},
    {"one byte, version 4", {OF(one), .large = true}},
    {"nothing at all", {.count = 0}},
    {"nothing at all, version 4", {.count = 0, .large = true}},
    {"no mini stream", {OF(large_only)}},
    {"no mini stream, version 4", {OF(large_only), .large = true}},
    {"at the limits", {OF(edges)}},
    {"at the limits, version 4", {OF(edges), .large = true}},
    {"storages", {OF(storages)}},
    {"storages, version 4", {OF(storages), .large = true}},
    {"scattered", {OF(edges), .scattered = true}},
    {"scattered, version 4", {OF(edges), .scattered = true, .large = true}},
    {"scattered storages", {OF(storages), .scattered = true, .slack = true}},
    {"a list for a tree", {OF(few), .list = true, .many = 30}},
    {"a list for a tree, version 4", {OF(edges), .list = true, .large = true}},
    {"cut after the data", {OF(few), .short_end = true, .many = 0}},
    {"cut after the data, version 4", {OF(large_only), .short_end = true, .large = true}},
    {"slack", {OF(few), .slack = true}},
    {"slack, version 4", {OF(edges), .slack = true, .large = true}},
    {"zeros at the end", {OF(few), .zeros = 512}},
    {"some zeros at the end", {OF(few), .zeros = 100}},
    {"zeros at the end, version 4", {OF(few), .zeros = 5000, .large = true}},
    {"three names", {OF(few), .many = 3}}, /* one entry is left of two sectors */
    {"a full directory", {OF(few), .many = 27, .large = true}},
    {"one entry left", {OF(few), .many = 26, .large = true}},
    {"two entries left", {OF(few), .many = 25, .large = true}},
    {"entries left", {OF(few), .unused = 9}},
    {"many names", {OF(few), .many = 300}},
    {"many names, version 4", {OF(few), .many = 333, .large = true}},
    {"many names, scattered", {OF(storages), .many = 200, .scattered = true}},
    {"a patch", {OF(few), .in_class = 0x86}},
    {"a transform", {OF(few), .in_class = 0x82}},
};
enum { GOOD = sizeof good / sizeof *good };

static void check_digest(const struct cfb_image *image, const struct verify_signature *s, bool ex)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    char hex[2 * EVP_MAX_MD_SIZE + 1] = "";
    size_t length = (size_t)EVP_MD_get_size(s->hash);

    cfb_expected_digest(image, s->hash, ex, NULL, digest);
    for (size_t i = 0; i < length; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    assert_string_equal(s->file_digest, hex);
}

static void round_trip(const char *name, const struct cfb_recipe *recipe, bool ex)
{
    struct sign_spec spec = signing_spec(&identity);
    struct cfb_image *image = malloc(sizeof *image);
    struct buffer file = BUFFER_INIT, der = BUFFER_INIT, out = BUFFER_INIT, bare = BUFFER_INIT;
    struct verify_report report;
    struct error e = ERROR_INIT;

    cfb_build(image, recipe);
    spec.signature_ex = ex;
    if (!signing_run(&identity, &spec, &image->bytes, &file, NULL, &e))
        fail_msg("%s: %s", name, e.text);
    packaging_must_be_good(&identity, name, &file, 1);
    packaging_verify(&identity, &file, &report);
    check_digest(image, &report.signature[0], ex);
    verify_report_free(&report);
    packaging_check_structure(&file, !recipe->list);
    packaging_check_untouched(image, &file);

    packaging_take_out(&file, true, &out);
    packaging_same(name, "taken out", &out, &image->bytes);
    signing_extract(&file, 0, &der);
    if (!packaging_attach(&image->bytes, &der, ex, &out, &e))
        fail_msg("%s: %s", name, e.text);
    packaging_same(name, "put back", &out, &file);

    /* Without the note all streams are the same, and it can be signed again. */
    packaging_take_out(&file, false, &bare);
    packaging_check_structure(&bare, true);
    packaging_check_untouched(image, &bare);
    spec.signature_ex = !ex;
    signing_must(&identity, &spec, &bare, &out);
    packaging_must_be_good(&identity, name, &out, 1);

    /* Replacing leaves nothing of the first one. */
    spec.existing = SIGN_REPLACE;
    signing_must(&identity, &spec, &file, &out);
    packaging_must_be_good(&identity, name, &out, 1);
    packaging_check_structure(&out, !recipe->list);
    packaging_take_out(&out, true, &bare);
    packaging_same(name, "replaced and taken out", &bare, &image->bytes);
    buffer_free(&file);
    buffer_free(&der);
    buffer_free(&out);
    buffer_free(&bare);
    buffer_free(&image->bytes);
    free(image);
}

static void signs(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOOD; i++) {
        round_trip(good[i].name, &good[i].recipe, false);
        round_trip(good[i].name, &good[i].recipe, true);
    }
}

/* DER of an OCTET STRING that is `size` bytes long in all: a signature of any size. */
static void make_der(struct buffer *der, size_t size)
{
    size_t content = size < 130     ? size - 2
                     : size < 260   ? size - 3
                     : size < 65540 ? size - 4
                                    : size - 5;
    uint8_t head[5] = {0x04};

    buffer_reset(der);
    if (content < 128) {
        head[1] = (uint8_t)content;
        buffer_append(der, head, 2);
    } else {
        size_t digits = content < 256 ? 1 : content < 65536 ? 2 : 3;

        head[1] = (uint8_t)(0x80 | digits);
        for (size_t i = 0; i < digits; i++)
            head[2 + i] = (uint8_t)(content >> 8 * (digits - 1 - i));
        buffer_append(der, head, 2 + digits);
    }
    for (size_t i = 0; i < content; i++)
        buffer_append_byte(der, (uint8_t)(i * 11 + 3));
    assert_int_equal(der->length, size);
}

static void check_extract(const struct buffer *file, const struct buffer *der)
{
    struct buffer got = BUFFER_INIT;

    signing_extract(file, 0, &got);
    assert_int_equal(got.length, der->length);
    assert_memory_equal(got.data, der->data, der->length);
    buffer_free(&got);
}

/* From the mini stream to so many sectors that the FAT and the DIFAT must grow; then another size
 * in the place of the first, and all of them out again. */
static void sizes(const struct cfb_recipe *recipe)
{
    static const size_t size[] = {40,   63,   64,   65,   127,  448,   512,   513,
                                  4000, 4095, 4096, 4097, 8192, 20000, 70001, 300000};
    struct cfb_image *image = malloc(sizeof *image);
    struct buffer der = BUFFER_INIT, file = BUFFER_INIT, next = BUFFER_INIT, out = BUFFER_INIT;
    struct error e = ERROR_INIT;

    cfb_build(image, recipe);
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
        make_der(&der, size[i]);
        if (!packaging_attach(&image->bytes, &der, false, &file, &e))
            fail_msg("%zu: %s", size[i], e.text);
        packaging_check_structure(&file, true);
        check_extract(&file, &der);
        packaging_check_untouched(image, &file);
        for (size_t k = 0; k < sizeof size / sizeof *size; k += 2) {
            make_der(&der, size[k]);
            if (!packaging_attach(&file, &der, false, &next, &e))
                fail_msg("%zu for %zu: %s", size[k], size[i], e.text);
            packaging_check_structure(&next, true);
            check_extract(&next, &der);
            packaging_check_untouched(image, &next);
        }
        packaging_take_out(&file, false, &out);
        packaging_check_structure(&out, true);
        packaging_check_untouched(image, &out);
    }
    buffer_free(&der);
    buffer_free(&file);
    buffer_free(&next);
    buffer_free(&out);
    buffer_free(&image->bytes);
    free(image);
}

static void signature_sizes(void **state)
{
    (void)state;
    sizes(&(struct cfb_recipe){OF(few)});
    sizes(&(struct cfb_recipe){OF(few), .large = true, .many = 27});
    sizes(&(struct cfb_recipe){OF(edges), .scattered = true});
    sizes(&(struct cfb_recipe){OF(large_only)});
}

/* More than 109 FAT sectors need a DIFAT: one is there, is made, becomes full, is followed by
 * another. */
static void difat(void **state)
{
    /* In sectors of 512 bytes: 109 FAT sectors tell of 13952, one DIFAT sector of 127 * 128 more.
     */
    static const size_t size[] = {13952 * 512 - 70000, 13960 * 512, 30207 * 512 - 70000,
                                  30300 * 512, 46463 * 512 - 70000};

    (void)state;
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
        const struct cfb_item item[] = {{.name = "large", .size = size[i]},
                                        {.name = "small", .size = 10}};
        struct cfb_image *image = malloc(sizeof *image);
        struct buffer der = BUFFER_INIT, file = BUFFER_INIT, out = BUFFER_INIT;
        struct sign_spec spec = signing_spec(&identity);
        struct error e = ERROR_INIT;

        cfb_build(image, &(struct cfb_recipe){OF(item)});
        make_der(&der, 200000);
        if (!packaging_attach(&image->bytes, &der, false, &file, &e))
            fail_msg("%zu: %s", size[i], e.text);
        packaging_check_structure(&file, true);
        check_extract(&file, &der);
        packaging_take_out(&file, false, &out);
        packaging_check_structure(&out, true);
        signing_must(&identity, &spec, &image->bytes, &file);
        packaging_must_be_good(&identity, "difat", &file, 1);
        packaging_take_out(&file, true, &out);
        packaging_same("difat", "taken out", &out, &image->bytes);
        buffer_free(&der);
        buffer_free(&file);
        buffer_free(&out);
        buffer_free(&image->bytes);
        free(image);
    }
}

static void append(const struct cfb_recipe *recipe, bool ex, bool note)
{
    struct sign_spec spec = signing_spec(&identity);
    struct cfb_image *image = malloc(sizeof *image);
    struct buffer file = BUFFER_INIT, two = BUFFER_INIT, three = BUFFER_INIT, out = BUFFER_INIT;
    struct error e = ERROR_INIT;

    cfb_build(image, recipe);
    spec.signature_ex = ex;
    signing_must(&identity, &spec, &image->bytes, &file);
    if (!note) { /* as another signer's: what is attached last has none */
        struct buffer bare = BUFFER_INIT;

        packaging_take_out(&file, false, &bare);
        signing_must(&identity, &spec, &bare, &file);
        buffer_free(&bare);
    }
    spec.existing = SIGN_APPEND;
    spec.description = "second";
    spec.signature_ex = !ex; /* what is there decides */
    signing_must(&identity, &spec, &file, &two);
    packaging_must_be_good(&identity, "appended", &two, 2);
    spec.description = "third";
    signing_must(&identity, &spec, &two, &three);
    packaging_must_be_good(&identity, "appended twice", &three, 3);
    packaging_check_structure(&three, true);
    packaging_check_untouched(image, &three);
    packaging_take_out(&three, true, &out);
    if (note)
        packaging_same("appended", "taken out", &out, &image->bytes);
    packaging_check_structure(&out, true);

    /* Another size of digest: only without MsiDigitalSignatureEx. */
    spec.hash = SIGNER_SHA384;
    if (ex) {
        assert_false(signing_run(&identity, &spec, &two, &out, NULL, &e));
        assert_int_equal(e.code, ERROR_UNSUPPORTED);
        assert_non_null(strstr(e.text, "MsiDigitalSignatureEx of 32 bytes"));
    } else {
        signing_must(&identity, &spec, &two, &out);
        packaging_must_be_good(&identity, "appended with SHA-384", &out, 3);
    }
    buffer_free(&file);
    buffer_free(&two);
    buffer_free(&three);
    buffer_free(&out);
    buffer_free(&image->bytes);
    free(image);
}

static void appends(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++)
        append(&(struct cfb_recipe){OF(storages), .large = (i & 1) != 0}, (i & 2) != 0,
               (i & 4) != 0);
}

static void keeps(void **state)
{
    struct sign_spec spec = signing_spec(&identity);
    struct cfb_image *image = malloc(sizeof *image);
    struct buffer file = BUFFER_INIT, out = BUFFER_INIT;
    enum sign_state kept;
    struct error e = ERROR_INIT;

    (void)state;
    cfb_build(image, &(struct cfb_recipe){OF(few)});
    spec.signature_ex = true;
    signing_must(&identity, &spec, &image->bytes, &file);
    assert_true(signing_run(&identity, &spec, &file, &out, &kept, &e));
    assert_int_equal(kept, SIGN_KEPT);
    file.data[image->data[3] + 10] ^= 1;
    assert_false(signing_run(&identity, &spec, &file, &out, &kept, &e));
    assert_int_equal(e.code, ERROR_SIGNATURE);
    /* Nothing is added where only MsiDigitalSignatureEx tells that something was changed. */
    file.data[image->data[3] + 10] ^= 1;
    file.data[image->entry[3] + 101] ^= 1;
    spec.existing = SIGN_APPEND;
    spec.description = "another";
    assert_false(signing_run(&identity, &spec, &file, &out, &kept, &e));
    assert_int_equal(e.code, ERROR_SIGNATURE);
    assert_non_null(strstr(e.text, "MsiDigitalSignatureEx is another"));
    /* Nor is it kept. */
    spec.existing = SIGN_KEEP;
    assert_false(signing_run(&identity, &spec, &file, &out, &kept, &e));
    assert_int_equal(e.code, ERROR_SIGNATURE);
    assert_non_null(strstr(e.text, "was changed after it was signed"));
    buffer_free(&file);
    buffer_free(&out);
    buffer_free(&image->bytes);
    free(image);
}

/* A signature whose last small sector has room for more, and more in it. */
static void stuff(const struct buffer *package, struct buffer *file)
{
    static const char name[] = "\5\0D\0i\0g\0i\0t\0a\0l\0S\0i\0g\0n\0a\0t\0u\0r\0e\0\0";
    char description[64] = "";
    struct sign_spec spec = signing_spec(&identity);
    struct buffer der = BUFFER_INIT;
    uint8_t *entry, *last;
    size_t used = 0;

    spec.description = description;
    for (size_t i = 0; (used < 16 || used > 60) && i < sizeof description - 1; i++) {
        description[i] = 'x';
        signing_must(&identity, &spec, package, file);
        signing_extract(file, 0, &der);
        used = der.length % 64;
    }
    entry = memmem(file->data, file->length, name, sizeof name);
    last = memmem(file->data, file->length, der.data + der.length - used, used);
    assert_non_null(entry);
    assert_non_null(last);
    le_put_32(entry + 120, (uint32_t)der.length + 1);
    last[used] = 'x';
    buffer_free(&der);
}

static void more_than_the_signature(void **state)
{
    struct cfb_image *image = malloc(sizeof *image);
    struct sign_spec spec = signing_spec(&identity);
    struct buffer file = BUFFER_INIT, out = BUFFER_INIT;
    struct verify_report report;
    struct error e = ERROR_INIT;

    (void)state;
    cfb_build(image, &(struct cfb_recipe){OF(few)});
    stuff(&image->bytes, &file);
    packaging_verify(&identity, &file, &report);
    assert_false(report.good);
    assert_non_null(strstr(report.problems[0], "bytes stand behind the signature"));
    verify_report_free(&report);
    spec.existing = SIGN_APPEND;
    spec.description = "another";
    assert_false(signing_run(&identity, &spec, &file, &out, NULL, &e));
    assert_int_equal(e.code, ERROR_UNSUPPORTED);
    assert_non_null(strstr(e.text, "would be lost"));
    spec.existing = SIGN_REPLACE;
    signing_must(&identity, &spec, &file, &out);
    packaging_must_be_good(&identity, "replaced", &out, 1);
    buffer_free(&file);
    buffer_free(&out);
    buffer_free(&image->bytes);
    free(image);
}

/* What is changed afterwards is seen. */
static void changes_seen(void **state)
{
    struct cfb_image *image = malloc(sizeof *image);
    struct sign_spec spec = signing_spec(&identity);
    struct buffer file = BUFFER_INIT;

    (void)state;
    cfb_build(image, &(struct cfb_recipe){OF(storages)});
    for (int ex = 0; ex < 2; ex++) {
        const struct {
            size_t at;
            bool content; /* else only MsiDigitalSignatureEx tells */
        } place[] = {
            {image->data[1], true},        {image->data[3] + 100, true},
            {image->data[9] + 511, true},  {image->entry[2] + 81, true},
            {image->entry[0] + 96, false}, {image->entry[2] + 101, false},
            {image->entry[3] + 96, false}, {image->entry[9] + 109, false},
        };

        spec.signature_ex = ex;
        signing_must(&identity, &spec, &image->bytes, &file);
        for (size_t i = 0; i < sizeof place / sizeof *place; i++) {
            struct verify_report report;

            file.data[place[i].at] ^= 1;
            packaging_verify(&identity, &file, &report);
            assert_int_equal(report.signature[0].digest_good, !place[i].content && !ex);
            assert_int_equal(report.good, !place[i].content && !ex);
            if (!place[i].content && ex)
                assert_non_null(strstr(report.problems[0], "MsiDigitalSignatureEx is another"));
            verify_report_free(&report);
            file.data[place[i].at] ^= 1;
        }
        packaging_must_be_good(&identity, "as it was", &file, 1);
    }
    buffer_free(&file);
    buffer_free(&image->bytes);
    free(image);
}

/* A signature by SHA-384 over what is there, by the stream of one by SHA-256, nested in that. */
static void nest_longer(const struct buffer *file, struct buffer *out)
{
    struct buffer outer = BUFFER_INIT, both = BUFFER_INIT;
    struct buffer value = BUFFER_INIT, content = BUFFER_INIT;
    struct sign_spec spec = signing_spec(&identity);
    const EVP_MD *md = EVP_sha384();
    const struct format_pass pass = {.output = signing_file("", 0)};
    int input = signing_file(file->data, file->length);
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct format_file *f = format_msi.open(input, "made", NULL);
    const uint8_t *to_sign;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    struct sign_job *job;
    size_t length;

    assert_non_null(f);
    assert_true(format_msi.digest(f, &pass, NULL));
    /* The stream's 32 bytes, the one stream, and the class of the root. */
    EVP_DigestInit_ex(ctx, md, NULL);
    {
        struct cfb *c = cfb_open(input, "made", NULL);
        uint32_t ex = cfb_find(c, msi_ex_name, sizeof msi_ex_name);
        struct buffer bytes = BUFFER_INIT;

        assert_true(cfb_read(c, input, ex, 64, &bytes, NULL));
        assert_int_equal(bytes.length, 32);
        assert_true(cfb_read(c, input, 1, 1, &bytes, NULL));
        EVP_DigestUpdate(ctx, bytes.data, bytes.length);
        EVP_DigestUpdate(ctx, cfb_entry(c, 0) + CFB_ENTRY_CLSID, 16);
        buffer_free(&bytes);
        cfb_close(&c);
    }
    EVP_DigestFinal_ex(ctx, digest, NULL);
    EVP_MD_CTX_free(ctx);
    assert_true(format_msi.content(f, md, digest, &content, NULL));
    spec.hash = SIGNER_SHA384;
    job = sign_begin_content(&content, digest, "made", &spec, NULL);
    to_sign = sign_digest(job, &length);
    signing_sign(identity.key, spec.hash, to_sign, length, &value);
    assert_true(sign_put(job, value.data, value.length, NULL));
    signing_extract(file, 0, &outer);
    assert_true(unsigned_nest(&outer, sign_made(job), &both, NULL));
    assert_true(format_msi.embed(f, pass.output, &both, 1, NULL));
    signing_read(pass.output, out);
    sign_free(&job);
    format_msi.close(&f);
    buffer_free(&outer);
    buffer_free(&both);
    buffer_free(&value);
    buffer_free(&content);
    close(input);
    close(pass.output);
}

/* The stream is as long as the digest of each signature, or Windows refuses that signature. */
static void ex_of_another_size(void **state)
{
    struct cfb_image *image = malloc(sizeof *image);
    struct sign_spec spec = signing_spec(&identity);
    struct buffer file = BUFFER_INIT, two = BUFFER_INIT;
    struct verify_report report;

    (void)state;
    cfb_build(image, &(struct cfb_recipe){OF(one)});
    spec.signature_ex = true;
    signing_must(&identity, &spec, &image->bytes, &file);
    nest_longer(&file, &two);
    packaging_verify(&identity, &two, &report);
    assert_int_equal(report.count, 2);
    assert_true(report.signature[0].digest_good);
    assert_false(report.signature[1].digest_good);
    assert_int_equal(report.problem_count, 1);
    assert_non_null(strstr(report.problems[0], "another size than the digest of a signature"));
    assert_false(report.good);
    verify_report_free(&report);
    buffer_free(&file);
    buffer_free(&two);
    buffer_free(&image->bytes);
    free(image);
}

/* The content says which version of the SIP it is for. */
static void sip_version(void **state)
{
    static const uint8_t head[] = {0x30, 0x24, 0x02, 0x01};
    struct cfb_image *image = malloc(sizeof *image);
    struct sign_spec spec = signing_spec(&identity);
    struct buffer file = BUFFER_INIT, der = BUFFER_INIT;

    (void)state;
    cfb_build(image, &(struct cfb_recipe){OF(few)});
    for (int ex = 0; ex < 2; ex++) {
        const uint8_t *at;

        spec.signature_ex = ex;
        signing_must(&identity, &spec, &image->bytes, &file);
        signing_extract(&file, 0, &der);
        at = memmem(der.data, der.length, head, sizeof head);
        assert_non_null(at);
        assert_int_equal(at[sizeof head], ex ? 2 : 1);
    }
    buffer_free(&file);
    buffer_free(&der);
    buffer_free(&image->bytes);
    free(image);
}

/* `change` happens between open and digest. */
static void changed_while_read(void **state)
{
    const EVP_MD *md = EVP_sha256();
    uint8_t digest[1][EVP_MAX_MD_SIZE];
    struct timespec later[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1}};

    (void)state;
    for (int change = 0; change < 2; change++) {
        struct cfb_image *image = malloc(sizeof *image);
        struct error e = ERROR_INIT;
        struct format_file *f;
        int fd, output = signing_file("", 0);
        const struct format_pass pass = {.output = output, .md = &md, .count = 1, .digest = digest};

        cfb_build(image, &(struct cfb_recipe){OF(few)});
        fd = signing_file(image->bytes.data, image->bytes.length);
        f = format_msi.open(fd, "test.msi", &e);
        assert_non_null(f);
        if (change == 0)
            assert_int_equal(futimens(fd, later), 0);
        else
            assert_int_equal(ftruncate(fd, 4096), 0);
        assert_false(format_msi.digest(f, &pass, &e));
        assert_int_equal(e.code, ERROR_FORMAT);
        assert_non_null(strstr(e.text, change == 0 ? "changed while" : "became shorter"));
        format_msi.close(&f);
        close(fd);
        close(output);
        buffer_free(&image->bytes);
        free(image);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs),        cmocka_unit_test(signature_sizes),
        cmocka_unit_test(difat),        cmocka_unit_test(appends),
        cmocka_unit_test(keeps),        cmocka_unit_test(more_than_the_signature),
        cmocka_unit_test(changes_seen), cmocka_unit_test(ex_of_another_size),
        cmocka_unit_test(sip_version),  cmocka_unit_test(changed_while_read),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
