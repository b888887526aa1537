/* SPDX-License-Identifier: Apache-2.0 */
/* What a YubiKey says of its keys: read, and believed only where the chain holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "cert/attestation.h"
#include "make.h"

#define YUBICO "1.3.6.1.4.1.41482."
#define BYTES(...)                                                                                 \
    (const uint8_t[]){__VA_ARGS__}, (int)sizeof(const uint8_t[])                                   \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

/* A root, a device below it, and a key that the device made. */
static EVP_PKEY *root_key, *device_key, *key, *other_key;
static X509 *root, *device, *statement;
static struct attestation a;
static struct error e;

static void add(X509 *x, const char *oid, const uint8_t *bytes, int length)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension;

    assert_int_equal(ASN1_OCTET_STRING_set(value, bytes, length), 1);
    extension = X509_EXTENSION_create_by_OBJ(NULL, object, 0, value);
    assert_int_equal(X509_add_ext(x, extension, -1), 1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(object);
}

static void constrain(X509 *x, const char *value, EVP_PKEY *issuer)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, value);

    assert_int_equal(X509_add_ext(x, extension, -1), 1);
    X509_EXTENSION_free(extension);
    assert_true(X509_sign(x, issuer, EVP_sha256()) > 0);
}

/* A statement without extensions; its dates are long over. */
static X509 *make_statement(X509 *issuer, EVP_PKEY *issuer_key, EVP_PKEY *subject)
{
    return make_certificate(&(struct certificate){.name = "YubiKey PIV Attestation 9c",
                                                  .key = subject,
                                                  .issuer = issuer,
                                                  .issuer_key = issuer_key,
                                                  .from = 1,
                                                  .to = 1000});
}

static void tell_all(X509 *x, EVP_PKEY *issuer)
{
    add(x, YUBICO "3.3", BYTES(5, 4, 3));
    add(x, YUBICO "3.7", BYTES(0x02, 0x04, 0x01, 0xb3, 0xbe, 0xf6));
    add(x, YUBICO "3.8", BYTES(3, 2));
    add(x, YUBICO "3.9", BYTES(0x81));
    assert_true(X509_sign(x, issuer, EVP_sha256()) > 0);
}

static X509 *make_named(const char *name, X509 *issuer, EVP_PKEY *issuer_key, EVP_PKEY *subject,
                        const char *basic)
{
    X509 *x = make_certificate(&(struct certificate){.name = name,
                                                     .key = subject,
                                                     .issuer = issuer,
                                                     .issuer_key = issuer_key,
                                                     .from = 1,
                                                     .to = 1000});

    if (basic != NULL)
        constrain(x, basic, issuer_key);
    return x;
}

static X509 *make_device(X509 *issuer, EVP_PKEY *issuer_key, EVP_PKEY *subject, const char *basic)
{
    return make_named("Yubico PIV Attestation", issuer, issuer_key, subject, basic);
}

static int open_all(void **state)
{
    (void)state;
    root_key = make_key("P-256");
    device_key = make_key("RSA:2048");
    key = make_key("P-384");
    other_key = make_key("P-384");
    root = make_certificate(&(struct certificate){.name = "Root", .key = root_key, .ca = true});
    device = make_device(root, root_key, device_key, "critical,CA:TRUE,pathlen:0");
    statement = make_statement(device, device_key, key);
    tell_all(statement, device_key);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    X509_free(root);
    X509_free(device);
    X509_free(statement);
    EVP_PKEY_free(root_key);
    EVP_PKEY_free(device_key);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other_key);
    return 0;
}

static int forget(void **state)
{
    (void)state;
    attestation_free(&a);
    error_clear(&e);
    return 0;
}

/* Reads into `a`. */
static bool read_both(X509 *of_key, X509 *of_device)
{
    uint8_t *one = NULL, *two = NULL;
    int length = i2d_X509(of_key, &one);
    int device_length = of_device == NULL ? 0 : i2d_X509(of_device, &two);
    bool done;

    attestation_free(&a);
    error_clear(&e);
    done = attestation_read(one, (size_t)length, two, (size_t)device_length, &a, &e);
    OPENSSL_free(one);
    OPENSSL_free(two);
    return done;
}

