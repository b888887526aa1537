/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#12 gives its certificates, never its key, and its password is not asked for in vain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "cert/load.h"
#include "make.h"

static EVP_PKEY *key;
static X509 *one, *two;

static int make_all(void **state)
{
    (void)state;
    key = make_key("P-256");
    one = make_certificate(&(struct certificate){.name = "One", .key = key, .serial = 1});
    two = make_certificate(&(struct certificate){.name = "Two", .key = key, .serial = 2});
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    X509_free(one);
    X509_free(two);
    EVP_PKEY_free(key);
    return 0;
}

/* Key and certificate cipher are OpenSSL's numbers; -1 leaves the certificates in the open. */
static void make_file(const char *password, int key_cipher, int cipher, int rounds,
                      struct buffer *out)
{
    STACK_OF(X509) *more = make_stack(two, NULL);
    PKCS12 *p12 =
        PKCS12_create(password, "name", key, one, more, key_cipher, cipher, rounds, -1, 0);
    unsigned char *der = NULL;
    int length = i2d_PKCS12(p12, &der);

    assert_true(length > 0);
    buffer_append(out, der, (size_t)length);
    OPENSSL_free(der);
    PKCS12_free(p12);
    make_free_stack(more);
}

struct asked {
    const char *password;
    int times;
};

static struct secret *give(void *data, const char *name, struct error *e)
{
    struct asked *asked = data;

    assert_string_equal(name, "file");
    asked->times++;
    return secret_new(asked->password, strlen(asked->password), e);
}

/* Both certificates come out after `times` questions. */
static void check_read(const struct buffer *file, const char *password, int times)
{
    struct asked asked = {.password = password};
    struct cert_reading reading = {.password = give, .data = &asked};
    STACK_OF(X509) *out = sk_X509_new_null();
    struct error e = ERROR_INIT;
    bool read = cert_load_with("file", file->data, file->length, &reading, out, &e);

    assert_string_equal(e.text, "");
    assert_true(read);
    assert_int_equal(asked.times, times);
    assert_true(reading.private_key);
    assert_int_equal(sk_X509_num(out), 2);
    assert_int_equal(X509_cmp(sk_X509_value(out, 0), one), 0);
    assert_int_equal(X509_cmp(sk_X509_value(out, 1), two), 0);
    assert_int_equal(ERR_peek_error(), 0);
    make_free_stack(out);
}

static void check_refused(const struct buffer *file, const char *password, enum error_code code,
                          const char *problem)
{
    struct asked asked = {.password = password};
    struct cert_reading reading = {.password = password == NULL ? NULL : give, .data = &asked};
    STACK_OF(X509) *out = make_stack(two, NULL);
    struct error e = ERROR_INIT;

    assert_false(cert_load_with("file", file->data, file->length, &reading, out, &e));
    assert_non_null(strstr(e.text, problem));
    assert_int_equal(e.code, code);
    assert_int_equal(sk_X509_num(out), 1);
    assert_int_equal(ERR_peek_error(), 0);
    make_free_stack(out);
}

static void ciphers(void **state)
{
    static const int all[] = {NID_aes_256_cbc, NID_pbe_WithSHA1And3_Key_TripleDES_CBC};

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct buffer file = BUFFER_INIT;

        make_file("right", all[i], all[i], 2048, &file);
        check_read(&file, "right", 1);
        check_refused(&file, "wrong", ERROR_PIN_SOURCE, "does not open: the password is another");
        check_refused(&file, NULL, ERROR_PIN_SOURCE, "its password is needed");
        buffer_free(&file);
    }
}

/* What needs no password asks for none. */
static void no_question(void **state)
{
    struct buffer file = BUFFER_INIT;

    (void)state;
    make_file("right", NID_aes_256_cbc, -1, 2048, &file);
    check_read(&file, "right", 0);
    buffer_reset(&file);
    make_file("", NID_aes_256_cbc, NID_aes_256_cbc, 2048, &file);
    check_read(&file, "right", 0);
    buffer_reset(&file);
    make_file(NULL, NID_pbe_WithSHA1And3_Key_TripleDES_CBC, NID_pbe_WithSHA1And3_Key_TripleDES_CBC,
              2048, &file);
    check_read(&file, "right", 0);
    buffer_free(&file);
}

/* As text: base64 without lines that say what it is. */
static void as_text(void **state)
{
    struct buffer file = BUFFER_INIT, text = BUFFER_INIT;
    char *base64;

    (void)state;
    make_file("right", NID_aes_256_cbc, -1, 2048, &file);
    base64 = malloc(file.length / 3 * 4 + 5);
    EVP_EncodeBlock((unsigned char *)base64, file.data, (int)file.length);
    buffer_append_text(&text, base64);
    check_read(&text, "right", 0);
    free(base64);
    buffer_free(&file);
    buffer_free(&text);
}

/* A number of rounds is written over: the file is the same else. */
static void too_many_rounds(void **state)
{
    static const uint8_t rounds[] = {0x02, 0x02, 0x12, 0x34}; /* 4660 */
    static const uint8_t negative[] = {0x02, 0x02, 0xff, 0xff};
    static const uint8_t more[] = {0x02, 0x03, 0x01, 0x23, 0x45}; /* 74565 */
    static const uint8_t most[] = {0x02, 0x03, 0x7f, 0xff, 0xff};
    struct buffer file = BUFFER_INIT;
    uint8_t *at;

    (void)state;
    make_file("right", NID_aes_256_cbc, NID_aes_256_cbc, 0x1234, &file);
    at = memmem(file.data, file.length, rounds, sizeof rounds);
    assert_non_null(at);
    memcpy(at, negative, sizeof negative);
    check_refused(&file, "right", ERROR_FORMAT, "encrypted in a way that is not known");
    buffer_reset(&file);
    make_file("right", NID_aes_256_cbc, NID_aes_256_cbc, 0x12345, &file);
    at = memmem(file.data, file.length, more, sizeof more);
    assert_non_null(at);
    memcpy(at, most, sizeof most);
    check_refused(&file, "right", ERROR_FORMAT, "no honest file does");
    buffer_free(&file);
}

/* Cut at any place, it is refused and nothing is kept. */
static void cut(void **state)
{
    struct buffer file = BUFFER_INIT;

    (void)state;
    make_file("right", NID_aes_256_cbc, -1, 2048, &file);
    for (size_t length = 1; length < file.length; length += 7) {
        struct buffer part = BUFFER_INIT;

        buffer_append(&part, file.data, length);
        check_refused(&part, "right", ERROR_FORMAT, "'file'");
        buffer_free(&part);
    }
    buffer_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ciphers), cmocka_unit_test(no_question),     cmocka_unit_test(as_text),
        cmocka_unit_test(cut),     cmocka_unit_test(too_many_rounds),
    };

    return cmocka_run_group_tests(tests, make_all, free_all);
}
