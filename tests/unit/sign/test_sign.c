/* SPDX-License-Identifier: Apache-2.0 */
/* The way of one file through signing: what may be asked for, what happens to signatures that are
 * there, and what a token's answer must be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pe_builder.h"
#include "sign/unsigned.h"
#include "signing.h"

static struct signing_identity rsa, ec;

static int set_up(void **state)
{
    (void)state;
    signing_identity_make(&rsa, "RSA:2048");
    signing_identity_make(&ec, "P-384");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    signing_identity_free(&rsa);
    signing_identity_free(&ec);
    return 0;
}

static const struct pe_recipe recipe = {
    .plus = true, .sections = 2, .section_size = 600, .overlay = 80};

/* An image that carries a signature by `i`, with its parts known. */
static void signed_image(struct pe_image *image, const struct signing_identity *i,
                         enum signer_hash hash)
{
    struct sign_spec spec = signing_spec(i);
    struct buffer file = BUFFER_INIT, der = BUFFER_INIT;

    spec.hash = hash;
    pe_build(image, &recipe);
    signing_must(i, &spec, &image->bytes, &file);
    signing_extract(&file, 0, &der);
    pe_add_certificate(image, 2, der.data, der.length, true);
    buffer_free(&file);
    buffer_free(&der);
}

static void spec_check(void **state)
{
    static const struct {
        const char *description, *url, *says;
    } cases[] = {
        {NULL, NULL, NULL},
        {"", "", NULL},
        {"Größe €ß漢", "https://example.com/%C3%A4", NULL},
        {"rocket \xf0\x9f\x9a\x80", NULL, "outside the Basic Multilingual Plane"},
        {"\xff", NULL, "description: it is not UTF-8"},
        {"\xed\xa0\x80", NULL, "description: it is not UTF-8"},
        {NULL, "https://exämple.com", "url: only printable ASCII"},
        {NULL, "https://example.com/a b", "url: only printable ASCII"},
        {NULL, "https://example.com/\n", "url: only printable ASCII"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sign_spec spec = signing_spec(&rsa);
        struct error e = ERROR_INIT;

        spec.description = cases[i].description;
        spec.url = cases[i].url;
        assert_int_equal(sign_spec_check(&spec, &e), cases[i].says == NULL);
        if (cases[i].says != NULL) {
            assert_int_equal(e.code, ERROR_PROFILE);
            if (strstr(e.text, cases[i].says) == NULL)
                fail_msg("%zu: %s", i, e.text);
        }
    }
}

static void spec_check_of_keys(void **state)
{
    struct sign_spec spec = signing_spec(&rsa);
    struct error e = ERROR_INIT;
    EVP_PKEY *key = make_key("ED25519");

    (void)state;
    spec.mechanism = SIGNER_ECDSA;
    assert_false(sign_spec_check(&spec, &e));
    assert_int_equal(e.code, ERROR_UNFIT);
    spec.leaf = make_certificate(&(struct certificate){.name = "Ed", .key = key});
    assert_false(sign_spec_check(&spec, &e));
    assert_int_equal(e.code, ERROR_UNFIT);
    X509_free(spec.leaf);
    EVP_PKEY_free(key);
}

/* The digest that the job tells is the one in the signature, and the size is the input's. */
static void what_a_job_tells(void **state)
{
    struct sign_spec spec = signing_spec(&rsa);
    struct error e = ERROR_INIT;
    enum sign_state ready;
    struct sign_job *job;
    struct pe_image image;
    uint8_t expected[EVP_MAX_MD_SIZE];
    size_t length, told;
    int input, output = signing_file("", 0);

    (void)state;
    spec.hash = SIGNER_SHA384;
    pe_build(&image, &recipe);
    input = signing_file(image.bytes.data, image.bytes.length);
    job = sign_begin(input, "test.exe", output, &spec, &ready, NULL, &e);
    assert_non_null(job);
    assert_int_equal(ready, SIGN_READY);
    assert_string_equal(sign_signer(job), "Test Signer");
    assert_int_equal(sign_size(job), image.bytes.length);
    pe_expected_digest(&image.bytes, image.bytes.length, "SHA384", expected, &length);
    assert_memory_equal(sign_file_digest(job, &told), expected, length);
    assert_int_equal(told, length);
    sign_digest(job, &told);
    assert_int_equal(told, 48);
    sign_free(&job);
    sign_free(&job);
    close(input);
    close(output);
    buffer_free(&image.bytes);
}

/* What a token gives back is believed only when the certificate's key says so; the output gets no
 * table otherwise. */
static void wrong_answers(void **state)
{
    struct sign_spec spec = signing_spec(&ec);
    EVP_PKEY *other = make_key("P-384");

    (void)state;
    for (int kind = 0; kind < 5; kind++) {
        struct buffer signature = BUFFER_INIT, written = BUFFER_INIT;
        struct error e = ERROR_INIT;
        enum sign_state ready;
        struct pe_image image;
        struct sign_job *job;
        const uint8_t *digest;
        size_t length;
        int input, output = signing_file("", 0);

        pe_build(&image, &recipe);
        input = signing_file(image.bytes.data, image.bytes.length);
        job = sign_begin(input, "test.exe", output, &spec, &ready, NULL, &e);
        assert_non_null(job);
        digest = sign_digest(job, &length);
        signing_sign(kind == 0 ? other : ec.key, spec.hash, digest, length, &signature);
        if (kind == 1)
            signature.data[signature.length / 2] ^= 1;
        if (kind == 2)
            signature.length--;
        if (kind == 3)
            signature.length = 0;
        assert_int_equal(
            sign_put(job, signature.data, signature.length, &e) && sign_finish(job, &e), kind == 4);
        signing_read(output, &written);
        if (kind != 4) {
            assert_int_equal(e.code, ERROR_SIGNATURE);
            assert_non_null(strstr(e.text, "'test.exe'"));
            assert_int_equal(written.length, (image.bytes.length + 7) / 8 * 8);
        }
        sign_free(&job);
        buffer_free(&signature);
        buffer_free(&written);
        buffer_free(&image.bytes);
        close(input);
        close(output);
    }
    EVP_PKEY_free(other);
}

/* A good signature: kept, replaced, or taken as the one to nest in. */
static void good_signature(void **state)
{
    struct buffer out = BUFFER_INIT, before = BUFFER_INIT, after = BUFFER_INIT;
    struct sign_spec spec = signing_spec(&ec);
    struct error e = ERROR_INIT;
    enum sign_state kept;
    struct pe_image image;

    (void)state;
    signed_image(&image, &rsa, SIGNER_SHA512);
    signing_extract(&image.bytes, 0, &before);

    spec.existing = SIGN_KEEP;
    assert_true(signing_run(&ec, &spec, &image.bytes, &out, &kept, &e));
    assert_int_equal(kept, SIGN_KEPT);
    assert_int_equal(out.length, 0);

    spec.existing = SIGN_REPLACE;
    assert_true(signing_run(&ec, &spec, &image.bytes, &out, &kept, &e));
    assert_int_equal(kept, SIGN_READY);
    signing_extract(&out, 0, &after);
    assert_int_equal(out.length, image.table + 8 + (after.length + 7) / 8 * 8);
    signing_extract(&out, 1, &after);
    assert_int_equal(after.length, 0);

    spec.existing = SIGN_APPEND;
    assert_true(signing_run(&ec, &spec, &image.bytes, &out, &kept, &e));
    assert_int_equal(kept, SIGN_READY);
    signing_extract(&out, 0, &after);
    assert_true(after.length > before.length);
    buffer_free(&out);
    buffer_free(&before);
    buffer_free(&after);
    buffer_free(&image.bytes);
}

/* Who signed a file that is kept, and its digest, which is another than ours would be. */
static void what_a_kept_job_tells(void **state)
{
    struct sign_spec spec = signing_spec(&ec);
    struct error e = ERROR_INIT;
    enum sign_state kept;
    struct pe_image image;
    struct sign_job *job;
    size_t length;
    int input, output = signing_file("", 0);

    (void)state;
    signed_image(&image, &rsa, SIGNER_SHA512);
    input = signing_file(image.bytes.data, image.bytes.length);
    job = sign_begin(input, "test.exe", output, &spec, &kept, NULL, &e);
    assert_non_null(job);
    assert_int_equal(kept, SIGN_KEPT);
    assert_string_equal(sign_signer(job), "Test Signer");
    sign_file_digest(job, &length);
    assert_int_equal(length, 64);
    sign_free(&job);
    close(input);
    close(output);
    buffer_free(&image.bytes);
}

/* Ways to spoil a signed image. */
static void change_file(struct pe_image *image)
{
    image->bytes.data[image->table - 1] ^= 1;
}

static void change_header(struct pe_image *image)
{
    image->bytes.data[image->pe + 8] ^= 1; /* the COFF header's time */
}

static void change_value(struct pe_image *image)
{
    struct buffer der = BUFFER_INIT;

    signing_extract(&image->bytes, 0, &der);
    image->bytes.data[image->table + 8 + der.length - 20] ^= 1;
    buffer_free(&der);
}

static void change_description(struct pe_image *image)
{
    static const char was[] = "E\0x\0a\0m\0p\0l";
    uint8_t *at = memmem(image->bytes.data + image->table, image->bytes.length - image->table, was,
                         sizeof was - 1);

    assert_non_null(at);
    at[0] = 'e';
}

static void change_content(struct pe_image *image)
{
    static const uint8_t was[] = {0x03, 0x01, 0x00, 0xa0, 0x04}; /* SpcPeImageData */
    uint8_t *at = memmem(image->bytes.data + image->table, image->bytes.length - image->table, was,
                         sizeof was);

    assert_non_null(at);
    at[2] = 1;
}

static void make_garbage(struct pe_image *image)
{
    memset(image->bytes.data + image->table + 8, 'x', image->bytes.length - image->table - 8);
}

static void cut_der(struct pe_image *image)
{
    image->bytes.data[image->table + 10] = 0xff; /* the length of the ContentInfo */
}

static void make_indefinite(struct pe_image *image)
{
    image->bytes.data[image->table + 9] = 0x80;
}

static void make_other_type(struct pe_image *image)
{
    image->bytes.data[image->table + 6] = 1; /* WIN_CERT_TYPE_X509 */
}

/* Nested signatures must hold as well: the file would never be good again. */
static void nest_something(struct pe_image *image, const uint8_t *bytes, size_t length)
{
    struct buffer der = BUFFER_INIT;

    signing_extract(&image->bytes, 0, &der);
    signing_add_unsigned(&der, "1.3.6.1.4.1.311.2.4.1", bytes, (int)length);
    image->bytes.length = image->table;
    pe_add_certificate(image, 2, der.data, der.length, true);
    buffer_free(&der);
}

static void nest_garbage(struct pe_image *image)
{
    nest_something(image, (const uint8_t *)"\x30\x02\x05\x00", 4);
}

static void nest_of_another_file(struct pe_image *image)
{
    struct sign_spec spec = signing_spec(&ec);
    struct buffer file = BUFFER_INIT, der = BUFFER_INIT;
    struct pe_image another;

    pe_build(&another, &(struct pe_recipe){.overlay = 5});
    signing_must(&ec, &spec, &another.bytes, &file);
    signing_extract(&file, 0, &der);
    nest_something(image, der.data, der.length);
    buffer_free(&file);
    buffer_free(&der);
    buffer_free(&another.bytes);
}

static void spoiled_signatures(void **state)
{
    static const struct {
        const char *says;
        void (*spoil)(struct pe_image *);
    } cases[] = {
        {"the file was changed after it was signed", change_file},
        {"the file was changed after it was signed", change_header},
        {"the signer's key did not make this signature", change_value},
        {"the signer's key did not make this signature", change_description},
        {"the signed attributes do not fit the content", change_content},
        {"not one that Authenticode knows", make_garbage},
        {"holds no PKCS#7 signature", cut_der},
        {"holds no PKCS#7 signature", make_indefinite},
        {"holds no PKCS#7 signature", make_other_type},
        {"not one that Authenticode knows", nest_garbage},
        {"the file was changed after it was signed", nest_of_another_file},
    };
    struct sign_spec spec = signing_spec(&ec);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int existing = SIGN_KEEP; existing <= SIGN_APPEND; existing++) {
            struct buffer out = BUFFER_INIT;
            struct error e = ERROR_INIT;
            struct pe_image image;
            bool done;

            signed_image(&image, &rsa, SIGNER_SHA256);
            cases[i].spoil(&image);
            spec.existing = (enum sign_existing)existing;
            done = signing_run(&ec, &spec, &image.bytes, &out, NULL, &e);
            if (done != (existing == SIGN_REPLACE))
                fail_msg("%zu, %d: %s", i, existing, e.text);
            if (!done &&
                (e.code != ERROR_SIGNATURE || strstr(e.text, cases[i].says) == NULL ||
                 strstr(e.text, "'test.exe' carries a signature that does not hold") == NULL ||
                 strstr(e.text, "--existing replace") == NULL))
                fail_msg("%zu, %d: %s", i, existing, e.text);
            buffer_free(&out);
            buffer_free(&image.bytes);
        }
}