/* Reads, and tries the chain with what is given. */
static bool proved(X509 *of_key, X509 *of_device, X509 *first, X509 *second)
{
    STACK_OF(X509) *given = make_stack(first, second, NULL);
    char *name;
    bool holds;

    assert_true(read_both(of_key, of_device));
    holds = attestation_prove(&a, given, &name, &e);
    assert_int_equal(e.code == ERROR_NONE, holds);
    if (holds)
        assert_string_equal(name, "O=Practice, CN=Root");
    else
        assert_null(name);
    free(name);
    make_free_stack(given);
    return holds;
}

static void tells_what_the_statement_says(void **state)
{
    (void)state;
    assert_true(read_both(statement, device));
    assert_int_equal(a.slot, 0x9c);
    assert_int_equal(a.version[0], 5);
    assert_int_equal(a.version[1], 4);
    assert_int_equal(a.version[2], 3);
    assert_int_equal(a.serial, 28557046);
    assert_string_equal(a.pin_policy, "always");
    assert_string_equal(a.touch_policy, "always");
    assert_string_equal(a.form_factor, "USB-A keychain");
    assert_true(a.fips);
    assert_false(a.cspn);
}

static void what_it_does_not_say_is_untold(void **state)
{
    X509 *bare = make_certificate(&(struct certificate){
        .name = "Some key", .key = key, .issuer = device, .issuer_key = device_key});

    (void)state;
    assert_true(read_both(bare, NULL));
    assert_int_equal(a.slot, ATTESTATION_UNTOLD);
    assert_int_equal(a.version[0], ATTESTATION_UNTOLD);
    assert_int_equal(a.serial, ATTESTATION_UNTOLD);
    assert_string_equal(a.pin_policy, "");
    assert_string_equal(a.touch_policy, "");
    assert_string_equal(a.form_factor, "");
    assert_false(a.fips);
    X509_free(bare);
}

static void numbers_without_a_name_are_shown(void **state)
{
    X509 *x = make_statement(device, device_key, key);

    (void)state;
    add(x, YUBICO "3.8", BYTES(9, 0xff));
    add(x, YUBICO "3.9", BYTES(0x0f));
    X509_sign(x, device_key, EVP_sha256());
    assert_true(read_both(x, device));
    assert_string_equal(a.pin_policy, "unknown (9)");
    assert_string_equal(a.touch_policy, "unknown (255)");
    assert_string_equal(a.form_factor, "unknown (15)");
    assert_false(a.fips);
    X509_free(x);
}

static void the_device_may_tell_of_its_series(void **state)
{
    X509 *x = make_device(root, root_key, device_key, NULL);

    (void)state;
    add(x, YUBICO "3.11", BYTES(0x05, 0x00));
    constrain(x, "critical,CA:TRUE,pathlen:0", root_key);
    assert_true(read_both(statement, x));
    assert_true(a.cspn);
    X509_free(x);
}

static void malformed(const char *oid, const uint8_t *bytes, int length)
{
    X509 *x = make_statement(device, device_key, key);

    add(x, oid, bytes, length);
    X509_sign(x, device_key, EVP_sha256());
    assert_false(read_both(x, device));
    assert_int_equal(e.code, ERROR_FORMAT);
    assert_non_null(strstr(e.text, oid));
    X509_free(x);
}

static void a_malformed_extension_is_refused(void **state)
{
    (void)state;
    malformed(YUBICO "3.3", BYTES(5, 4));
    malformed(YUBICO "3.3", BYTES(5, 4, 3, 0));
    malformed(YUBICO "3.7", BYTES(0x02, 0x05, 0x01, 0xb3, 0xbe, 0xf6));
    malformed(YUBICO "3.7", BYTES(0x02, 0x01, 0x05, 0x00));
    malformed(YUBICO "3.7", BYTES(0x02, 0x05, 0x01, 0, 0, 0, 0));
    malformed(YUBICO "3.7", BYTES(0x02, 0x01, 0x85));
    malformed(YUBICO "3.7", BYTES(0x04, 0x01, 0x05));
    malformed(YUBICO "3.8", BYTES(3));
    malformed(YUBICO "3.8", BYTES(3, 2, 1));
    malformed(YUBICO "3.9", BYTES(1, 1));
    malformed(YUBICO "3.9", (const uint8_t *)"", 0);
}

