/* SPDX-License-Identifier: Apache-2.0 */
/* Timestamps in a run: several at once, none lost, and what happens when servers do not answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <sys/stat.h>

#include "../base/scratch.h"
#include "base/buffer.h"
#include "base/path.h"
#include "rig.h"

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct rig rig;

static int fresh_rig(void **state)
{
    if (scratch_open(state) != 0 || chdir(scratch) != 0)
        return 1;
    rig_open(&rig);
    rig.spec.timestamp = true;
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

static void counts(size_t signed_files, size_t timestamped, size_t kept, size_t failed,
                   size_t not_tried)
{
    assert_int_equal(rig.totals.count[ENGINE_SIGNED], signed_files);
    assert_int_equal(rig.totals.count[ENGINE_TIMESTAMPED], timestamped);
    assert_int_equal(rig.totals.count[ENGINE_KEPT], kept);
    assert_int_equal(rig.totals.count[ENGINE_FAILED], failed);
    assert_int_equal(rig.totals.count[ENGINE_NOT_TRIED], not_tried);
}

/* Signed with a timestamp, or program number i + 1 as it was. */
static void all_are_whole(const char *const *names)
{
    for (unsigned i = 0; names[i] != NULL; i++)
        if (rig.result[i].state == ENGINE_FAILED || rig.result[i].state == ENGINE_NOT_TRIED) {
            assert_true(rig_is_program(names[i], i + 1));
        } else {
            assert_true(rig_is_signed(&rig, names[i]));
            assert_int_equal(rig_timestamps(&rig, names[i]),
                             rig.result[i].unstamped.code == ERROR_NONE);
        }
}

static void every_file_gets_one(void **state)
{
    const char *const *names = rig_programs(40);

    (void)state;
    rig.stamps_together = 4;
    assert_true(rig_run(&rig, names, NULL));
    counts(40, 0, 0, 0, 0);
    assert_int_equal(rig.stamped, 40);
    assert_int_equal(rig.totals.stamps, 40);
    assert_int_equal(rig.totals.unstamped, 0);
    assert_int_equal(rig.most_stamping, 4);
    for (size_t i = 0; i < 40; i++) {
        assert_int_equal(rig.result[i].stamps, 1);
        assert_string_equal(rig.result[i].stamp.server, "http://test");
        assert_true(rig.result[i].stamp.time > YEAR_2026);
    }
    all_are_whole(names);
    assert_true(rig_run(&rig, names, NULL));
    counts(0, 0, 40, 0, 0);
    assert_int_equal(rig.stamped + rig.logins, 0);
}

/* It comes only when all other files are done, and they get there. */
static void a_slow_answer_holds_up_no_other_file(void **state)
{
    const char *const *names = rig_programs(60);

    (void)state;
    rig.slow_at = 2;
    assert_true(rig_run(&rig, names, NULL));
    counts(60, 0, 0, 0, 0);
    assert_int_equal(rig.signatures_when_slow_ended, 60);
    assert_int_equal(rig.done_when_slow_ended, 59);
    all_are_whole(names);
}

static void a_file_that_gets_none_fails_alone(void **state)
{
    const char *const *names = rig_programs(30);

    (void)state;
    rig.down_from = 7;
    rig.down_until = 8;
    assert_false(rig_run(&rig, names, NULL));
    assert_int_equal(rig.e.code, ERROR_TIMESTAMP);
    assert_non_null(strstr(rig.e.text, "1 of 30"));
    counts(29, 0, 0, 1, 0);
    all_are_whole(names);
    for (size_t i = 0; i < 30; i++)
        if (rig.result[i].state == ENGINE_FAILED)
            assert_int_equal(rig.result[i].error.code, ERROR_TIMESTAMP);
    rig.down_from = rig.down_until = 0;
    assert_true(rig_run(&rig, names, NULL));
    counts(1, 0, 29, 0, 0);
    assert_int_equal(rig.signatures, 1);
}

/* A build goes on while its last output waits for a timestamp. */
static void write_anew(void)
{
    scratch_write("1.exe", "a new build", 0644);
}

static void replace(void)
{
    scratch_write("new.exe", "a new build", 0644);
    assert_int_equal(rename("new.exe", "1.exe"), 0);
}

static void remove_it(void)
{
    assert_int_equal(unlink("1.exe"), 0);
}

