/* SPDX-License-Identifier: Apache-2.0 */
/* Subjects from text: both notations, escapes, encodings, and what is refused where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/objects.h>

#include "cert/name.h"
#include "cert/view.h"
#include "make.h"

static void reads(const char *text, const char *wanted)
{
    struct error e = ERROR_INIT;
    X509_NAME *name = name_parse(text, strlen(text), &e);
    char *got;

    assert_string_equal(e.text, "");
    assert_non_null(name);
    got = cert_name_text(name);
    assert_string_equal(got, wanted);
    free(got);
    X509_NAME_free(name);
}

/* The message begins so, behind "subject, ". */
static void refuses_bytes(const char *text, size_t length, const char *wanted)
{
    struct error e = ERROR_INIT;

    assert_null(name_parse(text, length, &e));
    assert_int_equal(e.code, ERROR_USAGE);
    assert_non_null(strstr(e.text, wanted));
}

static void refuses(const char *text, const char *wanted)
{
    refuses_bytes(text, strlen(text), wanted);
}

static void test_notations(void **state)
{
    (void)state;
    reads("/C=DE/ST=Bayern/L=Hof/O=Example AG/CN=Example AG",
          "C=DE, ST=Bayern, L=Hof, O=Example AG, CN=Example AG");
    reads("CN=Example AG,O=Example AG,C=DE", "C=DE, O=Example AG, CN=Example AG");
    reads(" CN = Example AG , O=Example AG , C=DE ", "C=DE, O=Example AG, CN=Example AG");
    /* As certificates are shown. */
    reads("C=DE, O=Example AG, CN=Example AG", "C=DE, O=Example AG, CN=Example AG");
    reads("countryName=DE,commonName=x", "C=DE, CN=x");
    reads("/c=DE/2.5.4.10=x/s=Bayern", "C=DE, O=x, ST=Bayern");
    reads("/O=x/OU=a/OU=b", "O=x, OU=a, OU=b");
}

static void test_escapes(void **state)
{
    (void)state;
    reads("/O=A\\/B\\+C\\\\D, E/CN=x", "O=A/B\\+C\\\\D\\, E, CN=x");
    reads("CN=x,O=A\\, B\\20", "O=A\\, B\\ , CN=x");
    reads("O=K\\c3\\b6ln", "O=Köln");
    reads("O=Köln=Bonn", "O=Köln=Bonn");
    reads("O=\\#1\\;2\\\"3", "O=\\#1\\;2\\\"3");
    reads("CN=x,O=Lučić", "O=Lučić, CN=x");
}

static void test_types(void **state)
{
    static const char text[] = "/C=DE/O=Example/CN=x/emailAddress=a@b.de/serialNumber=HRB 1";
    const int types[] = {V_ASN1_PRINTABLESTRING, V_ASN1_UTF8STRING, V_ASN1_UTF8STRING,
                         V_ASN1_IA5STRING, V_ASN1_PRINTABLESTRING};
    X509_NAME *name = name_parse(text, sizeof text - 1, NULL);
    char *value;

    (void)state;
    assert_non_null(name);
    for (int i = 0; i < 5; i++)
        assert_int_equal(ASN1_STRING_type(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i))),
                         types[i]);
    value = name_value(name, NID_organizationName);
    assert_string_equal(value, "Example");
    assert_null(name_value(name, NID_localityName));
    free(value);
    X509_NAME_free(name);
}

static void test_malformed(void **state)
{
    (void)state;
    refuses("", "is empty");
    refuses("/", "character 2: an attribute such as CN= is missing");
    refuses("Example AG", "character 1: an attribute");
    refuses("/O=A/B/CN=x",
            "character 6: an attribute such as CN= is missing; inside a value, write \\/");
    refuses("O=A, Inc.,C=DE",
            "character 6: an attribute such as CN= is missing; inside a value, write \\,");
    refuses("/O=x/", "character 6");
    refuses("O=x,", "character 5");
    refuses("/=x", "character 2: this is no attribute");
    refuses("/Ö=x/Q=y", "character 2: there is no attribute 'Ö'");
    refuses("/O=Ö/Q=y", "character 6: there is no attribute 'Q'");
    refuses("/1.2.3.4=x", "there is no attribute '1.2.3.4'");
    refuses("/CM=x", "did you mean C");
    refuses("O=x\\", "character 4: a backslash at the end");
    refuses("O=x\\q", "character 4: after a backslash");
    refuses("O=x\\4", "character 4: after a backslash");
    refuses("O=#0403414243", "hexadecimal");
    refuses("O=\"A, B\"", "'\"' is written \\\"");
    refuses("O=a;CN=b", "';' is written");
    refuses("/O=a+CN=b", "two attributes into one RDN");
    refuses("O=a+CN=b", "two attributes into one RDN");
    refuses("/C=DE/C=FR", "C stands twice");
}