static void an_extension_that_is_there_twice_is_refused(void **state)
{
    X509 *x = make_statement(device, device_key, key);

    (void)state;
    add(x, YUBICO "3.8", BYTES(1, 1));
    tell_all(x, device_key);
    assert_false(read_both(x, device));
    assert_int_equal(e.code, ERROR_FORMAT);
    assert_non_null(strstr(e.text, "twice"));
    X509_free(x);
}

static void bytes_that_are_no_certificate_are_refused(void **state)
{
    uint8_t *der = NULL;
    int length = i2d_X509(statement, &der);

    (void)state;
    for (int cut = 0; cut < length; cut += 7) {
        attestation_free(&a);
        assert_false(attestation_read(der, (size_t)cut, NULL, 0, &a, &e));
        assert_int_equal(e.code, ERROR_FORMAT);
    }
    attestation_free(&a);
    assert_false(attestation_read(der, (size_t)length, der, (size_t)length - 1, &a, &e));
    assert_non_null(strstr(e.text, "F9"));
    der = OPENSSL_realloc(der, (size_t)length + 1);
    der[length] = 0;
    attestation_free(&a);
    assert_false(attestation_read(der, (size_t)length + 1, NULL, 0, &a, &e));
    OPENSSL_free(der);
}

static void compares_the_key(void **state)
{
    uint8_t *mine = NULL, *other = NULL;
    int length = i2d_PUBKEY(key, &mine), other_length = i2d_PUBKEY(other_key, &other);

    (void)state;
    assert_true(read_both(statement, device));
    assert_true(attestation_is_of(&a, mine, (size_t)length));
    assert_false(attestation_is_of(&a, other, (size_t)other_length));
    assert_false(attestation_is_of(&a, mine, (size_t)length - 1));
    assert_false(attestation_is_of(&a, NULL, 0));
    OPENSSL_free(mine);
    OPENSSL_free(other);
}

/* Dates are long over, and do not count. */
static void a_chain_to_a_given_root_is_proved(void **state)
{
    (void)state;
    assert_true(proved(statement, device, root, NULL));
}

static void another_root_of_the_same_name_proves_nothing(void **state)
{
    X509 *fake =
        make_certificate(&(struct certificate){.name = "Root", .key = other_key, .ca = true});

    (void)state;
    assert_false(proved(statement, device, fake, NULL));
    assert_int_equal(e.code, ERROR_UNFIT);
    /* Both given: the right one is found. */
    assert_true(proved(statement, device, fake, root));
    X509_free(fake);
}

static void without_a_root_nothing_is_proved(void **state)
{
    (void)state;
    assert_false(proved(statement, device, device, NULL));
    assert_int_equal(e.code, ERROR_USAGE);
    assert_false(proved(statement, device, NULL, NULL));
    assert_int_equal(e.code, ERROR_USAGE);
    assert_false(proved(statement, NULL, root, NULL));
    assert_int_equal(e.code, ERROR_UNFIT);
}

static void a_statement_by_another_key_is_refused(void **state)
{
    X509 *x = make_statement(device, other_key, key);

    (void)state;
    tell_all(x, other_key);
    assert_false(proved(x, device, root, NULL));
    assert_int_equal(e.code, ERROR_UNFIT);
    X509_free(x);
}

/* One bit of the policies changed after it was signed. */
static void a_statement_that_was_changed_is_refused(void **state)
{
    uint8_t *der = NULL, *at;
    int length = i2d_X509(statement, &der);
    const uint8_t *again = der;
    X509 *x;

    (void)state;
    at = memmem(der, (size_t)length, "\x82\xc4\x0a\x03\x08\x04\x02\x03\x02", 9);
    assert_non_null(at);
    at[8] ^= 1;
    x = d2i_X509(NULL, &again, length);
    assert_false(proved(x, device, root, NULL));
    assert_string_equal(a.touch_policy, "cached 15 s");
    X509_free(x);
    OPENSSL_free(der);
}

static void certificates_between_are_taken_from_what_is_given(void **state)
{
    EVP_PKEY *middle_key = make_key("P-256");
    X509 *middle = make_named("Middle", root, root_key, middle_key, "critical,CA:TRUE,pathlen:1");
    X509 *below = make_device(middle, middle_key, device_key, "critical,CA:TRUE,pathlen:0");
    X509 *x = make_statement(below, device_key, key);

    (void)state;
    assert_true(proved(x, below, root, middle));
    assert_false(proved(x, below, root, NULL));
    X509_free(x);
    X509_free(below);
    X509_free(middle);
    EVP_PKEY_free(middle_key);
}