static bool is_new_build(const char *path)
{
    struct buffer text = BUFFER_INIT;
    bool same =
        path_read_file(path, 100, &text, NULL) && strcmp(buffer_text(&text), "a new build") == 0;

    buffer_free(&text);
    return same;
}

static void what_changes_meanwhile_stays(void **state)
{
    void (*const changes[])(void) = {write_anew, replace, remove_it};

    (void)state;
    assert_int_equal(mkdir("out", 0755), 0);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const char *const *names = rig_programs(1);

        rig.meanwhile = changes[i];
        assert_false(rig_run(&rig, names, NULL));
        counts(0, 0, 0, 1, 0);
        assert_int_equal(rig.result[0].error.code, ERROR_FORMAT);
        assert_non_null(strstr(rig.result[0].error.text, "'1.exe': it was changed, replaced or"));
        assert_int_equal(is_new_build("1.exe"), changes[i] != remove_it);
        assert_int_equal(access("1.exe", F_OK) == 0, changes[i] != remove_it);

        /* What is written elsewhere takes nobody's place. */
        rig_programs(1);
        assert_true(rig_run(&rig, names, "out"));
        counts(1, 0, 0, 0, 0);
        assert_true(rig_is_signed(&rig, "out/1.exe"));
        assert_int_equal(unlink("out/1.exe"), 0);
    }
}

static void another_failure_beside_it_is_told(void **state)
{
    (void)state;
    rig_programs(2);
    scratch_write("text.exe", "no program", 0644);
    rig.down_from = 1;
    rig.down_until = 2;
    assert_false(rig_run(&rig, NAMES("1.exe", "text.exe", "2.exe"), NULL));
    assert_int_equal(rig.e.code, ERROR_SOME_FAILED);
    counts(1, 0, 0, 2, 0);
}

/* A few files prove that nobody answers; the token is not asked for all. */
static void servers_that_are_down_end_the_run(void **state)
{
    const char *const *names = rig_programs(100);

    (void)state;
    rig.down_from = 1;
    rig.down_until = SIZE_MAX;
    rig.stamp_delay = 30;
    assert_false(rig_run(&rig, names, NULL));
    assert_int_equal(rig.e.code, ERROR_TIMESTAMP);
    assert_non_null(strstr(rig.e.text, "in a row"));
    assert_non_null(strstr(rig.e.text, "the same command goes on"));
    assert_in_range(rig.totals.count[ENGINE_FAILED], 4, 7);
    assert_in_range(rig.signatures, 4, 20);
    assert_int_equal(rig.totals.count[ENGINE_NOT_TRIED], 100 - rig.totals.count[ENGINE_FAILED]);
    all_are_whole(names);
    /* They go away later: the token runs further ahead then. Each of three good answers that come
     * late may begin the count anew. */
    rig.down_from = 20;
    rig.stamp_delay = 3;
    assert_false(rig_run(&rig, names, NULL));
    assert_int_equal(rig.e.code, ERROR_TIMESTAMP);
    assert_int_equal(rig.totals.count[ENGINE_SIGNED], 19);
    assert_in_range(rig.totals.count[ENGINE_FAILED], 4, 16);
    assert_in_range(rig.signatures, 23, 80);
    all_are_whole(names);
    rig.down_from = rig.down_until = 0;
    assert_true(rig_run(&rig, names, NULL));
    counts(81, 0, 19, 0, 0);
    all_are_whole(names);
}

/* Then it is not only the timestamp's fault, though that ended the run. */
static void a_file_that_is_none_before_the_servers_are_down(void **state)
{
    const char *names[22] = {"text.exe"};

    (void)state;
    memcpy(names + 1, rig_programs(20), 20 * sizeof *names);
    scratch_write("text.exe", "no program", 0644);
    rig.down_from = 1;
    rig.down_until = SIZE_MAX;
    assert_false(rig_run(&rig, names, NULL));
    assert_int_equal(rig.e.code, ERROR_SOME_FAILED);
    assert_non_null(strstr(rig.e.text, "in a row"));
}

static void one_that_need_not_have_it_goes_without(void **state)
{
    const char *const *names = rig_programs(20);

    (void)state;
    rig.required = false;
    rig.down_from = 3;
    rig.down_until = 5;
    assert_true(rig_run(&rig, names, NULL));
    counts(20, 0, 0, 0, 0);
    assert_int_equal(rig.totals.unstamped, 2);
    assert_int_equal(rig.totals.stamps, 18);
    all_are_whole(names);
    /* The same command again: two timestamps, no token. */
    rig.down_from = rig.down_until = 0;
    assert_true(rig_run(&rig, names, NULL));
    counts(0, 2, 18, 0, 0);
    assert_int_equal(rig.logins, 0);
    assert_int_equal(rig.stamped, 2);
    assert_int_equal(rig.totals.stamps, 2);
    all_are_whole(names);
}