/* EFI images: several signatures side by side. The first speaks for the file. */
static void side_by_side(void **state)
{
    struct buffer out = BUFFER_INIT, der = BUFFER_INIT;
    struct sign_spec spec = signing_spec(&ec);
    struct error e = ERROR_INIT;
    enum sign_state kept;
    struct pe_image image;

    (void)state;
    signed_image(&image, &rsa, SIGNER_SHA256);
    signing_extract(&image.bytes, 0, &der);
    pe_add_certificate(&image, 2, der.data, der.length, true);
    spec.existing = SIGN_KEEP;
    assert_true(signing_run(&ec, &spec, &image.bytes, &out, &kept, &e));
    assert_int_equal(kept, SIGN_KEPT);
    spec.existing = SIGN_APPEND;
    assert_false(signing_run(&ec, &spec, &image.bytes, &out, NULL, &e));
    assert_int_equal(e.code, ERROR_UNSUPPORTED);
    assert_non_null(strstr(e.text, "several signatures side by side"));
    spec.existing = SIGN_REPLACE;
    assert_true(signing_run(&ec, &spec, &image.bytes, &out, &kept, &e));
    signing_extract(&out, 1, &der);
    assert_int_equal(der.length, 0);
    buffer_free(&out);
    buffer_free(&der);
    buffer_free(&image.bytes);
}

