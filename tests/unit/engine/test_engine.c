/* SPDX-License-Identifier: Apache-2.0 */
/* A run from its first file to its last, whatever the token and the files do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <sys/syscall.h>
#include <unistd.h>

#include "../base/scratch.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/path.h"
#include "rig.h"

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct rig rig;

static void (*while_syncing)(void);

/* In place of the C library's: what is large takes its time to the disk. */
int fsync(int fd)
{
    if (while_syncing != NULL)
        while_syncing();
    return (int)syscall(SYS_fsync, fd);
}

static int fresh_rig(void **state)
{
    if (scratch_open(state) != 0 || chdir(scratch) != 0)
        return 1;
    rig_open(&rig);
    while_syncing = NULL;
    return 0;
}

static int drop_rig(void **state)
{
    rig_close(&rig);
    /* Nothing half-written stays, whatever happened. */
    if (system("find . -name '.*.signet-*' | grep -q .") == 0)
        return 1;
    return scratch_close(state);
}

static void counts(size_t signed_files, size_t kept, size_t failed, size_t not_tried)
{
    assert_int_equal(rig.totals.count[ENGINE_SIGNED], signed_files);
    assert_int_equal(rig.totals.count[ENGINE_KEPT], kept);
    assert_int_equal(rig.totals.count[ENGINE_FAILED], failed);
    assert_int_equal(rig.totals.count[ENGINE_NOT_TRIED], not_tried);
}

/* Each is a whole file: program number i + 1, or its signed form, as its result says. */
static void all_are_whole(const char *const *names)
{
    for (unsigned i = 0; names[i] != NULL; i++)
        if (rig.result[i].state == ENGINE_SIGNED)
            assert_true(rig_is_signed(&rig, names[i]));
        else
            assert_true(rig_is_program(names[i], i + 1));
}

static void signs_all_in_one_login(void **state)
{
    const char *const *names = rig_programs(60);

    (void)state;
    assert_true(rig_run(&rig, names, NULL));
    counts(60, 0, 0, 0);
    assert_int_equal(rig.logins, 1);
    assert_int_equal(rig.signatures, 60);
    all_are_whole(names);
    for (size_t i = 0; i < 60; i++) {
        assert_int_equal(rig.result[i].digest_length, 32);
        assert_true(rig.result[i].bytes > 0);
    }
}

static void what_is_signed_is_kept_without_a_login(void **state)
{
    const char *const *names = rig_programs(20);

    (void)state;
    assert_true(rig_run(&rig, names, NULL));
    rig_program("7.exe", 7);
    assert_true(rig_run(&rig, names, NULL));
    counts(1, 19, 0, 0);
    assert_int_equal(rig.signatures, 1);
    assert_true(rig_run(&rig, names, NULL));
    counts(0, 20, 0, 0);
    assert_int_equal(rig.logins, 0);
}

static void a_bad_file_stops_no_other(void **state)
{
    const char *const names[] = {"1.exe", "text.exe", "missing.exe", "folder",
                                 "pipe",  "2.exe",    NULL};

    (void)state;
    rig_programs(2);
    scratch_write("text.exe", "no program", 0644);
    assert_int_equal(mkdir("folder", 0755), 0);
    assert_int_equal(mkfifo("pipe", 0644), 0);
    assert_false(rig_run(&rig, names, NULL));
    assert_int_equal(rig.e.code, ERROR_SOME_FAILED);
    assert_non_null(strstr(rig.e.text, "4 of 6"));
    counts(2, 0, 4, 0);
    assert_int_equal(rig.result[1].error.code, ERROR_UNSUPPORTED);
    assert_int_equal(rig.result[2].error.code, ERROR_SYSTEM);
    assert_non_null(strstr(rig.result[3].error.text, "folder"));
    assert_true(rig_is_signed(&rig, "1.exe"));
    assert_true(rig_is_signed(&rig, "2.exe"));
}

static void a_refused_login_touches_nothing(void **state)
{
    const char *const *names = rig_programs(50);

    (void)state;
    rig.login_fails = ERROR_PIN_REFUSED;
    assert_false(rig_run(&rig, names, NULL));
    assert_int_equal(rig.e.code, ERROR_PIN_REFUSED);
    counts(0, 0, 0, 50);
    assert_int_equal(rig.logins, 1);
    assert_int_equal(rig.signatures, 0);
    all_are_whole(names);
}

