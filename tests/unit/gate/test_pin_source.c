/* SPDX-License-Identifier: Apache-2.0 */
/* Where a PIN comes from, and which PINs are never tried. All PINs here are test PINs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "base/thread.h"
#include "gate/pin_source.h"
#include "scratch.h"

static void test_words(void **state)
{
    static const char *const good[] = {"prompt",
                                       "pinpad",
                                       "env:A_1",
                                       "file:/x",
                                       "fd:3",
                                       "credential:pin",
                                       "command:pass show 'a b'"};
    static const char *const bad[] = {
        "",        "123456", "env:",           "env:1A",     "fd:x", "fd:-1",
        "prompt ", "pin",    "credential:a/b", "command:  ", "file:"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct pin_source *s = pin_source_parse(good[i], NULL);

        assert_non_null(s);
        assert_string_equal(pin_source_text(s), good[i]);
        pin_source_free(&s);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct error e = ERROR_INIT;

        assert_null(pin_source_parse(bad[i], &e));
        assert_int_equal(e.code, ERROR_USAGE);
    }
}

static void test_a_pin_is_not_repeated(void **state)
{
    struct error e = ERROR_INIT;

    (void)state;
    assert_null(pin_source_parse("481516", &e));
    assert_null(strstr(e.text, "481516"));
    assert_non_null(strstr(e.text, "history"));
}

/* The PIN that a source gives; NULL with the error. */
static struct secret *read_pin(const char *text, struct error *e)
{
    struct pin_source *s = pin_source_parse(text, e);
    struct secret *pin = s == NULL ? NULL : pin_source_read(s, "PIN", NULL, NULL, e);

    pin_source_free(&s);
    return pin;
}

static void expect_pin(const char *text, const char *wanted)
{
    struct error e = ERROR_INIT;
    struct secret *pin = read_pin(text, &e);

    if (pin == NULL)
        fail_msg("%s: %s", text, e.text);
    assert_int_equal(secret_length(pin), strlen(wanted));
    assert_memory_equal(secret_bytes(pin), wanted, strlen(wanted));
    secret_free(&pin);
}

static void expect_refusal(const char *text)
{
    struct error e = ERROR_INIT;

    assert_null(read_pin(text, &e));
    assert_int_equal(e.code, ERROR_PIN_SOURCE);
}

static void test_env_is_wiped(void **state)
{
    char *value;

    (void)state;
    setenv("TEST_PIN", "test-1234", 1);
    value = getenv("TEST_PIN");
    expect_pin("env:TEST_PIN", "test-1234");
    assert_null(getenv("TEST_PIN"));
    assert_int_equal(value[0], '\0');
    expect_refusal("env:TEST_PIN");
}

static void test_env_is_kept_where_it_is_wanted(void **state)
{
    (void)state;
    pin_source_keep_env(true);
    setenv("TEST_PIN", "test-1234", 1);
    expect_pin("env:TEST_PIN", "test-1234");
    assert_null(getenv("TEST_PIN"));
    expect_pin("env:TEST_PIN", "test-1234");
    expect_refusal("env:OTHER_PIN");
    setenv("TEST_PIN", "test-5678", 1);
    expect_pin("env:TEST_PIN", "test-5678");
    expect_pin("env:TEST_PIN", "test-5678");
    pin_source_keep_env(false);
    expect_refusal("env:TEST_PIN");
    setenv("TEST_PIN", "test-1234", 1);
    expect_pin("env:TEST_PIN", "test-1234");
    expect_refusal("env:TEST_PIN");
}

static void *take_pin(void *data)
{
    atomic_bool *taken = data;

    expect_pin("env:TEST_PIN", "test-1234");
    atomic_store(taken, true);
    return NULL;
}

static void expect_look(const struct pin_source *s)
{
    struct secret *pin;

    assert_true(pin_source_check(s, NULL));
    assert_true(pin_source_peek(s, &pin, NULL));
    assert_int_equal(secret_length(pin), 9);
    assert_memory_equal(secret_bytes(pin), "test-1234", 9);
    secret_free(&pin);
}

