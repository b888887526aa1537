/* SPDX-License-Identifier: Apache-2.0 */
/* Children get what they are given and nothing else; first lines become secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/process.h"

/* Runs a shell script with its stdout on a pipe and gives back what it prints. */
static void output_of(const char *script, char *out, size_t size)
{
    const char *argv[] = {"/bin/sh", "-c", script, NULL};
    struct process_fd fds[] = {{-1, 0}, {-1, 1}, {STDERR_FILENO, 2}};
    struct error e = ERROR_INIT;
    size_t length = 0;
    int ends[2], status = -1;
    ssize_t got;
    pid_t pid;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    fds[1].ours = ends[1];
    pid = process_start(argv, fds, 3, &e);
    assert_string_equal(e.text, "");
    close(ends[1]);
    while ((got = read(ends[0], out + length, size - 1 - length)) > 0)
        length += (size_t)got;
    out[length] = '\0';
    close(ends[0]);
    assert_int_equal(process_wait(pid, &status, -1, &e), 1);
    assert_int_equal(status, 0);
}

static void nothing_else_is_open(void **state)
{
    char out[200];
    int extra = fcntl(STDERR_FILENO, F_DUPFD, 20), far = fcntl(STDERR_FILENO, F_DUPFD, 200);

    (void)state;
    assert_true(extra >= 20 && far >= 200);
    output_of("i=0; while [ $i -lt 260 ]; do [ -e /proc/$$/fd/$i ] && echo $i; i=$((i+1)); done; :",
              out, sizeof out);
    assert_string_equal(out, "0\n1\n2\n");
    output_of("readlink /proc/self/fd/0", out, sizeof out);
    assert_string_equal(out, "/dev/null\n");
    close(extra);
    close(far);
}

