/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSC's container names. The values come from pkcs15-tool with a real card, or from sha1sum. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <string.h>

#include "base/text.h"
#include "op/guid.h"

static const char *why;
static char guid[GUID_TEXT_SIZE];

static bool compute(const char *id, const char *serial)
{
    uint8_t bytes[300];
    size_t length = 0;

    assert_true(text_unhex(id, bytes, sizeof bytes, &length));
    return guid_of_opensc(bytes, length, serial, guid, &why);
}

/* A published dump of a SmartCard-HSM: its serial is no hex, and is taken as it is. */
static void test_real_card(void **state)
{
    (void)state;
    assert_true(compute("272bc2fea76fd825cf980751a58de8191ff7f094", "DENK0105702"));
    assert_string_equal(guid, "b6eea0df-0f3e-eb7f-af20-a5404724bf40");
}

/* printf '\x01\x00\x06\x12\x34\x56\x78' | sha1sum */
static void test_hex_serial(void **state)
{
    (void)state;
    assert_true(compute("01", "000612345678"));
    assert_string_equal(guid, "4baaad67-3194-130a-c62d-9739fb3d7577");
    assert_true(compute("01", "00:06:12345678"));
    assert_string_equal(guid, "4baaad67-3194-130a-c62d-9739fb3d7577");
}

/* Half a byte: printf '\x01123' | sha1sum; a single digit: printf '\x01\x07' | sha1sum */
static void test_odd_serial(void **state)
{
    (void)state;
    assert_true(compute("01", "123"));
    assert_string_equal(guid, "40d6ee1f-9905-0456-ca45-2d64e4c120bc");
    assert_true(compute("01", "7"));
    assert_string_equal(guid, "94f40e7b-b5fc-877e-87a1-9e806392b5da");
}

static void test_cannot_be_known(void **state)
{
    (void)state;
    assert_false(compute("01", "0123456789abcdef"));
    assert_non_null(strstr(why, "its serial is longer than PKCS#11 shows"));
    assert_string_equal(guid, "");
    assert_false(compute("01", ""));
    assert_non_null(strstr(why, "no serial"));
    assert_false(guid_of_opensc(NULL, 0, "01", guid, &why));
    assert_non_null(strstr(why, "no id"));
}

/* As pkcs15-tool 0.23 shows it of a PIV card with this GUID in its CHUID. */
static void test_piv(void **state)
{
    static const char whole[] = "a80b99285040a63da6662f4555b154a4";
    const uint8_t id[] = {1, 2};

    (void)state;
    assert_true(guid_of_opensc_piv(id, 1, whole, "a6662f4555b154a4", guid));
    assert_string_equal(guid, "010b99285040a63da6662f4555b154a4");
    assert_false(guid_of_opensc_piv(id, 1, whole, "a6662f4555b154a5", guid));
    assert_string_equal(guid, "");
    assert_false(guid_of_opensc_piv(id, 1, whole, "4555b154a4", guid));
    assert_false(guid_of_opensc_piv(id, 2, whole, "a6662f4555b154a4", guid));
    assert_false(guid_of_opensc_piv(id, 1, "13037524", "a6662f4555b154a4", guid));
}

/* Each byte of id and serial counts. */
static void test_differ(void **state)
{
    char first[GUID_TEXT_SIZE];

    (void)state;
    assert_true(compute("01", "01020304"));
    memcpy(first, guid, sizeof first);
    assert_true(compute("02", "01020304"));
    assert_string_not_equal(guid, first);
    assert_true(compute("01", "01020305"));
    assert_string_not_equal(guid, first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_real_card),  cmocka_unit_test(test_hex_serial),
        cmocka_unit_test(test_odd_serial), cmocka_unit_test(test_cannot_be_known),
        cmocka_unit_test(test_piv),        cmocka_unit_test(test_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