/* `file` with one more signature. */
static void append(const struct signing_identity *i, const char *description, struct buffer *file)
{
    struct sign_spec spec = signing_spec(i);
    struct buffer out = BUFFER_INIT;

    spec.existing = SIGN_APPEND;
    spec.description = description;
    signing_must(i, &spec, file, &out);
    buffer_free(file);
    *file = out;
}

/* All are good: so many at the top, so many in all, none deeper than that. */
static void check_all(const struct buffer *file, size_t top, size_t all, unsigned deepest)
{
    struct verify_options options = signing_trust(&rsa);
    struct verify_report report;
    int fd = signing_file(file->data, file->length);
    size_t beside = 0;

    assert_int_equal(X509_STORE_add_cert(options.trust, ec.root), 1);
    assert_true(verify_file(fd, "test.exe", &options, &report, NULL, NULL));
    assert_true(report.good);
    assert_int_equal(report.count, all);
    for (size_t i = 0; i < report.count; i++) {
        assert_true(report.signature[i].depth <= deepest);
        beside += report.signature[i].depth == 0;
    }
    assert_int_equal(beside, top);
    verify_report_free(&report);
    X509_STORE_free(options.trust);
    close(fd);
}

/* Firmware wants each signature as an entry of its own; what is nested in one of them stays. */
static void efi_images(void **state)
{
    (void)state;
    for (uint16_t subsystem = 9; subsystem <= 14; subsystem++) {
        bool efi = subsystem >= 10 && subsystem <= 13;
        struct buffer file = BUFFER_INIT, der = BUFFER_INIT, whole = BUFFER_INIT, was = BUFFER_INIT;
        struct buffer original = BUFFER_INIT;
        struct pe_image image;

        pe_build(&image, &(struct pe_recipe){.plus = true,
                                             .sections = 1,
                                             .section_size = 511,
                                             .subsystem = subsystem,
                                             .no_checksum = true});
        buffer_append(&file, image.bytes.data, image.bytes.length);
        append(&rsa, "one", &file);
        signing_extract(&file, 0, &was);
        append(&ec, "two", &file);
        append(&rsa, "three", &file);
        append(&rsa, "four", &file);
        check_all(&file, efi ? 4 : 1, 4, efi ? 0 : 1);
        if (efi) {
            signing_extract(&file, 0, &der);
            assert_int_equal(der.length, was.length);
            assert_memory_equal(der.data, was.data, was.length);
        }
        assert_true(signing_remove(&file, &original, NULL));
        assert_int_equal(original.length, image.bytes.length);
        assert_memory_equal(original.data, image.bytes.data, original.length);

        /* Two, one nested in the other, as signtool makes it; then one more of ours. */
        signing_extract(&file, 1, &der);
        if (efi) {
            assert_true(unsigned_nest(&was, &der, &whole, NULL));
            pe_add_certificate(&image, 2, whole.data, whole.length, true);
            append(&ec, "five", &image.bytes);
            check_all(&image.bytes, 2, 3, 1);
        }
        buffer_free(&file);
        buffer_free(&der);
        buffer_free(&whole);
        buffer_free(&was);
        buffer_free(&original);
        buffer_free(&image.bytes);
    }
}