/* Nobody waits for all the tries of each file. */
static void all_go_without_when_servers_are_down(void **state)
{
    const char *const *names = rig_programs(100);

    (void)state;
    rig.required = false;
    rig.down_from = 1;
    rig.down_until = SIZE_MAX;
    assert_true(rig_run(&rig, names, NULL));
    counts(100, 0, 0, 0, 0);
    assert_int_equal(rig.totals.unstamped, 100);
    assert_in_range(rig.stamped, 4, 7);
    all_are_whole(names);
    /* What is kept stays as it is, and that is said too. */
    assert_true(rig_run(&rig, names, NULL));
    counts(0, 0, 100, 0, 0);
    assert_int_equal(rig.totals.unstamped, 100);
    assert_int_equal(rig.logins, 0);
    all_are_whole(names);
    rig.required = true;
    assert_false(rig_run(&rig, names, NULL));
    assert_int_equal(rig.e.code, ERROR_TIMESTAMP);
    assert_int_equal(rig.logins, 0);
}

static void what_has_its_signature_is_stamped_after_a_signal(void **state)
{
    const char *const *names = rig_programs(100);

    (void)state;
    rig.delay = 2;
    rig.stamp_delay = 20;
    rig.cancel_at = 20;
    assert_false(rig_run(&rig, names, NULL));
    assert_int_equal(rig.e.code, ERROR_CANCELLED);
    assert_int_equal(rig.totals.count[ENGINE_FAILED], 0);
    assert_int_equal(rig.totals.count[ENGINE_SIGNED], rig.signatures);
    assert_in_range(rig.signatures, 20, 99);
    all_are_whole(names);
}

/* When the time after a signal is over, what has no timestamp yet is as if it had not been tried;
 * and nothing is written without one, required or not. */
static void nobody_waits_for_ever_after_a_signal(void **state)
{
    const char *const *names = rig_programs(100);

    (void)state;
    rig.cancel_at_stamp = 10;
    rig.impatient = true;
    for (int required = 0; required < 2; required++) {
        rig.required = required == 1;
        assert_false(rig_run(&rig, names, NULL));
        assert_int_equal(rig.e.code, ERROR_CANCELLED);
        assert_int_equal(rig.totals.count[ENGINE_FAILED], 0);
        assert_int_equal(rig.totals.unstamped, 0);
        assert_in_range(rig.totals.count[ENGINE_SIGNED], 6, 99);
        assert_int_equal(rig.totals.count[ENGINE_SIGNED] + rig.totals.count[ENGINE_KEPT] +
                             rig.totals.count[ENGINE_NOT_TRIED],
                         100);
        all_are_whole(names);
    }
}

/* After a signal, one that got none is enough. An answer that comes late, to a request made before,
 * starts the count anew: each of four threads may ask twice. */
static void a_signal_while_servers_are_down_is_obeyed_soon(void **state)
{
    const char *const *names = rig_programs(100);

    (void)state;
    rig.cancel_at_stamp = 10;
    rig.down_from = 10;
    rig.down_until = SIZE_MAX;
    rig.stamp_delay = 20;
    assert_false(rig_run(&rig, names, NULL));
    assert_int_equal(rig.e.code, ERROR_CANCELLED);
    assert_in_range(rig.stamped, 10, 18);
    assert_int_equal(rig.totals.count[ENGINE_SIGNED], 9);
    all_are_whole(names);
    rig.required = false;
    assert_false(rig_run(&rig, names, NULL));
    assert_int_equal(rig.totals.count[ENGINE_FAILED], 0);
    assert_in_range(rig.stamped, 10, 18);
}

static void a_token_that_fails_leaves_the_rest_to_be_stamped(void **state)
{
    const char *const *names = rig_programs(60);

    (void)state;
    rig.fail_at = 20;
    rig.stamp_delay = 5;
    assert_false(rig_run(&rig, names, NULL));
    assert_int_equal(rig.e.code, ERROR_TOKEN);
    assert_int_equal(rig.totals.count[ENGINE_SIGNED], 19);
    all_are_whole(names);
}