static void build_anew(void)
{
    scratch_write("1.exe", "a new build", 0644);
}

static void assert_is_new_build(const char *path)
{
    struct buffer text = BUFFER_INIT;

    assert_true(path_read_file(path, 100, &text, NULL));
    assert_string_equal(buffer_text(&text), "a new build");
    buffer_free(&text);
}

static void what_changed_while_the_token_was_waited_for_is_not_signed(void **state)
{
    const char *const *names = rig_programs(1);

    (void)state;
    rig.at_login = build_anew;
    assert_false(rig_run(&rig, names, NULL));
    counts(0, 0, 1, 0);
    assert_non_null(strstr(rig.result[0].error.text, "'1.exe': it was changed"));
    assert_int_equal(rig.signatures, 0);
}

static void what_changed_while_the_disk_was_waited_for_stays(void **state)
{
    const char *const *names = rig_programs(1);

    (void)state;
    while_syncing = build_anew;
    assert_false(rig_run(&rig, names, NULL));
    counts(0, 0, 1, 0);
    assert_non_null(strstr(rig.result[0].error.text, "'1.exe': it was changed"));
    assert_is_new_build("1.exe");
}

/* The cause that stopped the run outweighs a bad file. */
static void a_token_that_fails_stops_the_run(void **state)
{
    const char *const *names = rig_programs(60);

    (void)state;
    scratch_write("1.exe", "no program", 0644);
    rig.fail_at = 10;
    assert_false(rig_run(&rig, names, NULL));
    assert_int_equal(rig.e.code, ERROR_TOKEN);
    assert_int_equal(rig.totals.count[ENGINE_SIGNED], 9);
    /* The bad one, and at most what was under way in the one session. */
    assert_in_range(rig.totals.count[ENGINE_FAILED], 1, 3);
    assert_in_range(rig.signatures, 10, 11);
    assert_int_equal(rig.totals.count[ENGINE_SIGNED] + rig.totals.count[ENGINE_FAILED] +
                         rig.totals.count[ENGINE_NOT_TRIED],
                     60);
    rig_program("1.exe", 1);
    all_are_whole(names);
    /* The same command goes on. */
    rig.fail_at = 0;
    assert_true(rig_run(&rig, names, NULL));
    counts(51, 9, 0, 0);
}

static void a_signature_that_does_not_hold_is_not_written(void **state)
{
    const char *const *names = rig_programs(5);

    (void)state;
    rig.garbage = true;
    assert_false(rig_run(&rig, names, NULL));
    assert_int_equal(rig.e.code, ERROR_SOME_FAILED);
    counts(0, 0, 5, 0);
    assert_int_equal(rig.result[0].error.code, ERROR_SIGNATURE);
    all_are_whole(names);
}

static void a_wish_to_stop_finishes_what_is_in_hand(void **state)
{
    const char *const *names = rig_programs(100);

    (void)state;
    rig.cancel_at = 5;
    rig.delay = 2;
    assert_false(rig_run(&rig, names, NULL));
    assert_int_equal(rig.e.code, ERROR_CANCELLED);
    assert_int_equal(rig.totals.count[ENGINE_FAILED], 0);
    assert_int_equal(rig.totals.count[ENGINE_SIGNED], rig.signatures);
    assert_in_range(rig.signatures, 5, 60);
    assert_int_equal(rig.totals.count[ENGINE_NOT_TRIED], 100 - rig.signatures);
    all_are_whole(names);
}

static void a_wish_that_comes_too_late_changes_nothing(void **state)
{
    (void)state;
    rig.cancel_at = 1;
    assert_true(rig_run(&rig, NAMES(rig_programs(1)[0]), NULL));
    counts(1, 0, 0, 0);
}

static void sessions_sign_side_by_side(void **state)
{
    const char *const *names = rig_programs(40);

    (void)state;
    rig.lanes = 4;
    rig.together = 4;
    rig.delay = 1;
    assert_true(rig_run(&rig, names, NULL));
    counts(40, 0, 0, 0);
    assert_int_equal(rig.logins, 1);
    assert_int_equal(rig.top_lane, 3);
    assert_in_range(rig.most_at_once, 4, 8);
    all_are_whole(names);
}