/* In a child, whose own descriptors may be closed. */
static void standard_ones_are_filled(void **state)
{
    pid_t pid = fork();
    int status = -1;

    (void)state;
    if (pid == 0) {
        char byte;

        close(0);
        close(2);
        if (!process_fill_standard() || open("/dev/null", O_RDWR) <= 2)
            _exit(1);
        _exit(read(0, &byte, 1) < 0 && write(2, "x", 1) < 0 && fcntl(1, F_GETFD) >= 0 ? 0 : 2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void signals_are_reset(void **state)
{
    sigset_t some, old;
    char out[200];

    (void)state;
    sigemptyset(&some);
    sigaddset(&some, SIGUSR1);
    sigprocmask(SIG_BLOCK, &some, &old);
    signal(SIGPIPE, SIG_IGN);
    output_of("grep -E 'Sig(Blk|Ign)' /proc/self/status", out, sizeof out);
    sigprocmask(SIG_SETMASK, &old, NULL);
    signal(SIGPIPE, SIG_DFL);
    assert_string_equal(out, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

/* Descriptors that trade places, and others where stdin and stdout were. */
static void descriptors_cross(void **state)
{
    const char *argv[] = {"/bin/sh", "-c", "echo nine >&9; echo eight >&8", NULL};
    const struct process_fd fds[] = {{8, 9}, {9, 8}};
    int eight[2], nine[2], status = -1;
    char out[10] = "";
    pid_t pid;

    (void)state;
    assert_int_equal(fcntl(8, F_GETFD), -1);
    assert_int_equal(fcntl(9, F_GETFD), -1);
    assert_int_equal(pipe2(eight, O_CLOEXEC), 0);
    assert_int_equal(pipe2(nine, O_CLOEXEC), 0);
    assert_int_equal(dup2(eight[1], 8), 8);
    assert_int_equal(dup2(nine[1], 9), 9);
    pid = process_start(argv, fds, 2, NULL);
    assert_int_equal(process_wait(pid, &status, 5000, NULL), 1);
    assert_int_equal(status, 0);
    assert_int_equal(read(eight[0], out, sizeof out), 5);
    assert_memory_equal(out, "nine\n", 5);
    assert_int_equal(read(nine[0], out, sizeof out), 6);
    assert_memory_equal(out, "eight\n", 6);
    for (int i = 0; i < 2; i++) {
        close(eight[i]);
        close(nine[i]);
        close(8 + i);
    }
}

static void exec_fails(void **state)
{
    static const struct {
        const char *program;
        int number;
    } cases[] = {
        {"/nowhere/program", ENOENT},
        {"signet-no-such-program", ENOENT},
        {"/etc/passwd", EACCES},
        {"/", EACCES},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *argv[] = {cases[i].program, NULL};
        struct error e = ERROR_INIT;

        assert_int_equal(process_start(argv, NULL, 0, &e), -1);
        assert_int_equal(e.code, ERROR_SYSTEM);
        assert_int_equal(e.detail, cases[i].number);
        assert_non_null(strstr(e.text, cases[i].program));
    }
    /* No zombie is left. */
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void waits(void **state)
{
    const char *argv[] = {"sleep", "30", NULL};
    pid_t pid = process_start(argv, NULL, 0, NULL);
    int64_t start = clock_ms();
    struct error e = ERROR_INIT;
    int status = -1;
    char text[64];

    (void)state;
    assert_true(pid > 0);
    assert_int_equal(process_wait(pid, &status, 0, &e), 0);
    assert_int_equal(process_wait(pid, &status, 50, &e), 0);
    assert_true(clock_ms() - start >= 50);
    kill(pid, SIGTERM);
    assert_int_equal(process_wait(pid, &status, 5000, &e), 1);
    assert_string_equal(process_status_text(status, text, sizeof text),
                        "killed by signal 15 (Terminated)");
    assert_int_equal(process_wait(pid, &status, 0, &e), -1);
    assert_int_equal(e.code, ERROR_SYSTEM);
    assert_string_equal(process_status_text(3 << 8, text, sizeof text), "exit status 3");
}

static struct secret *first_line(const char *script, int ms, struct cancel *cancel, struct error *e)
{
    const char *argv[] = {"/bin/sh", "-c", script, NULL};

    return process_first_line(argv, ms, cancel, e);
}

static void first_lines(void **state)
{
    static const struct {
        const char *script, *secret, *error;
    } cases[] = {
        {"echo 1234", "1234", NULL},
        {"printf 1234", "1234", NULL},
        {"printf '1234\\r\\nmore\\n'", "1234", NULL},
        {"printf ' a b \\n'", " a b ", NULL},
        {"printf 12; sleep 0.1; echo 34; echo 56", "1234", NULL},
        {"echo 1234; yes | head -n 200000", "1234", NULL},
        {"read line || echo empty", "empty", NULL},
        {":", NULL, "printed nothing in its first line"},
        {"printf '\\r\\n1234\\n'", NULL, "printed nothing in its first line"},
        {"echo 1234; exit 3", NULL, "exit status 3"},
        {"echo 1234; kill -9 $$", NULL, "killed by signal 9"},
        {"yes x | tr -d '\\n' | head -c 1025", NULL, "more than 1024 bytes"},
        {"yes x | tr -d '\\n' | head -c 1000000", NULL, "more than 1024 bytes"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error e = ERROR_INIT;
        struct secret *s = first_line(cases[i].script, 20000, NULL, &e);

        if (cases[i].error != NULL) {
            assert_null(s);
            assert_int_equal(e.code, ERROR_PIN_SOURCE);
            assert_non_null(strstr(e.text, cases[i].error));
            assert_null(strstr(e.text, "1234"));
            continue;
        }
        assert_string_equal(e.text, "");
        assert_int_equal(secret_length(s), strlen(cases[i].secret));
        assert_memory_equal(secret_bytes(s), cases[i].secret, strlen(cases[i].secret));
        secret_free(&s);
    }
}

static void longest_first_line(void **state)
{
    struct error e = ERROR_INIT;
    struct secret *s =
        first_line("yes x | tr -d '\\n' | head -c 1024; printf '\\r\\n'", 20000, NULL, &e);

    (void)state;
    assert_string_equal(e.text, "");
    assert_int_equal(secret_length(s), SECRET_MAX);
    secret_free(&s);
}

static void first_line_in_time(void **state)
{
    struct cancel cancel = CANCEL_INIT;
    struct error e = ERROR_INIT;
    int64_t start = clock_ms();
    const char *none[] = {"/nowhere/program", NULL};
    struct secret *s;

    (void)state;
    assert_null(first_line("exec sleep 60", 200, NULL, &e));
    assert_int_equal(e.code, ERROR_PIN_SOURCE);
    assert_null(first_line("echo 1234; exec sleep 60 >/dev/null", 200, NULL, &e));
    assert_int_equal(e.code, ERROR_PIN_SOURCE);
    cancel_request(&cancel);
    assert_null(first_line("exec sleep 60", 60000, &cancel, &e));
    assert_int_equal(e.code, ERROR_CANCELLED);
    assert_null(process_first_line(none, 1000, NULL, &e));
    assert_int_equal(e.code, ERROR_PIN_SOURCE);
    /* An agent that stays behind and keeps the output open does not hold us up. */
    s = first_line("echo 1234; sleep 20 2>/dev/null &", 20000, NULL, &e);
    assert_non_null(s);
    secret_free(&s);
    assert_true(clock_ms() - start < 15000);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_else_is_open), cmocka_unit_test(standard_ones_are_filled),
        cmocka_unit_test(signals_are_reset),    cmocka_unit_test(descriptors_cross),
        cmocka_unit_test(exec_fails),           cmocka_unit_test(waits),
        cmocka_unit_test(first_lines),          cmocka_unit_test(longest_first_line),
        cmocka_unit_test(first_line_in_time),
    };

    /* A folder of PATH that cannot be entered would change what exec says. */
    setenv("PATH", "/usr/bin:/bin", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