/* A hundred times one more; all hold, and the original comes back. */
static void append_a_hundred_times(void **state)
{
    struct buffer file = BUFFER_INIT, original = BUFFER_INIT;
    struct pe_image image;
    char description[8];

    (void)state;
    pe_build(&image, &(struct pe_recipe){.sections = 1, .section_size = 509});
    buffer_append(&file, image.bytes.data, image.bytes.length);
    for (int i = 0; i < 100; i++) {
        snprintf(description, sizeof description, "%d", i);
        append(&rsa, description, &file);
    }
    check_all(&file, 1, 100, 1);
    assert_true(signing_remove(&file, &original, NULL));
    assert_int_equal(original.length, image.bytes.length);
    assert_memory_equal(original.data, image.bytes.data, original.length);
    buffer_free(&file);
    buffer_free(&original);
    buffer_free(&image.bytes);
}

/* Nested in nested ones, by others; one more of ours goes into the first. */
static void nested_in_nested(void **state)
{
    struct buffer whole = BUFFER_INIT, one = BUFFER_INIT, next = BUFFER_INIT;
    struct pe_image image;

    (void)state;
    signed_image(&image, &rsa, SIGNER_SHA256);
    signing_extract(&image.bytes, 0, &one);
    buffer_append(&whole, one.data, one.length);
    for (int i = 0; i < 7; i++) {
        buffer_reset(&next);
        assert_true(unsigned_nest(&one, &whole, &next, NULL));
        buffer_reset(&whole);
        buffer_append(&whole, next.data, next.length);
    }
    image.bytes.length = image.table;
    pe_add_certificate(&image, 2, whole.data, whole.length, true);
    check_all(&image.bytes, 1, 8, 7);
    append(&ec, "ours", &image.bytes);
    check_all(&image.bytes, 1, 9, 7);
    buffer_free(&whole);
    buffer_free(&one);
    buffer_free(&next);
    buffer_free(&image.bytes);
}