/* The owner of a YubiKey may sign anything with an attested key: also another statement. */
static void an_attested_key_attests_nothing(void **state)
{
    X509 *open_device = make_device(root, root_key, device_key, "critical,CA:TRUE");
    X509 *honest = make_statement(open_device, device_key, key), *forged;

    (void)state;
    tell_all(honest, device_key);
    forged = make_statement(honest, key, other_key);
    tell_all(forged, key);
    assert_false(proved(forged, honest, root, open_device));
    X509_free(forged);
    /* Not even where the device's certificate is itself the root that is trusted. */
    X509_free(honest);
    honest = make_statement(root, root_key, key);
    tell_all(honest, root_key);
    forged = make_statement(honest, key, other_key);
    tell_all(forged, key);
    assert_false(proved(forged, honest, root, NULL));
    X509_free(forged);
    X509_free(honest);
    X509_free(open_device);
}

static void constraints_of_certificates_between_count(void **state)
{
    EVP_PKEY *middle_key = make_key("P-256");
    X509 *middle = make_named("Middle", root, root_key, middle_key, "critical,CA:TRUE,pathlen:0");
    X509 *below = make_device(middle, middle_key, device_key, "critical,CA:TRUE,pathlen:0");
    X509 *x = make_statement(below, device_key, key);
    X509 *no_ca = make_device(root, root_key, device_key, "critical,CA:FALSE");

    (void)state;
    assert_false(proved(x, below, root, middle));
    assert_non_null(strstr(e.text, "path length"));
    X509_free(x);
    x = make_statement(no_ca, device_key, key);
    assert_false(proved(x, no_ca, root, NULL));
    X509_free(x);
    X509_free(no_ca);
    X509_free(below);
    X509_free(middle);
    EVP_PKEY_free(middle_key);
}

/* Yubico's root that says pathlen 0, and its devices that say nothing. */
static void what_older_yubikeys_have_is_accepted(void **state)
{
    X509 *tight = make_certificate(&(struct certificate){.name = "Root", .key = root_key});
    X509 *silent = make_device(root, root_key, device_key, NULL);
    X509 *x = make_statement(silent, device_key, key);

    (void)state;
    constrain(tight, "critical,CA:TRUE,pathlen:0", root_key);
    assert_true(proved(x, silent, tight, NULL));
    X509_free(x);
    X509_free(silent);
    X509_free(tight);
}

static void a_weak_hash_proves_nothing(void **state)
{
    X509 *x = make_statement(device, device_key, key);

    (void)state;
    assert_true(X509_sign(x, device_key, EVP_sha1()) > 0);
    assert_false(proved(x, device, root, NULL));
    X509_free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(tells_what_the_statement_says, forget),
        cmocka_unit_test_teardown(what_it_does_not_say_is_untold, forget),
        cmocka_unit_test_teardown(numbers_without_a_name_are_shown, forget),
        cmocka_unit_test_teardown(the_device_may_tell_of_its_series, forget),
        cmocka_unit_test_teardown(a_malformed_extension_is_refused, forget),
        cmocka_unit_test_teardown(an_extension_that_is_there_twice_is_refused, forget),
        cmocka_unit_test_teardown(bytes_that_are_no_certificate_are_refused, forget),
        cmocka_unit_test_teardown(compares_the_key, forget),
        cmocka_unit_test_teardown(a_chain_to_a_given_root_is_proved, forget),
        cmocka_unit_test_teardown(another_root_of_the_same_name_proves_nothing, forget),
        cmocka_unit_test_teardown(without_a_root_nothing_is_proved, forget),
        cmocka_unit_test_teardown(a_statement_by_another_key_is_refused, forget),
        cmocka_unit_test_teardown(a_statement_that_was_changed_is_refused, forget),
        cmocka_unit_test_teardown(certificates_between_are_taken_from_what_is_given, forget),
        cmocka_unit_test_teardown(an_attested_key_attests_nothing, forget),
        cmocka_unit_test_teardown(constraints_of_certificates_between_count, forget),
        cmocka_unit_test_teardown(what_older_yubikeys_have_is_accepted, forget),
        cmocka_unit_test_teardown(a_weak_hash_proves_nothing, forget),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
