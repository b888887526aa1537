/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets: out of swap, dumps and children, and wiped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.h"

/* AddressSanitizer turns mlock into a call that does nothing. */
#ifdef __has_feature
#define SANITIZED __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static const char pin[] = "practice-1234";

static void copies(void **state)
{
    struct error e = ERROR_INIT;
    struct secret *s = secret_new(pin, strlen(pin), &e), *copy;

    (void)state;
    assert_non_null(s);
    assert_int_equal(secret_length(s), strlen(pin));
    assert_memory_equal(secret_bytes(s), pin, strlen(pin));
    copy = secret_dup(s, &e);
    secret_free(&s);
    assert_null(s);
    secret_free(&s);
    assert_memory_equal(secret_bytes(copy), pin, strlen(pin));
    secret_free(&copy);
}

static void takes_and_wipes(void **state)
{
    static const char zeros[SECRET_MAX + 1];
    char bytes[SECRET_MAX + 1];
    struct error e = ERROR_INIT;
    struct secret *s;

    (void)state;
    memset(bytes, 'x', sizeof bytes);
    s = secret_take(bytes, SECRET_MAX, &e);
    assert_int_equal(secret_length(s), SECRET_MAX);
    assert_memory_equal(bytes, zeros, SECRET_MAX);
    assert_int_equal(bytes[SECRET_MAX], 'x');
    secret_free(&s);

    memset(bytes, 'x', sizeof bytes);
    assert_null(secret_take(bytes, sizeof bytes, &e));
    assert_int_equal(e.code, ERROR_USAGE);
    assert_memory_equal(bytes, zeros, sizeof bytes);

    s = secret_new(NULL, 0, &e);
    assert_int_equal(secret_length(s), 0);
    secret_free(&s);
}

static void no_core_dump(void **state)
{
    struct rlimit limit;
    struct secret *s;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_CORE, &limit), 0);
    s = secret_new(pin, strlen(pin), NULL);
    assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
    assert_int_equal(limit.rlim_cur, 0);
    secret_free(&s);
}

/* The flags that the kernel keeps for the page at `at` (proc(5), VmFlags), as " xx xx … ". */
static void page_flags(const void *at, char *flags, size_t size)
{
    FILE *maps = fopen("/proc/self/smaps", "r");
    char line[512];
    bool here = false;

    assert_non_null(maps);
    flags[0] = '\0';
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long from, to;

        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            here = from <= (uintptr_t)at && (uintptr_t)at < to;
        else if (here && strncmp(line, "VmFlags:", 8) == 0)
            snprintf(flags, size, "%s", line + 8);
    }
    fclose(maps);
}

static void page_is_protected(void **state)
{
    struct secret *s = secret_new(pin, strlen(pin), NULL);
    char flags[512];

    (void)state;
    page_flags(secret_bytes(s), flags, sizeof flags);
    assert_non_null(strstr(flags, " dd "));
    assert_non_null(strstr(flags, " wf "));
    if (!SANITIZED)
        assert_non_null(strstr(flags, " lo "));
    secret_free(&s);
}

static int exit_status(pid_t pid)
{
    int status = -1;

    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void children_get_nothing(void **state)
{
    struct secret *s = secret_new(pin, strlen(pin), NULL);
    pid_t child = fork();

    (void)state;
    if (child == 0)
        _exit(secret_length(s) == 0 && memcmp(secret_bytes(s), "\0\0\0\0", 4) == 0 ? 0 : 1);
    assert_int_equal(exit_status(child), 0);
    assert_memory_equal(secret_bytes(s), pin, strlen(pin));
    secret_free(&s);
}

static void works_without_locked_memory(void **state)
{
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        struct rlimit none = {0, 0};
        struct secret *s;

        /* root may lock whatever the limit is; the limit then changes nothing. */
        setrlimit(RLIMIT_MEMLOCK, &none);
        s = secret_new(pin, strlen(pin), NULL);
        _exit(s != NULL && memcmp(secret_bytes(s), pin, strlen(pin)) == 0 ? 0 : 1);
    }
    assert_int_equal(exit_status(child), 0);
}

static void hardens(void **state)
{
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        secret_harden_process();
        _exit(prctl(PR_GET_DUMPABLE));
    }
    assert_int_equal(exit_status(child), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies),
        cmocka_unit_test(takes_and_wipes),
        cmocka_unit_test(no_core_dump),
        cmocka_unit_test(page_is_protected),
        cmocka_unit_test(children_get_nothing),
        cmocka_unit_test(works_without_locked_memory),
        cmocka_unit_test(hardens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
