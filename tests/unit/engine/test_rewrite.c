/* SPDX-License-Identifier: Apache-2.0 */
/* A file that is written anew, while others write it too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../base/scratch.h"
#include "base/buffer.h"
#include "base/path.h"
#include "profiles/engine/rewrite.h"

static void (*while_syncing)(void);

/* In place of the C library's: what is large takes its time to the disk. */
int fsync(int fd)
{
    if (while_syncing != NULL)
        while_syncing();
    return (int)syscall(SYS_fsync, fd);
}

static int enter(void **state)
{
    while_syncing = NULL;
    return scratch_open(state) != 0 || chdir(scratch) != 0;
}

static void open_old(struct rewrite *r, const char *target, bool in_place)
{
    scratch_write("old", "as it was", 0644);
    assert_true(rewrite_open(r, "old", target, in_place, NULL));
    assert_int_equal(write(rewrite_fd(r), "anew", 4), 4);
}

static void assert_holds(const char *path, const char *wanted)
{
    struct buffer text = BUFFER_INIT;

    assert_true(path_read_file(path, 100, &text, NULL));
    assert_string_equal(buffer_text(&text), wanted);
    buffer_free(&text);
}

static void nobody_else(void **state)
{
    struct rewrite r;

    (void)state;
    open_old(&r, "old", true);
    assert_true(rewrite_keep(&r, NULL));
    assert_holds("old", "as it was");
    assert_true(rewrite_commit(&r, NULL));
    rewrite_close(&r);
    assert_holds("old", "anew");
}

static void assert_refused(struct rewrite *r)
{
    struct error e = ERROR_INIT;

    assert_false(rewrite_keep(r, &e));
    assert_int_equal(e.code, ERROR_FORMAT);
    error_clear(&e);
    assert_false(rewrite_commit(r, &e));
    assert_int_equal(e.code, ERROR_FORMAT);
    assert_non_null(strstr(e.text, "'old': it was changed, replaced or removed"));
    rewrite_close(r);
}

static void others_keep_what_they_wrote(void **state)
{
    struct rewrite r;

    (void)state;
    open_old(&r, "old", true);
    scratch_write("old", "by somebody else", 0644);
    assert_refused(&r);
    assert_holds("old", "by somebody else");

    open_old(&r, "old", false);
    scratch_write("new", "as it was", 0644);
    assert_int_equal(rename("new", "old"), 0);
    assert_refused(&r);
    assert_holds("old", "as it was");

    open_old(&r, "old", true);
    assert_int_equal(unlink("old"), 0);
    assert_refused(&r);
    assert_int_not_equal(access("old", F_OK), 0);
}

/* What was written is as long as before. */
static void the_time_alone_tells(void **state)
{
    static const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1, .tv_nsec = 1}};
    struct rewrite r;

    (void)state;
    open_old(&r, "old", true);
    assert_int_equal(utimensat(AT_FDCWD, "old", times, 0), 0);
    assert_refused(&r);
    assert_holds("old", "as it was");
}

static void write_old_anew(void)
{
    scratch_write("old", "by somebody else", 0644);
}

static void while_the_disk_was_waited_for(void **state)
{
    struct rewrite r;

    (void)state;
    open_old(&r, "old", true);
    while_syncing = write_old_anew;
    assert_false(rewrite_commit(&r, NULL));
    rewrite_close(&r);
    assert_holds("old", "by somebody else");
}

/* A link that led to the target when the run began, and leads to the input now. */
static void another_file_is_no_place(void **state)
{
    struct rewrite r;

    (void)state;
    scratch_write("target", "another", 0644);
    open_old(&r, "target", true);
    assert_refused(&r);
    assert_holds("target", "another");
}

static void elsewhere_nothing_is_lost(void **state)
{
    struct rewrite r;

    (void)state;
    open_old(&r, "target", false);
    scratch_write("old", "by somebody else", 0644);
    assert_true(rewrite_commit(&r, NULL));
    rewrite_close(&r);
    assert_holds("target", "anew");
    assert_holds("old", "by somebody else");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nobody_else, enter, scratch_close),
        cmocka_unit_test_setup_teardown(others_keep_what_they_wrote, enter, scratch_close),
        cmocka_unit_test_setup_teardown(the_time_alone_tells, enter, scratch_close),
        cmocka_unit_test_setup_teardown(while_the_disk_was_waited_for, enter, scratch_close),
        cmocka_unit_test_setup_teardown(another_file_is_no_place, enter, scratch_close),
        cmocka_unit_test_setup_teardown(elsewhere_nothing_is_lost, enter, scratch_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