static void test_values(void **state)
{
    (void)state;
    refuses("/O=", "O is empty");
    refuses("O= ,C=DE", "O is empty");
    refuses_bytes("/O=a\0b", 6, "character 4: O has a NUL");
    refuses_bytes("/O\0=a", 5, "an attribute");
    refuses("O=a\\00b", "O has a NUL");
    refuses("O=\\ff", "O is not UTF-8");
    refuses("/O=\xc3\x28", "O is not UTF-8");
    refuses("/O=\xed\xa0\x80", "O is not UTF-8");
    refuses("/O=a\nb", "control character");
    refuses("O=a\\1bb", "control character");
    refuses("/O=a\xe2\x80\xae"
            "b",
            "control character");
    refuses("/C=D", "two letters");
    refuses("/C=DEU", "two letters");
    refuses("/jurisdictionC=DEU", "two letters");
    refuses("/jurisdictionC=D", "two letters");
    refuses("/C=ÄÖ", "C may have only");
    refuses("/serialNumber=a_b", "serialNumber may have only");
    refuses("/emailAddress=ä@b.de", "only ASCII");
}

/* Upper bounds count characters. */
static void test_lengths(void **state)
{
    char text[NAME_TEXT_MAX + 2] = "/O=";
    struct error e = ERROR_INIT;
    X509_NAME *name;

    (void)state;
    for (int i = 0; i < 64; i++)
        strcat(text, "ö");
    name = name_parse(text, strlen(text), &e);
    assert_non_null(name);
    X509_NAME_free(name);
    strcat(text, "x");
    refuses(text, "O has 65 characters; 64 are allowed");
    memset(text, 'x', sizeof text - 1);
    memcpy(text, "/O=", 3);
    refuses(text, "longer than 4096 bytes");
    strcpy(text, "/O=x");
    for (int i = 0; i < NAME_PARTS_MAX; i++)
        strcat(text, "/OU=x");
    refuses(text, "more than 32 attributes");
}

static X509_NAME *foreign(int nid, int type, const char *value, int set)
{
    X509_NAME *name = X509_NAME_new();

    assert_int_equal(X509_NAME_add_entry_by_NID(name, NID_organizationName, V_ASN1_UTF8STRING,
                                                (const uint8_t *)"x", -1, -1, 0),
                     1);
    assert_int_equal(
        X509_NAME_add_entry_by_NID(name, nid, type, (const uint8_t *)value, -1, -1, set), 1);
    return name;
}

static void judges(int nid, int type, const char *value, int set, const char *wanted)
{
    X509_NAME *name = foreign(nid, type, value, set);
    struct error e = ERROR_INIT;

    assert_int_equal(name_check(name, &e), wanted == NULL);
    if (wanted != NULL)
        assert_non_null(strstr(e.text, wanted));
    X509_NAME_free(name);
}

static void test_foreign(void **state)
{
    (void)state;
    judges(NID_commonName, V_ASN1_T61STRING, "K\xf6ln", 0, NULL);
    judges(NID_commonName, V_ASN1_UTF8STRING, "x", -1, "two attributes in one RDN");
    judges(NID_organizationName, V_ASN1_UTF8STRING, "y", 0, "O stands twice");
    judges(NID_initials, V_ASN1_UTF8STRING, "y", 0, "initials");
    judges(NID_commonName, V_ASN1_UTF8STRING, "\xff", 0, "CN");
    judges(NID_countryName, V_ASN1_UTF8STRING, "Germany", 0, "two letters");
}

static void test_certificate(void **state)
{
    EVP_PKEY *key = make_key("P-256");
    X509 *x = make_certificate(&(struct certificate){.name = "Prüfer", .key = key});
    X509_NAME *name = name_from_certificate(x, NULL);
    char *text = cert_name_text(name);

    (void)state;
    assert_string_equal(text, "O=Practice, CN=Prüfer");
    free(text);
    X509_NAME_free(name);
    X509_free(x);
    EVP_PKEY_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notations), cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_types),     cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_values),    cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_foreign),   cmocka_unit_test(test_certificate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
