/* SPDX-License-Identifier: Apache-2.0 */
/* The token's lock: one at a time, first come first served, whoever dies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/text.h"
#include "gate/lock.h"
#include "scratch.h"

enum { PROCESSES = 64, LONG_MS = 60000 };

/* Takes the lock, proves that nobody else has it, writes its number. Every eighth dies with it. */
static void child(int number, const char *order, const char *held)
{
    struct gate_lock *l = gate_lock_take("device", "test", LONG_MS, NULL, NULL, NULL);
    int alone = l == NULL ? -1 : open(held, O_CREAT | O_EXCL | O_WRONLY, 0600);
    int fd = alone < 0 ? -1 : open(order, O_WRONLY | O_APPEND | O_CREAT, 0600);

    if (fd < 0)
        _exit(1);
    dprintf(fd, "%d\n", number);
    unlink(held);
    if (number % 8 == 7)
        kill(getpid(), SIGKILL);
    gate_lock_release(&l);
    _exit(0);
}

static void test_64_processes(void **state)
{
    char *order = text_format("%s/order", scratch), *held = text_format("%s/held", scratch);
    struct gate_lock *first = gate_lock_take("device", "first", 0, NULL, NULL, NULL);
    pid_t pid[PROCESSES];
    FILE *file;
    int number, lines = 0;

    (void)state;
    assert_non_null(first);
    for (int i = 0; i < PROCESSES; i++) {
        pid[i] = fork();
        if (pid[i] == 0)
            child(i, order, held);
        clock_sleep_ms(5); /* so that they queue in this order */
    }
    gate_lock_release(&first);
    for (int i = 0; i < PROCESSES; i++) {
        int status = 0;

        waitpid(pid[i], &status, 0);
        if (i % 8 == 7)
            assert_true(WIFSIGNALED(status));
        else
            assert_int_equal(status, 0);
    }
    file = fopen(order, "r");
    assert_non_null(file);
    while (fscanf(file, "%d", &number) == 1)
        lines++;
    fclose(file);
    assert_int_equal(lines, PROCESSES);
    free(order);
    free(held);
}

static void test_busy_names_the_holder(void **state)
{
    struct gate_lock *l = gate_lock_take("busy", "signet-batch sign release", 0, NULL, NULL, NULL);
    struct error e = ERROR_INIT;
    char *holder = gate_lock_holder("busy");

    (void)state;
    assert_non_null(l);
    assert_null(gate_lock_take("busy", "other", 60, NULL, NULL, &e));
    assert_int_equal(e.code, ERROR_BUSY);
    assert_non_null(strstr(e.text, "signet-batch sign release"));
    assert_non_null(strstr(holder, "signet-batch sign release"));
    free(holder);
    gate_lock_release(&l);
    assert_null(gate_lock_holder("busy"));
}

/* A host that inherited the descriptor still holds the token when its program is gone; it ends when
 * the test lets it. */
static void test_an_orphan_holds_it(void **state)
{
    int ready[2], hold[2];
    pid_t pid;
    char byte;

    (void)state;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(hold), 0);
    pid = fork();
    if (pid == 0) {
        struct gate_lock *l = gate_lock_take("orphan", "dies", 0, NULL, NULL, NULL);

        if (l == NULL || fork() != 0)
            kill(getpid(), SIGKILL);
        close(hold[1]);
        _exit(write(ready[1], "x", 1) == 1 && read(hold[0], &byte, 1) == 0 ? 0 : 1);
    }
    close(hold[0]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    waitpid(pid, NULL, 0);
    assert_null(gate_lock_take("orphan", "next", 100, NULL, NULL, NULL));
    close(hold[1]);
    {
        struct gate_lock *l = gate_lock_take("orphan", "next", LONG_MS, NULL, NULL, NULL);

        assert_non_null(l);
        gate_lock_release(&l);
    }
}

static void test_cancel(void **state)
{
    struct gate_lock *l = gate_lock_take("cancel", "a", 0, NULL, NULL, NULL);
    struct cancel c = CANCEL_INIT;
    struct error e = ERROR_INIT;

    (void)state;
    cancel_request(&c);
    assert_null(gate_lock_take("cancel", "b", LONG_MS, NULL, &c, &e));
    assert_int_equal(e.code, ERROR_CANCELLED);
    gate_lock_release(&l);
}

static void test_others_before(void **state)
{
    struct gate_lock *first = gate_lock_take("before", "a", 0, NULL, NULL, NULL), *second;

    (void)state;
    assert_true(gate_lock_others_ago(first) == INT64_MAX);
    gate_lock_release(&first);
    clock_sleep_ms(60);
    second = gate_lock_take("before", "b", 0, NULL, NULL, NULL);
    assert_in_range(gate_lock_others_ago(second), 50, 5000);
    gate_lock_release(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_64_processes),
        cmocka_unit_test(test_others_before),
        cmocka_unit_test(test_busy_names_the_holder),
        cmocka_unit_test(test_an_orphan_holds_it),
        cmocka_unit_test(test_cancel),
    };

    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