static void a_signature_that_does_not_hold_is_not_stamped(void **state)
{
    (void)state;
    rig.garbage = true;
    assert_false(rig_run(&rig, rig_programs(5), NULL));
    assert_int_equal(rig.e.code, ERROR_SOME_FAILED);
    counts(0, 0, 0, 5, 0);
    assert_int_equal(rig.stamped, 0);
}

/* An earlier run, that wanted none, left files in the folder. */
static void what_stands_in_the_folder_gets_one(void **state)
{
    const char *const *names = rig_programs(6);
    struct stat status;

    (void)state;
    assert_int_equal(mkdir("out", 0755), 0);
    rig.spec.timestamp = false;
    assert_true(rig_run(&rig, names, "out"));
    assert_int_equal(chmod("out/3.exe", 0751), 0);
    rig.spec.timestamp = true;
    rig.dry_run = true;
    assert_true(rig_run(&rig, names, "out"));
    assert_int_equal(rig.totals.count[ENGINE_WOULD_TIMESTAMP], 6);
    assert_int_equal(rig.stamped, 0);
    rig.dry_run = false;
    assert_true(rig_run(&rig, names, "out"));
    counts(0, 6, 0, 0, 0);
    assert_int_equal(rig.logins, 0);
    assert_int_equal(rig_timestamps(&rig, "out/3.exe"), 1);
    assert_true(rig_is_signed(&rig, "out/3.exe"));
    assert_true(rig_is_program("3.exe", 3));
    assert_int_equal(stat("out/3.exe", &status), 0);
    assert_int_equal(status.st_mode & 0777, 0751);
    assert_true(rig_run(&rig, names, "out"));
    counts(0, 0, 6, 0, 0);
    assert_int_equal(rig.stamped, 0);
}

/* Whatever is to happen to signatures of the input: there are none. */
static void what_was_replaced_or_appended_there_too(void **state)
{
    const char *const *names = rig_programs(2);

    (void)state;
    for (int existing = SIGN_REPLACE; existing <= SIGN_APPEND; existing++) {
        const char *folder = existing == SIGN_REPLACE ? "replaced" : "appended";

        rig.spec.existing = (enum sign_existing)existing;
        assert_int_equal(mkdir(folder, 0755), 0);
        rig.spec.timestamp = false;
        assert_true(rig_run(&rig, names, folder));
        counts(2, 0, 0, 0, 0);
        rig.spec.timestamp = true;
        assert_true(rig_run(&rig, names, folder));
        counts(0, 2, 0, 0, 0);
        assert_int_equal(rig.logins, 0);
        assert_true(rig_run(&rig, names, folder));
        counts(0, 0, 2, 0, 0);
    }
}

/* The inputs are signed, and lack theirs; the folder holds them with it. */
static void a_folder_of_stamped_copies_is_kept(void **state)
{
    const char *const *names = rig_programs(4);

    (void)state;
    assert_int_equal(mkdir("out", 0755), 0);
    rig.spec.timestamp = false;
    assert_true(rig_run(&rig, names, NULL));
    rig.spec.timestamp = true;
    rig.required = false;
    rig.down_from = 1;
    rig.down_until = SIZE_MAX;
    assert_true(rig_run(&rig, names, "out"));
    counts(0, 0, 4, 0, 0);
    assert_int_equal(rig.totals.unstamped, 4);
    assert_int_equal(system("cmp -s 1.exe out/1.exe && cmp -s 4.exe out/4.exe"), 0);
    assert_true(rig_run(&rig, names, "out"));
    counts(0, 0, 4, 0, 0);
    rig.down_from = rig.down_until = 0;
    assert_true(rig_run(&rig, names, "out"));
    counts(0, 4, 0, 0, 0);
    assert_int_equal(rig_timestamps(&rig, "1.exe"), 0);
    assert_int_equal(rig_timestamps(&rig, "out/1.exe"), 1);
    assert_true(rig_run(&rig, names, "out"));
    counts(0, 0, 4, 0, 0);
    assert_int_equal(rig.stamped, 0);
}

static void write_copy_anew(void)
{
    scratch_write("out/1.exe", "a new build", 0644);
}

