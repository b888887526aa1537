/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates come out of every form they are delivered in, and of nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "cert/load.h"
#include "make.h"

static EVP_PKEY *key;
static X509 *one, *two;
static struct buffer der, pem, pem_both, trusted, key_pem, p7_der, p7_pem;

static void drain(BIO *bio, struct buffer *out)
{
    char *bytes = NULL;
    long length = BIO_get_mem_data(bio, &bytes);

    buffer_append(out, bytes, (size_t)length);
    BIO_free(bio);
}

static void make_p7(void)
{
    PKCS7 *p7 = PKCS7_new();
    BIO *as_der = BIO_new(BIO_s_mem()), *as_pem = BIO_new(BIO_s_mem());

    assert_int_equal(PKCS7_set_type(p7, NID_pkcs7_signed), 1);
    assert_int_equal(PKCS7_content_new(p7, NID_pkcs7_data), 1);
    assert_int_equal(PKCS7_add_certificate(p7, one), 1);
    assert_int_equal(PKCS7_add_certificate(p7, two), 1);
    assert_int_equal(i2d_PKCS7_bio(as_der, p7), 1);
    assert_int_equal(PEM_write_bio_PKCS7(as_pem, p7), 1);
    drain(as_der, &p7_der);
    drain(as_pem, &p7_pem);
    PKCS7_free(p7);
}

static int make_forms(void **state)
{
    BIO *bio;

    (void)state;
    key = make_key("P-256");
    one = make_certificate(&(struct certificate){.name = "One", .key = key, .serial = 1});
    two = make_certificate(&(struct certificate){.name = "Two", .key = key, .serial = 2});
    bio = BIO_new(BIO_s_mem());
    i2d_X509_bio(bio, one);
    drain(bio, &der);
    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, one);
    drain(bio, &pem);
    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    drain(bio, &key_pem);
    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509_AUX(bio, one);
    drain(bio, &trusted);
    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, one);
    PEM_write_bio_X509(bio, two);
    drain(bio, &pem_both);
    make_p7();
    return 0;
}

static int free_forms(void **state)
{
    (void)state;
    X509_free(one);
    X509_free(two);
    EVP_PKEY_free(key);
    buffer_free(&der);
    buffer_free(&pem);
    buffer_free(&pem_both);
    buffer_free(&trusted);
    buffer_free(&key_pem);
    buffer_free(&p7_der);
    buffer_free(&p7_pem);
    return 0;
}

/* `count` certificates, the first of them `one`, come out of before + form + after. */
static void check_good(const char *before, const struct buffer *form, const char *after, int count)
{
    STACK_OF(X509) *out = make_stack(two, NULL);
    struct buffer bytes = BUFFER_INIT;
    struct error e = ERROR_INIT;
    bool loaded;

    buffer_append_text(&bytes, before);
    buffer_append(&bytes, form->data, form->length);
    buffer_append_text(&bytes, after);
    loaded = cert_load("file", bytes.data, bytes.length, out, &e);
    assert_string_equal(e.text, "");
    assert_true(loaded);
    assert_int_equal(sk_X509_num(out), 1 + count);
    assert_ptr_equal(sk_X509_value(out, 0), two);
    assert_int_equal(X509_cmp(sk_X509_value(out, 1), one), 0);
    if (count == 2)
        assert_int_equal(X509_cmp(sk_X509_value(out, 2), two), 0);
    assert_int_equal(ERR_peek_error(), 0);
    buffer_free(&bytes);
    make_free_stack(out);
}

static void forms(void **state)
{
    (void)state;
    check_good("", &der, "", 1);
    check_good("", &pem, "", 1);
    check_good("", &pem_both, "", 2);
    check_good("", &trusted, "", 1);
    check_good("", &p7_der, "", 2);
    check_good("", &p7_pem, "", 2);
}

static void surroundings(void **state)
{
    struct buffer crlf = BUFFER_INIT;

    (void)state;
    check_good("subject=CN = One\nissuer=whoever\n\n", &pem, "trailing words\n", 1);
    check_good("0 s:CN = One\n", &pem, "", 1);
    check_good("\xef\xbb\xbf\n", &pem, "", 1);
    check_good(buffer_text(&key_pem), &pem_both, "", 2);
    check_good("", &pem_both, buffer_text(&key_pem), 2);
    for (size_t i = 0; i < pem.length; i++) {
        if (pem.data[i] == '\n')
            buffer_append_byte(&crlf, '\r');
        buffer_append_byte(&crlf, pem.data[i]);
    }
    check_good("", &crlf, "", 1);
    buffer_free(&crlf);
}

/* What a mail, an editor or PowerShell makes of PEM, and base64 that has lost its lines. */
static void other_texts(void **state)
{
    struct buffer text = BUFFER_INIT;
    char *base64 = malloc(p7_der.length / 3 * 4 + 5);

    (void)state;
    EVP_EncodeBlock((unsigned char *)base64, p7_der.data, (int)p7_der.length);
    for (size_t i = 0; base64[i] != '\0'; i++) {
        buffer_append_byte(&text, (uint8_t)base64[i]);
        if (i % 64 == 63)
            buffer_append_text(&text, "\r\n");
    }
    check_good("", &text, "\n", 2);
    check_good("-----BEGIN CERTIFICATE-----\n", &text, "\n-----END CERTIFICATE-----\n", 2);
    buffer_reset(&text);
    for (size_t i = 0; i < pem.length; i++) {
        if (i == 0 || pem.data[i - 1] == '\n')
            buffer_append_text(&text, "   \t");
        buffer_append_byte(&text, pem.data[i]);
    }
    check_good("", &text, "", 1);
    check_good("\xef\xbb\xbf", &pem, "", 1);
    buffer_reset(&text);
    buffer_append(&text, "\xff\xfe", 2);
    for (size_t i = 0; i < pem.length; i++) {
        buffer_append_byte(&text, pem.data[i]);
        buffer_append_byte(&text, 0);
    }
    check_good("", &text, "", 1);
    buffer_free(&text);
    free(base64);
}