static void a_token_may_give_fewer_sessions(void **state)
{
    const char *const *names = rig_programs(20);

    (void)state;
    rig.lanes = 64;
    rig.lanes_given = 2;
    rig.delay = 1;
    assert_true(rig_run(&rig, names, NULL));
    counts(20, 0, 0, 0);
    assert_int_equal(rig.top_lane, 1);
}

/* With a token that is slow, files wait in line; not all of them, and not open. */
static void open_files_are_few(void **state)
{
    (void)state;
    rig.delay = 3;
    assert_true(rig_run(&rig, rig_programs(RIG_FILES), NULL));
    assert_true(rig_descriptors(&rig) < 3 * RIG_FILES);
    assert_in_range(rig.most_descriptors, 10, rig_descriptors(&rig));
}

static void a_dry_run_writes_nothing(void **state)
{
    const char *const *names = rig_programs(3);

    (void)state;
    assert_true(rig_run(&rig, NAMES("2.exe"), NULL));
    rig.dry_run = true;
    assert_false(rig_run(&rig, NAMES("1.exe", "2.exe", "3.exe", "4.exe"), "no/such/folder"));
    assert_int_equal(rig.totals.count[ENGINE_WOULD_SIGN], 2);
    counts(0, 1, 1, 0);
    assert_int_equal(rig.logins, 0);
    assert_true(rig_is_program(names[0], 1));
    assert_int_not_equal(access("no", F_OK), 0);
}