/* What stands beside a signature and is none would be lost. */
static void more_than_signatures(void **state)
{
    struct sign_spec spec = signing_spec(&ec);
    struct error e = ERROR_INIT;
    enum sign_state kept;

    (void)state;
    for (int hidden = 0; hidden < 2; hidden++) {
        struct buffer out = BUFFER_INIT, der = BUFFER_INIT;
        struct pe_image image;

        signed_image(&image, &rsa, SIGNER_SHA256);
        signing_extract(&image.bytes, 0, &der);
        if (hidden) {
            buffer_append(&der, "\0\0\0\0hidden", 10);
            image.bytes.length = image.table;
            pe_add_certificate(&image, 2, der.data, der.length, true);
        } else {
            pe_add_certificate(&image, 1, "12345678", 8, true);
        }
        spec.existing = SIGN_KEEP;
        assert_true(signing_run(&ec, &spec, &image.bytes, &out, &kept, &e));
        assert_int_equal(kept, SIGN_KEPT);
        spec.existing = SIGN_APPEND;
        assert_false(signing_run(&ec, &spec, &image.bytes, &out, NULL, &e));
        assert_int_equal(e.code, ERROR_UNSUPPORTED);
        assert_non_null(strstr(e.text, "would be lost; only --existing replace or keep"));
        spec.existing = SIGN_REPLACE;
        signing_must(&ec, &spec, &image.bytes, &out);
        check_all(&out, 1, 1, 0);
        buffer_free(&out);
        buffer_free(&der);
        buffer_free(&image.bytes);
    }
}

