/* SPDX-License-Identifier: Apache-2.0 */
/* Errors are one printable line each, with the exit status that the design promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/error.h"

static void codes(void **state)
{
    static const struct {
        enum error_code code;
        int status;
        const char *name;
    } cases[] = {
        {ERROR_NONE, 0, "none"},
        {ERROR_SYSTEM, 1, "system"},
        {ERROR_SOME_FAILED, 1, "some-failed"},
        {ERROR_USAGE, 2, "usage"},
        {ERROR_PROFILE, 2, "profile"},
        {ERROR_PIN_SOURCE, 2, "pin-source"},
        {ERROR_MISSING, 3, "missing"},
        {ERROR_TOKEN, 3, "token"},
        {ERROR_PIN_REFUSED, 4, "pin-refused"},
        {ERROR_FORBIDDEN, 5, "forbidden"},
        {ERROR_BUSY, 6, "busy"},
        {ERROR_TIMESTAMP, 7, "timestamp"},
        {ERROR_HOST, 8, "host"},
        {ERROR_CANCELLED, 130, "cancelled"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(error_exit_status(cases[i].code), cases[i].status);
        assert_string_equal(error_code_name(cases[i].code), cases[i].name);
    }
}

static void records(void **state)
{
    struct error e = ERROR_INIT;

    (void)state;
    assert_false(error_set(&e, ERROR_MISSING, "no token '%s'", "release"));
    assert_int_equal(e.code, ERROR_MISSING);
    assert_string_equal(e.text, "no token 'release'");
    assert_false(error_prefix(&e, "profile '%s'", "p"));
    assert_int_equal(e.code, ERROR_MISSING);
    assert_string_equal(e.text, "profile 'p': no token 'release'");
    /* The old text may be an argument of the new one. */
    error_set(&e, ERROR_HOST, "<%s>", e.text);
    assert_string_equal(e.text, "<profile 'p': no token 'release'>");
    error_set_memory(&e);
    assert_int_equal(e.code, ERROR_MEMORY);
    error_clear(&e);
    assert_int_equal(e.code, ERROR_NONE);
    assert_string_equal(e.text, "");
}

static void takes_null(void **state)
{
    (void)state;
    assert_false(error_set(NULL, ERROR_USAGE, "x"));
    assert_false(error_set_errno(NULL, "x"));
    assert_false(error_set_openssl(NULL, ERROR_FORMAT, "x"));
    assert_false(error_set_memory(NULL));
    assert_false(error_prefix(NULL, "x"));
    error_clear(NULL);
}

static void reasons(void **state)
{
    struct error e = ERROR_INIT;

    (void)state;
    errno = ENOENT;
    error_set_errno(&e, "cannot open '%s'", "a");
    assert_int_equal(e.code, ERROR_SYSTEM);
    assert_int_equal(e.detail, ENOENT);
    assert_string_equal(e.text, "cannot open 'a': No such file or directory");

    ERR_raise(ERR_LIB_EVP, EVP_R_BAD_DECRYPT);
    error_set_openssl(&e, ERROR_FORMAT, "cannot read");
    assert_int_equal(e.code, ERROR_FORMAT);
    assert_int_equal(e.detail, 0);
    assert_string_equal(e.text, "cannot read: bad decrypt");
    assert_int_equal(ERR_peek_error(), 0);
    error_set_openssl(&e, ERROR_FORMAT, "cannot read");
    assert_string_equal(e.text, "cannot read");
}

static void stays_one_line(void **state)
{
    struct error e = ERROR_INIT;

    (void)state;
    error_set(&e, ERROR_FORMAT, "%s", "a\nb\x1b[2Jc\x7f\xc2\x9bz\xff\xc3\xa9");
    assert_string_equal(e.text, "a?b?[2Jc???z?\xc3\xa9");
}

static void cuts(void **state)
{
    struct error e = ERROR_INIT;
    char text[3000];

    (void)state;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    error_set(&e, ERROR_FORMAT, "%s", text);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
    error_prefix(&e, "prefix");
    assert_memory_equal(e.text, "prefix: xxx", 11);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
    errno = ENOENT;
    error_set_errno(&e, "%s", text);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);

    /* A character of two bytes at the place of the cut. */
    memcpy(text + sizeof e.text - 2, "\xc3\xa9", 2);
    error_set(&e, ERROR_FORMAT, "%s", text);
    assert_string_equal(e.text + sizeof e.text - 4, "xx?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes),   cmocka_unit_test(records),        cmocka_unit_test(takes_null),
        cmocka_unit_test(reasons), cmocka_unit_test(stays_one_line), cmocka_unit_test(cuts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