/* While one thread takes a variable, others find all of it. */
static void test_env_is_looked_at_while_it_is_taken(void **state)
{
    struct pin_source *s = pin_source_parse("env:TEST_PIN", NULL);

    (void)state;
    pin_source_keep_env(true);
    for (unsigned i = 0; i < 200; i++) {
        atomic_bool taken = false;
        pthread_t thread;

        setenv("TEST_PIN", "test-1234", 1);
        assert_true(thread_start(&thread, take_pin, &taken));
        while (!atomic_load(&taken))
            expect_look(s);
        pthread_join(thread, NULL);
    }
    pin_source_keep_env(false);
    pin_source_free(&s);
}

static void test_pins_that_are_never_tried(void **state)
{
    static const char *const bad[] = {"", " a", "a ", "a\r", "\ta", "$PIN", "${PIN}", "%PIN%"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        setenv("TEST_PIN", bad[i], 1);
        expect_refusal("env:TEST_PIN");
    }
    /* A dollar alone is a PIN like any other. */
    setenv("TEST_PIN", "$1", 1);
    expect_pin("env:TEST_PIN", "$1");
}

static char *write_file(const char *name, const char *text, mode_t mode)
{
    char *path = text_format("%s/%s", scratch, name);
    FILE *file = fopen(path, "w");

    fputs(text, file);
    fclose(file);
    chmod(path, mode);
    return path;
}

static void test_file(void **state)
{
    char *path = write_file("pin", "test-1234\n", 0600), *text = text_format("file:%s", path);

    (void)state;
    chmod(scratch, 0755);
    expect_pin(text, "test-1234");
    chmod(path, 0640);
    expect_refusal(text);
    chmod(path, 0604);
    expect_refusal(text);
    chmod(scratch, 0700);
    /* Nobody else can reach it now. */
    expect_pin(text, "test-1234");
    free(text);
    free(path);
}

static bool peek(const char *text, struct secret **pin)
{
    struct pin_source *s = pin_source_parse(text, NULL);
    bool good = pin_source_peek(s, pin, NULL);

    pin_source_free(&s);
    return good;
}

static void test_a_look_uses_nothing_up(void **state)
{
    char *path = write_file("looked-at", "test-pin\n", 0600);
    char *file = text_format("file:%s", path), *pipe = text_format("file:%s.pipe", path);
    struct secret *pin;

    (void)state;
    setenv("LOOKED_AT", "test-pin", 1);
    assert_true(peek("env:LOOKED_AT", &pin));
    assert_int_equal(secret_length(pin), 8);
    secret_free(&pin);
    expect_pin("env:LOOKED_AT", "test-pin");
    assert_false(peek("env:LOOKED_AT", &pin));
    assert_true(peek(file, &pin));
    assert_int_equal(secret_length(pin), 8);
    secret_free(&pin);
    expect_pin(file, "test-pin");
    assert_int_equal(truncate(path, 0), 0);
    assert_false(peek(file, &pin));
    /* These give it once. */
    assert_int_equal(mkfifo(pipe + strlen("file:"), 0600), 0);
    assert_true(peek(pipe, &pin) && pin == NULL);
    assert_true(peek("fd:0", &pin) && pin == NULL);
    assert_true(peek("command:echo test-pin", &pin) && pin == NULL);
    assert_true(peek("prompt", &pin) && pin == NULL);
    free(path);
    free(file);
    free(pipe);
}

static void test_credential_and_descriptor(void **state)
{
    char *path = write_file("cred", "test-5678", 0600), text[32];
    int fd = open(path, O_RDONLY);

    (void)state;
    setenv("CREDENTIALS_DIRECTORY", scratch, 1);
    expect_pin("credential:cred", "test-5678");
    snprintf(text, sizeof text, "fd:%d", fd);
    expect_pin(text, "test-5678");
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    expect_refusal("credential:none");
    free(path);
}

static void test_command(void **state)
{
    (void)state;
    expect_pin("command:printf 'test-%s\\n%s' 12\\ 34 second", "test-12 34");
    expect_refusal("command:false");
    expect_refusal("command:/no/such/program");
    expect_refusal("command:true");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_a_pin_is_not_repeated),
        cmocka_unit_test(test_env_is_wiped),
        cmocka_unit_test(test_env_is_kept_where_it_is_wanted),
        cmocka_unit_test(test_env_is_looked_at_while_it_is_taken),
        cmocka_unit_test(test_pins_that_are_never_tried),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_a_look_uses_nothing_up),
        cmocka_unit_test(test_credential_and_descriptor),
        cmocka_unit_test(test_command),
    };

    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