/* A table whose length and entry do not count the padding, as some signers write it. */
static void unpadded_table(void **state)
{
    struct sign_spec spec = signing_spec(&ec);
    struct verify_options options = signing_trust(&rsa);
    struct buffer file = BUFFER_INIT, der = BUFFER_INIT;
    struct verify_report report;
    struct error e = ERROR_INIT;
    enum sign_state kept;
    struct pe_image image;
    char description[8] = "";
    int fd;

    (void)state;
    pe_build(&image, &recipe);
    spec = signing_spec(&rsa);
    /* The length is as the certificates are; one or two more bytes, and it needs padding. */
    for (size_t longer = 1; longer < sizeof description && der.length % 8 == 0; longer++) {
        memset(description, 'x', longer);
        spec.description = description;
        buffer_reset(&file);
        buffer_reset(&der);
        signing_must(&rsa, &spec, &image.bytes, &file);
        signing_extract(&file, 0, &der);
    }
    assert_int_not_equal(der.length % 8, 0);
    pe_add_certificate(&image, 2, der.data, der.length, false);
    assert_true(signing_run(&rsa, &spec, &image.bytes, &file, &kept, &e));
    assert_int_equal(kept, SIGN_KEPT);
    fd = signing_file(image.bytes.data, image.bytes.length);
    assert_true(verify_file(fd, "test.exe", &options, &report, NULL, &e));
    assert_true(report.good);
    verify_report_free(&report);
    X509_STORE_free(options.trust);
    close(fd);
    buffer_free(&file);
    buffer_free(&der);
    buffer_free(&image.bytes);
}

/* Two more, by other keys with other hashes: all hold, both stand in the first, and what stood
 * beside its signature is still there. */
static void append_twice(void **state)
{
    static const uint8_t timestamp[] = {0x30, 0x06, 0x04, 0x04, 'w', 'h', 'e', 'n'};
    struct buffer one = BUFFER_INIT, two = BUFFER_INIT, der = BUFFER_INIT;
    struct verify_options options = signing_trust(&rsa);
    struct verify_report report;
    struct error e = ERROR_INIT;
    struct sign_spec spec;
    struct pe_image image;
    int fd;

    (void)state;
    pe_build(&image, &recipe);
    spec = signing_spec(&rsa);
    signing_must(&rsa, &spec, &image.bytes, &one);
    signing_extract(&one, 0, &der);
    signing_add_unsigned(&der, "1.3.6.1.4.1.311.3.3.1", timestamp, sizeof timestamp);
    pe_add_certificate(&image, 2, der.data, der.length, true);

    spec = signing_spec(&ec);
    spec.existing = SIGN_APPEND;
    spec.hash = SIGNER_SHA384;
    signing_must(&ec, &spec, &image.bytes, &one);
    spec = signing_spec(&rsa);
    spec.existing = SIGN_APPEND;
    spec.hash = SIGNER_SHA512;
    signing_must(&rsa, &spec, &one, &two);

    assert_int_equal(X509_STORE_add_cert(options.trust, ec.root), 1);
    fd = signing_file(two.data, two.length);
    assert_true(verify_file(fd, "test.exe", &options, &report, NULL, &e));
    assert_int_equal(report.count, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct verify_signature *s = &report.signature[i];

        assert_int_equal(s->depth, i > 0);
        assert_true(s->digest_good && s->signature_good && s->chain_good);
        /* No timestamp at all stands in the first. */
        assert_int_equal(s->problem_count, i == 0);
    }
    assert_int_equal(EVP_MD_get_size(report.signature[0].hash), 32);
    assert_int_equal(EVP_MD_get_size(report.signature[1].hash) +
                         EVP_MD_get_size(report.signature[2].hash),
                     48 + 64);
    assert_true(report.signature[0].has_timestamp);
    assert_false(report.signature[1].has_timestamp);
    assert_non_null(memmem(two.data, two.length, timestamp, sizeof timestamp));
    verify_report_free(&report);
    X509_STORE_free(options.trust);
    close(fd);
    buffer_free(&one);
    buffer_free(&two);
    buffer_free(&der);
    buffer_free(&image.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spec_check),         cmocka_unit_test(spec_check_of_keys),
        cmocka_unit_test(what_a_job_tells),   cmocka_unit_test(wrong_answers),
        cmocka_unit_test(good_signature),     cmocka_unit_test(what_a_kept_job_tells),
        cmocka_unit_test(spoiled_signatures), cmocka_unit_test(side_by_side),
        cmocka_unit_test(efi_images),         cmocka_unit_test(append_a_hundred_times),
        cmocka_unit_test(nested_in_nested),   cmocka_unit_test(more_than_signatures),
        cmocka_unit_test(unpadded_table),     cmocka_unit_test(append_twice),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