/* It is the copy that would be lost, and that is named. */
static void a_copy_that_changes_meanwhile_stays(void **state)
{
    const char *const *names = rig_programs(1);

    (void)state;
    assert_int_equal(mkdir("out", 0755), 0);
    rig.spec.timestamp = false;
    assert_true(rig_run(&rig, names, "out"));
    rig.spec.timestamp = true;
    rig.meanwhile = write_copy_anew;
    assert_false(rig_run(&rig, names, "out"));
    counts(0, 0, 0, 1, 0);
    assert_non_null(strstr(rig.result[0].error.text, "'out/1.exe': it was changed, replaced or"));
    assert_true(is_new_build("out/1.exe"));
}

static void other_names_of_a_file_follow_it(void **state)
{
    const char *const *names = NAMES("1.exe", "hard.exe", "soft.exe");

    (void)state;
    rig_programs(1);
    assert_int_equal(link("1.exe", "hard.exe"), 0);
    assert_int_equal(symlink("1.exe", "soft.exe"), 0);
    rig.down_from = 1;
    rig.down_until = 2;
    assert_false(rig_run(&rig, names, NULL));
    assert_int_equal(rig.e.code, ERROR_TIMESTAMP);
    counts(0, 0, 0, 3, 0);
    rig.spec.timestamp = false;
    assert_true(rig_run(&rig, NAMES("1.exe"), NULL));
    assert_int_equal(system("ln -f 1.exe hard.exe"), 0);
    rig.spec.timestamp = true;
    rig.down_from = rig.down_until = 0;
    assert_true(rig_run(&rig, names, NULL));
    counts(0, 1, 0, 0, 0);
    assert_int_equal(rig.totals.count[ENGINE_SAME], 2);
    assert_int_equal(rig_timestamps(&rig, "hard.exe"), 1);
    assert_int_equal(rig_timestamps(&rig, "soft.exe"), 1);
}

/* As `signet-batch timestamp` does it. */
static void timestamps_alone_want_no_token(void **state)
{
    const struct sign_spec spec = rig.spec;

    (void)state;
    rig_programs(3);
    rig.spec.timestamp = false;
    assert_true(rig_run(&rig, NAMES("1.exe", "2.exe"), NULL));
    rig.spec = (struct sign_spec){.timestamp = true, .stamp_only = true};
    assert_false(rig_run(&rig, NAMES("1.exe", "2.exe", "3.exe"), NULL));
    assert_int_equal(rig.e.code, ERROR_SOME_FAILED);
    counts(0, 2, 0, 1, 0);
    assert_int_equal(rig.logins, 0);
    assert_int_equal(rig.result[2].error.code, ERROR_SIGNATURE);
    assert_int_equal(rig_timestamps(&rig, "1.exe"), 1);
    assert_true(rig_is_program("3.exe", 3));
    assert_true(rig_run(&rig, NAMES("1.exe", "2.exe"), NULL));
    counts(0, 0, 2, 0, 0);
    rig.spec = spec;
}

static void open_files_are_few(void **state)
{
    (void)state;
    rig.stamps_together = rig.stamps = 16;
    assert_true(rig_run(&rig, rig_programs(RIG_FILES), NULL));
    assert_int_equal(rig.most_stamping, 16);
    assert_true(rig_descriptors(&rig) < 3 * RIG_FILES);
    assert_in_range(rig.most_descriptors, 10, rig_descriptors(&rig));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh_rig, drop_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_file_gets_one),
        TEST(a_slow_answer_holds_up_no_other_file),
        TEST(a_file_that_gets_none_fails_alone),
        TEST(what_changes_meanwhile_stays),
        TEST(another_failure_beside_it_is_told),
        TEST(servers_that_are_down_end_the_run),
        TEST(a_file_that_is_none_before_the_servers_are_down),
        TEST(one_that_need_not_have_it_goes_without),
        TEST(all_go_without_when_servers_are_down),
        TEST(what_has_its_signature_is_stamped_after_a_signal),
        TEST(nobody_waits_for_ever_after_a_signal),
        TEST(a_signal_while_servers_are_down_is_obeyed_soon),
        TEST(a_token_that_fails_leaves_the_rest_to_be_stamped),
        TEST(a_signature_that_does_not_hold_is_not_stamped),
        TEST(what_stands_in_the_folder_gets_one),
        TEST(what_was_replaced_or_appended_there_too),
        TEST(a_folder_of_stamped_copies_is_kept),
        TEST(a_copy_that_changes_meanwhile_stays),
        TEST(other_names_of_a_file_follow_it),
        TEST(timestamps_alone_want_no_token),
        TEST(open_files_are_few),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