static void check_bad(const void *bytes, size_t length, const char *problem)
{
    STACK_OF(X509) *out = make_stack(two, NULL);
    struct error e = ERROR_INIT;

    assert_false(cert_load("a file", bytes, length, out, &e));
    assert_int_equal(e.code, ERROR_FORMAT);
    assert_non_null(strstr(e.text, "'a file'"));
    assert_non_null(strstr(e.text, problem));
    assert_int_equal(sk_X509_num(out), 1);
    assert_int_equal(ERR_peek_error(), 0);
    make_free_stack(out);
}

static void bad_files(void **state)
{
    static const char torn[] = "-----BEGIN CERTIFICATE-----\nMIIB\n";
    static const char not_one[] =
        "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
    static const char request[] = "-----BEGIN NEW CERTIFICATE REQUEST-----\nMAMCAQE=\n"
                                  "-----END NEW CERTIFICATE REQUEST-----\n";
    static const char not_base64[] =
        "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n";
    uint8_t *large = calloc(1, CERT_FILE_MAX + 1);
    struct buffer bytes = BUFFER_INIT;

    (void)state;
    check_bad("", 0, "no certificate");
    check_bad("hello\n", 6, "no certificate");
    check_bad("0", 1, "no certificate");
    check_bad(key_pem.data, key_pem.length, "no certificate but a private key");
    check_bad(request, strlen(request), "no certificate but a certificate request");
    check_bad("AAAA", 4, "no certificate");
    check_bad("A===", 4, "no certificate");
    check_bad("====", 4, "no certificate");
    check_bad(der.data, der.length - 1, "no certificate");
    check_bad(p7_der.data, p7_der.length - 1, "no certificate");
    check_bad(torn, strlen(torn), "PEM block 1");
    check_bad(not_one, strlen(not_one), "PEM block 1 is not the certificate it claims");
    check_bad(not_base64, strlen(not_base64), "PEM block 1");
    check_bad(large, CERT_FILE_MAX, "no certificate");
    check_bad(large, CERT_FILE_MAX + 1, "larger than");
    /* Good, then bad: what was good is not kept. */
    buffer_append(&bytes, pem.data, pem.length);
    buffer_append_text(&bytes, not_one);
    check_bad(bytes.data, bytes.length, "PEM block 2");
    buffer_reset(&bytes);
    buffer_append(&bytes, der.data, der.length);
    buffer_append_byte(&bytes, 0);
    check_bad(bytes.data, bytes.length, "no certificate");
    buffer_reset(&bytes);
    for (int i = 0; i < 1001; i++)
        buffer_append(&bytes, pem.data, pem.length);
    check_bad(bytes.data, bytes.length, "more than 1000");
    buffer_free(&bytes);
    free(large);
}

/* PKCS#7 that holds no certificates: empty, or of another kind. */
static void bad_pkcs7(void **state)
{
    static const int kinds[] = {NID_pkcs7_signed, NID_pkcs7_data, NID_pkcs7_digest};

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        PKCS7 *p7 = PKCS7_new();
        BIO *bio = BIO_new(BIO_s_mem());
        struct buffer bytes = BUFFER_INIT;

        assert_int_equal(PKCS7_set_type(p7, kinds[i]), 1);
        if (kinds[i] == NID_pkcs7_signed)
            assert_int_equal(PKCS7_content_new(p7, NID_pkcs7_data), 1);
        if (i2d_PKCS7_bio(bio, p7) == 1) {
            drain(bio, &bytes);
            check_bad(bytes.data, bytes.length, "no certificate");
        } else {
            ERR_clear_error();
            BIO_free(bio);
        }
        buffer_free(&bytes);
        PKCS7_free(p7);
    }
}

static void from_file(void **state)
{
    char path[] = "/tmp/signet-unit-XXXXXX";
    int fd = mkstemp(path);
    STACK_OF(X509) *out = sk_X509_new_null();
    struct error e = ERROR_INIT;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, pem_both.data, pem_both.length), pem_both.length);
    assert_true(cert_load_file(path, out, &e));
    assert_int_equal(sk_X509_num(out), 2);
    assert_int_equal(ftruncate(fd, CERT_FILE_MAX + 1), 0);
    assert_false(cert_load_file(path, out, &e));
    assert_int_equal(e.code, ERROR_FORMAT);
    assert_non_null(strstr(e.text, path));
    close(fd);
    unlink(path);
    assert_false(cert_load_file(path, out, &e));
    assert_int_equal(e.code, ERROR_SYSTEM);
    assert_int_equal(sk_X509_num(out), 2);
    make_free_stack(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),     cmocka_unit_test(surroundings), cmocka_unit_test(other_texts),
        cmocka_unit_test(bad_files), cmocka_unit_test(bad_pkcs7),    cmocka_unit_test(from_file),
    };

    return cmocka_run_group_tests(tests, make_forms, free_forms);
}
