/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates in words, harmful names included. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cert/view.h"
#include "make.h"

static EVP_PKEY *key;

static int open_key(void **state)
{
    (void)state;
    key = make_key("P-256");
    return 0;
}

static int close_key(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    return 0;
}

/* `text` is freed. */
static void check(char *text, const char *expected)
{
    assert_string_equal(text, expected);
    assert_int_equal(ERR_peek_error(), 0);
    free(text);
}

static void names(void **state)
{
    static const struct {
        const char *name, *common, *subject;
    } cases[] = {
        {"Example", "Example", "O=Practice, CN=Example"},
        {"Z\xc3\xbcrich AG", "Z\xc3\xbcrich AG", "O=Practice, CN=Z\xc3\xbcrich AG"},
        {"Example, Inc.", "Example, Inc.", "O=Practice, CN=Example\\, Inc."},
        {"bad\nname\x1b[2J", "bad\\x0Aname\\x1B[2J", "O=Practice, CN=bad\\0Aname\\1B[2J"},
        {"gpj.\xe2\x80\xae"
         "exe",
         "gpj.\\xE2\\x80\\xAE"
         "exe",
         "O=Practice, CN=gpj.\\xE2\\x80\\xAE"
         "exe"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        X509 *x = make_certificate(&(struct certificate){.name = cases[i].name, .key = key});

        check(cert_common_name(x), cases[i].common);
        check(cert_subject(x), cases[i].subject);
        check(cert_issuer(x), cases[i].subject);
        assert_true(cert_self_issued(x));
        X509_free(x);
    }
}

static void more_names(void **state)
{
    X509 *ca = make_certificate(&(struct certificate){.name = "CA", .key = key, .ca = true});
    X509 *x = make_certificate(&(struct certificate){.name = "First", .key = key, .issuer = ca});
    X509_NAME *name = X509_NAME_new();

    (void)state;
    check(cert_issuer(x), "O=Practice, CN=CA");
    assert_false(cert_self_issued(x));
    assert_true(cert_is_ca(ca));
    assert_false(cert_is_ca(x));

    /* The last common name counts; it may hold a NUL; without one the whole subject is shown. */
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"First", -1, -1, 0);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"a\0b", 3, -1, 0);
    X509_set_subject_name(x, name);
    check(cert_common_name(x), "a\\x00b");
    X509_NAME_free(name);
    name = X509_NAME_new();
    X509_set_subject_name(x, name);
    check(cert_common_name(x), "");
    X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const uint8_t *)"Only", -1, -1, 0);
    X509_NAME_add_entry_by_txt(name, "C", MBSTRING_ASC, (const uint8_t *)"CH", -1, -1, 0);
    X509_set_subject_name(x, name);
    check(cert_common_name(x), "O=Only, C=CH");
    X509_NAME_free(name);
    X509_free(x);
    X509_free(ca);
}