static void other_names_of_a_file_follow_it(void **state)
{
    (void)state;
    rig_programs(1);
    assert_int_equal(link("1.exe", "hard.exe"), 0);
    assert_int_equal(chmod("1.exe", 0750), 0);
    assert_int_equal(symlink("1.exe", "soft.exe"), 0);
    assert_true(rig_run(&rig, NAMES("1.exe", "hard.exe", "soft.exe", "./1.exe"), NULL));
    counts(1, 0, 0, 0);
    assert_int_equal(rig.totals.count[ENGINE_SAME], 3);
    assert_int_equal(rig.signatures, 1);
    assert_true(rig_is_signed(&rig, "1.exe"));
    assert_true(rig_is_signed(&rig, "hard.exe"));
    assert_true(rig_is_signed(&rig, "soft.exe"));
    for (size_t i = 0; i < 2; i++) {
        struct stat status;

        assert_int_equal(lstat(rig.plan.item[i].file, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0750);
    }
    assert_int_equal(readlink("soft.exe", (char[8]){0}, 8), 5);
}

static void replace_hard(void)
{
    scratch_write("new.exe", "a new build", 0644);
    assert_int_equal(rename("new.exe", "hard.exe"), 0);
}

/* It is no name of that file any more. */
static void another_name_that_was_replaced_meanwhile_stays(void **state)
{
    (void)state;
    rig_programs(1);
    assert_int_equal(link("1.exe", "hard.exe"), 0);
    rig.at_login = replace_hard;
    assert_false(rig_run(&rig, NAMES("1.exe", "hard.exe"), NULL));
    counts(1, 0, 1, 0);
    assert_non_null(strstr(rig.result[1].error.text, "'hard.exe': it was changed"));
    assert_is_new_build("hard.exe");
}

static void other_names_get_a_place_in_the_folder_too(void **state)
{
    (void)state;
    rig_programs(2);
    assert_int_equal(symlink("1.exe", "soft.exe"), 0);
    assert_int_equal(mkdir("out", 0755), 0);
    assert_true(rig_run(&rig, NAMES("1.exe", "soft.exe", "2.exe"), "out"));
    assert_int_equal(rig.signatures, 2);
    assert_true(rig_is_signed(&rig, "out/1.exe"));
    assert_true(rig_is_signed(&rig, "out/soft.exe"));
    assert_true(rig_is_program("1.exe", 1));
}

static void other_names_share_the_fate_of_the_file(void **state)
{
    (void)state;
    scratch_write("text.exe", "no program", 0644);
    assert_int_equal(symlink("text.exe", "soft.exe"), 0);
    assert_false(rig_run(&rig, NAMES("text.exe", "soft.exe"), NULL));
    counts(0, 0, 2, 0);
    assert_non_null(strstr(rig.result[1].error.text, "text.exe"));
    rig_program("text.exe", 1);
    rig.login_fails = ERROR_BUSY;
    assert_false(rig_run(&rig, NAMES("text.exe", "soft.exe"), NULL));
    counts(0, 0, 0, 2);
}

static void a_kept_file_goes_to_the_folder_too(void **state)
{
    (void)state;
    rig_programs(2);
    assert_int_equal(mkdir("out", 0755), 0);
    assert_true(rig_run(&rig, NAMES("1.exe"), NULL));
    assert_true(rig_run(&rig, NAMES("1.exe", "2.exe"), "out"));
    counts(1, 1, 0, 0);
    assert_string_equal(rig.e.text, "");
    assert_true(rig_is_signed(&rig, "out/1.exe"));
    assert_true(rig_is_signed(&rig, "out/2.exe"));
}

static void runs(const char *const *names, const char *directory, size_t signed_files, size_t kept)
{
    assert_true(rig_run(&rig, names, directory));
    counts(signed_files, kept, 0, 0);
    assert_int_equal(rig.signatures, signed_files);
    assert_int_equal(rig.logins, signed_files > 0);
}

/* The same command goes on, and nothing in the folder is older than what it was made of. */
static void what_stands_in_the_folder_is_not_made_again(void **state)
{
    const char *const *names = rig_programs(4);

    (void)state;
    assert_int_equal(mkdir("out", 0755), 0);
    runs(names, "out", 4, 0);
    runs(names, "out", 0, 4);
    assert_int_equal(unlink("out/2.exe"), 0);
    runs(names, "out", 1, 3);
    rig_program("3.exe", 33);
    runs(names, "out", 1, 3);
    scratch_write("out/4.exe", "MZ, and no more", 0644);
    runs(names, "out", 1, 3);
    rig.spec.description = "Another";
    runs(names, "out", 4, 0);
    rig.spec.hash = SIGNER_SHA384;
    runs(names, "out", 4, 0);
    sk_X509_pop(rig.spec.chain);
    runs(names, "out", 0, 4);
    assert_int_equal(unlink("out/1.exe"), 0);
    runs(names, "out", 1, 3);
    sk_X509_push(rig.spec.chain, rig.identity.intermediate);
    runs(names, "out", 1, 3);
    rig.spec.existing = SIGN_REPLACE;
    runs(names, "out", 0, 4);
    for (unsigned i = 0; i < 4; i++)
        assert_true(rig_is_signed(
            &rig, (const char *const[]){"out/1.exe", "out/2.exe", "out/3.exe", "out/4.exe"}[i]));
}

/* In place the person's word holds, each time. */
static void replace_means_replace(void **state)
{
    const char *const *names = rig_programs(3);

    (void)state;
    rig.spec.existing = SIGN_REPLACE;
    runs(names, NULL, 3, 0);
    runs(names, NULL, 3, 0);
}

static void one_is_appended_once(void **state)
{
    const char *const *names = rig_programs(2);

    (void)state;
    runs(names, NULL, 2, 0);
    rig.spec.existing = SIGN_APPEND;
    rig.spec.hash = SIGNER_SHA384;
    assert_int_equal(mkdir("out", 0755), 0);
    runs(names, "out", 2, 0);
    runs(names, "out", 0, 2);
    runs(names, NULL, 2, 0);
    runs(names, NULL, 0, 2);
    runs(names, "out", 0, 2);
    assert_int_equal(system("cmp -s 1.exe out/1.exe && cmp -s 2.exe out/2.exe"), 0);
    rig.spec.hash = SIGNER_SHA256;
    runs(names, NULL, 0, 2);
}

static void a_folder_that_is_not_there_is_an_error_of_each_file(void **state)
{
    (void)state;
    rig_programs(2);
    assert_false(rig_run(&rig, NAMES("1.exe", "2.exe"), "nowhere"));
    counts(0, 0, 2, 0);
    assert_int_equal(rig.logins, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh_rig, drop_rig)

static void a_touch_is_asked_for_before_each_signature(void **state)
{
    const char *const *names = rig_programs(12);

    (void)state;
    rig.lanes = 4;
    rig.delay = 2;
    rig.touch = true;
    assert_true(rig_run(&rig, names, NULL));
    counts(12, 0, 0, 0);
    assert_int_equal(rig.touches, 12);
    assert_int_equal(rig.touch_number, 12);
    assert_int_equal(rig.touch_most, 12);
    assert_int_equal(rig.most_at_once, 1);
    assert_false(rig.touch_late || rig.touch_waits);
    /* What is kept needs none. */
    rig_program("3.exe", 3);
    rig_program("9.exe", 9);
    assert_true(rig_run(&rig, names, NULL));
    counts(2, 10, 0, 0);
    assert_int_equal(rig.touches, 2);
    assert_in_range(rig.touch_most, 2, 12);
    assert_true(rig_run(&rig, names, NULL));
    assert_int_equal(rig.touches, 0);
}

static void a_touch_that_lasts_is_asked_for_when_it_is_over(void **state)
{
    const char *const *names = rig_programs(4);

    (void)state;
    rig.touch = true;
    rig.touch_lasts = 600000;
    assert_true(rig_run(&rig, names, NULL));
    counts(4, 0, 0, 0);
    assert_int_equal(rig.touches, 1);
    assert_false(rig.touch_late || rig.touch_waits);
    for (unsigned i = 0; i < 4; i++)
        rig_program(names[i], i + 1);
    rig.delay = 200;
    rig.touch_lasts = 100;
    assert_true(rig_run(&rig, names, NULL));
    counts(4, 0, 0, 0);
    /* The second may begin in time, the third begins 200 ms later; how much later, the machine
     * decides. */
    assert_in_range(rig.touches, 2, 4);
    assert_in_range(rig.touch_number, 3, 4);
    assert_false(rig.touch_early || rig.touch_late || rig.touch_waits);
}

/* The other one, when it is in the queue behind this touch. */
static void build_the_other_anew(size_t index)
{
    clock_sleep_ms(200);
    scratch_write(index == 0 ? "2.exe" : "1.exe", "a new build", 0644);
}

static void no_touch_is_asked_for_what_changed_meanwhile(void **state)
{
    const char *const *names = rig_programs(2);

    (void)state;
    rig.touch = true;
    rig.at_touch = build_the_other_anew;
    assert_false(rig_run(&rig, names, NULL));
    counts(1, 0, 1, 0);
    assert_int_equal(rig.touches, 1);
    assert_int_equal(rig.signatures, 1);
}

static void nobody_is_asked_for_a_touch_once_the_run_ends(void **state)
{
    const char *const *names = rig_programs(40);

    (void)state;
    rig.lanes = 2;
    rig.touch = true;
    rig.cancel_at = 5;
    assert_false(rig_run(&rig, names, NULL));
    assert_int_equal(rig.e.code, ERROR_CANCELLED);
    counts(5, 0, 0, 35);
    assert_int_equal(rig.touches, 5);
    all_are_whole(names);
    rig.cancel_at = 0;
    rig.fail_at = 3;
    assert_false(rig_run(&rig, names, NULL));
    assert_int_equal(rig.touches, 3);
    assert_non_null(strstr(rig.e.text, "touched"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(signs_all_in_one_login),
        TEST(what_is_signed_is_kept_without_a_login),
        TEST(a_bad_file_stops_no_other),
        TEST(a_refused_login_touches_nothing),
        TEST(what_changed_while_the_token_was_waited_for_is_not_signed),
        TEST(what_changed_while_the_disk_was_waited_for_stays),
        TEST(a_token_that_fails_stops_the_run),
        TEST(a_signature_that_does_not_hold_is_not_written),
        TEST(a_wish_to_stop_finishes_what_is_in_hand),
        TEST(a_wish_that_comes_too_late_changes_nothing),
        TEST(sessions_sign_side_by_side),
        TEST(a_token_may_give_fewer_sessions),
        TEST(a_touch_is_asked_for_before_each_signature),
        TEST(a_touch_that_lasts_is_asked_for_when_it_is_over),
        TEST(no_touch_is_asked_for_what_changed_meanwhile),
        TEST(nobody_is_asked_for_a_touch_once_the_run_ends),
        TEST(open_files_are_few),
        TEST(a_dry_run_writes_nothing),
        TEST(other_names_of_a_file_follow_it),
        TEST(another_name_that_was_replaced_meanwhile_stays),
        TEST(other_names_get_a_place_in_the_folder_too),
        TEST(other_names_share_the_fate_of_the_file),
        TEST(a_kept_file_goes_to_the_folder_too),
        TEST(what_stands_in_the_folder_is_not_made_again),
        TEST(replace_means_replace),
        TEST(one_is_appended_once),
        TEST(a_folder_that_is_not_there_is_an_error_of_each_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