static void serials(void **state)
{
    static const struct {
        const char *number, *text;
    } cases[] = {
        {"1", "01"},
        {"0", "00"},
        {"-255", "-ff"},
        {"4660", "1234"},
        {"0x00C0FFEE00112233445566778899AABBCCDDEEFF", "c0ffee00112233445566778899aabbccddeeff"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        X509 *x = make_certificate(&(struct certificate){.name = "x", .key = key});
        ASN1_INTEGER *number = s2i_ASN1_INTEGER(NULL, cases[i].number);

        assert_non_null(number);
        X509_set_serialNumber(x, number);
        check(cert_serial(x), cases[i].text);
        ASN1_INTEGER_free(number);
        X509_free(x);
    }
}

static void dates(void **state)
{
    static const struct {
        time_t now;
        long days;
    } cases[] = {
        {YEAR_2026 - 86400 * 30, 30}, {YEAR_2026 - 86400, 1},
        {YEAR_2026 - 86399, 0},       {YEAR_2026, 0},
        {YEAR_2026 + 1, -1},          {YEAR_2026 + 86400, -1},
        {YEAR_2026 + 86401, -2},      {YEAR_2026 + 864000, -10},
    };
    X509 *x = make_certificate(
        &(struct certificate){.name = "x", .key = key, .from = YEAR_2020, .to = YEAR_2026});
    ASN1_TIME *bad = ASN1_TIME_new();

    (void)state;
    assert_int_equal(cert_not_before(x), YEAR_2020);
    assert_int_equal(cert_not_after(x), YEAR_2026);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(cert_days_left(x, cases[i].now), cases[i].days);

    bad->type = V_ASN1_UTCTIME;
    ASN1_STRING_set(bad, "noon", 4);
    X509_set1_notBefore(x, bad);
    X509_set1_notAfter(x, bad);
    assert_int_equal(cert_not_before(x), (time_t)-1);
    assert_int_equal(cert_not_after(x), (time_t)-1);
    assert_true(cert_days_left(x, YEAR_2026) < 0);
    assert_int_equal(ERR_peek_error(), 0);
    ASN1_TIME_free(bad);
    X509_free(x);
}

static void usages(void **state)
{
    static const struct {
        const char *usage, *purposes, *usage_text, *purposes_text;
        bool code;
    } cases[] = {
        {NULL, NULL, "", "", false},
        {"digitalSignature", "codeSigning", "digital-signature", "code-signing", true},
        {"keyCertSign,cRLSign", NULL, "certificate-signing, crl-signing", "", false},
        {"decipherOnly,keyAgreement", "timeStamping", "key-agreement, decipher-only",
         "time-stamping", false},
        {NULL, "serverAuth,clientAuth,emailProtection,OCSPSigning,anyExtendedKeyUsage", "",
         "server-authentication, client-authentication, e-mail-protection, ocsp-signing, any",
         false},
        {NULL, "1.2.3,codeSigning,msCodeCom", "", "1.2.3, code-signing, commercial-code-signing",
         true},
        {NULL, "msCodeInd", "", "individual-code-signing", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        X509 *x = make_certificate(&(struct certificate){
            .name = "x", .key = key, .usage = cases[i].usage, .purposes = cases[i].purposes});

        check(cert_key_usage(x), cases[i].usage_text);
        check(cert_extended_key_usage(x), cases[i].purposes_text);
        assert_int_equal(cert_for_code_signing(x), cases[i].code);
        X509_free(x);
    }
}

/* Extensions that say nothing that can be understood are not taken for missing ones. */
static void broken_extensions(void **state)
{
    static const int kinds[] = {NID_key_usage, NID_ext_key_usage, NID_basic_constraints};
    X509 *x = make_certificate(&(struct certificate){.name = "x", .key = key});
    ASN1_OCTET_STRING *junk = ASN1_OCTET_STRING_new();

    (void)state;
    ASN1_OCTET_STRING_set(junk, (const uint8_t *)"\x30\x05\x01", 3);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        X509_EXTENSION *extension = X509_EXTENSION_create_by_NID(NULL, kinds[i], 1, junk);

        assert_int_equal(X509_add_ext(x, extension, -1), 1);
        X509_EXTENSION_free(extension);
    }
    check(cert_key_usage(x), "unreadable");
    check(cert_extended_key_usage(x), "unreadable");
    assert_false(cert_for_code_signing(x));
    assert_false(cert_is_ca(x));
    ASN1_OCTET_STRING_free(junk);
    X509_free(x);
}

static void key_texts(void **state)
{
    static const struct {
        const char *type, *text;
    } cases[] = {
        {"RSA:1024", "RSA-1024"}, {"RSA:2048", "RSA-2048"}, {"P-256", "P-256"},
        {"P-384", "P-384"},       {"P-521", "P-521"},       {"secp256k1", "secp256k1"},
        {"ED25519", "Ed25519"},   {"ED448", "Ed448"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        EVP_PKEY *other = make_key(cases[i].type);

        check(cert_key_text(other), cases[i].text);
        EVP_PKEY_free(other);
    }
    check(cert_key_text(NULL), "unknown");
}

static void pins(void **state)
{
    X509 *x = make_certificate(&(struct certificate){.name = "x", .key = key, .serial = 7});
    X509 *y = make_certificate(&(struct certificate){.name = "x", .key = key, .serial = 8});
    char hex[CERT_FINGERPRINT_SIZE], sha512[CERT_FINGERPRINT_SIZE], text[200];
    char *pin = cert_pin(x);

    (void)state;
    assert_ptr_equal(cert_fingerprint(x, EVP_sha256(), hex), hex);
    assert_int_equal(strlen(hex), 64);
    assert_int_equal(strlen(cert_fingerprint(x, EVP_sha512(), sha512)), 128);
    assert_int_equal(strncmp(pin, "sha256:", 7), 0);
    assert_string_equal(pin + 7, hex);
    assert_true(cert_pin_matches(x, pin));
    assert_false(cert_pin_matches(y, pin));
    for (char *at = pin; *at != '\0'; at++)
        if (*at >= 'a' && *at <= 'z')
            *at -= 'a' - 'A';
    assert_true(cert_pin_matches(x, pin));

    strcpy(text, "sha256");
    for (size_t i = 0; i < 64; i += 2)
        snprintf(text + strlen(text), 4, ":%.2s", hex + i);
    assert_true(cert_pin_matches(x, text));
    text[strlen(text) - 1] ^= 1;
    assert_false(cert_pin_matches(x, text));
    assert_false(cert_pin_matches(x, hex));
    assert_false(cert_pin_matches(x, "sha256:"));
    assert_false(cert_pin_matches(x, ""));
    pin[strlen(pin) - 2] = '\0';
    assert_false(cert_pin_matches(x, pin));
    free(pin);
    X509_free(x);
    X509_free(y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),     cmocka_unit_test(more_names),
        cmocka_unit_test(serials),   cmocka_unit_test(dates),
        cmocka_unit_test(usages),    cmocka_unit_test(broken_extensions),
        cmocka_unit_test(key_texts), cmocka_unit_test(pins),
    };

    return cmocka_run_group_tests(tests, open_key, close_key);
}
