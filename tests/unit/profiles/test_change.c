/* SPDX-License-Identifier: Apache-2.0 */
/* Keys changed in files that people wrote: what they wrote stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include "../base/scratch.h"
#include "base/path.h"
#include "profiles/profile.h"
#include "profiles/schema.h"

static const struct profile_change pin = {"pin", "file:/x"};

static struct {
    const char *before, *after; /* NULL: refused, and left alone */
} cases[] = {
    {"# mine\nsignet: 1\npin: env:X # old\nname: a\n",
     "# mine\nsignet: 1\npin: \"file:/x\" # old\nname: a\n"},
    {"signet: 1\n# last", "signet: 1\n# last\npin: file:/x\n"},
    {"signet: 1\r\npin: prompt\r\nname: a\r\n", "signet: 1\r\npin: \"file:/x\"\r\nname: a\r\n"},
    {"{signet: 1, pin: 'env:X', name: a}\n", "{signet: 1, pin: \"file:/x\", name: a}\n"},
    {"  signet: 1\n  pin: prompt\n", "  signet: 1\n  pin: \"file:/x\"\n"},
    {"signet: 1\n\"pin\":   prompt   # é\n", "signet: 1\n\"pin\":   \"file:/x\"   # é\n"},
    {"\xef\xbb\xbfsignet: 1\ndescription: é…\npin: prompt\n",
     "\xef\xbb\xbfsignet: 1\ndescription: é…\npin: \"file:/x\"\n"},
    {"signet: 1\npin:\n  env:X\nname: a\n", "signet: 1\npin:\n  \"file:/x\"\nname: a\n"},
    {"signet: 1\ncontainer: {name: 'pin: env:X'}\n",
     "signet: 1\ncontainer: {name: 'pin: env:X'}\npin: file:/x\n"},
    {"signet: 1\nfiles:\n  - a\n  - b\n", "signet: 1\nfiles:\n  - a\n  - b\npin: file:/x\n"},
    {"{signet: 1, name: a}\n", NULL},
    {"  signet: 1\n", NULL},
    {"signet: 1\n...\n", NULL},
    {"signet: 1\npin: env:X\nno-such: 1\n", NULL},
};

static char *contents(const char *path)
{
    struct buffer text = BUFFER_INIT;
    struct error e = ERROR_INIT;

    assert_true(path_read_file(path, 10000, &text, &e));
    return buffer_take(&text);
}

static void test_one_key(void **state)
{
    char *path = scratch_path("one.yaml");

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error e = ERROR_INIT;
        bool can, done;
        char *now;

        scratch_write(path, cases[i].before, 0644);
        can = profile_can_change(path, &pin, 1, &e);
        now = contents(path);
        assert_string_equal(now, cases[i].before);
        free(now);
        done = profile_change_file(path, &pin, 1, &e);
        now = contents(path);
        assert_string_equal(now, cases[i].after == NULL ? cases[i].before : cases[i].after);
        assert_int_equal(done, cases[i].after != NULL);
        assert_int_equal(can, done);
        assert_int_equal(e.code, done ? ERROR_NONE : ERROR_PROFILE);
        free(now);
    }
}

static void test_several_keys_at_once(void **state)
{
    static const struct profile_change changes[] = {
        {"key", "pkcs11:token=b;id=%02"}, {"certificate", "/a file.pem"}, {"module", "/m.so"}};
    char *path = scratch_path("several.yaml"), *now;
    struct error e = ERROR_INIT;

    (void)state;
    scratch_write(
        path, "signet: 1\nmodule: softhsm2   # the driver\nkey: pkcs11:token=a\nname: a\n", 0644);
    assert_true(profile_change_file(path, changes, 3, &e));
    now = contents(path);
    assert_string_equal(now, "signet: 1\nmodule: \"/m.so\"   # the driver\n"
                             "key: \"pkcs11:token=b;id=%02\"\nname: a\n"
                             "certificate: \"/a file.pem\"\n");
    free(now);
}

static struct {
    const char *before, *set, *taken; /* NULL: refused, and left alone */
} maps[] = {
    {"signet: 1\n# last\n", "signet: 1\n# last\ncontainer: {name: \"n\", provider: \"p\"}\n",
     "signet: 1\n# last\n"},
    {"signet: 1\ncontainer: {name: old} # mine\nname: a\n",
     "signet: 1\ncontainer: {name: \"n\", provider: \"p\"} # mine\nname: a\n",
     "signet: 1\nname: a\n"},
    {"signet: 1\ncontainer: {provider: x, name: old}\n",
     "signet: 1\ncontainer: {provider: \"p\", name: \"n\"}\n", "signet: 1\n"},
    {"signet: 1\ncontainer:\n  name: old   # é\n# next\nname: a\n",
     "signet: 1\ncontainer:\n  name: \"n\"   # é\n  provider: \"p\"\n# next\nname: a\n",
     "signet: 1\n# next\nname: a\n"},
    {"signet: 1\ncontainer:\n  provider: x\n  name: old\n",
     "signet: 1\ncontainer:\n  provider: \"p\"\n  name: \"n\"\n", "signet: 1\n"},
    {"{signet: 1, container: {name: old}, name: a}\n",
     "{signet: 1, container: {name: \"n\", provider: \"p\"}, name: a}\n", NULL},
};

/* The keys of a map are set, or the map goes. */
static void test_map(void **state)
{
    static const struct profile_change set[] = {{"container.name", "n"},
                                                {"container.provider", "p"}};
    static const struct profile_change take[] = {{"container.name", NULL},
                                                 {"container.provider", NULL}};
    char *path = scratch_path("map.yaml"), *now;

    (void)state;
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        struct error e = ERROR_INIT;

        scratch_write(path, maps[i].before, 0644);
        assert_true(profile_change_file(path, set, 2, &e));
        now = contents(path);
        assert_string_equal(now, maps[i].set);
        free(now);
        scratch_write(path, maps[i].before, 0644);
        assert_int_equal(profile_change_file(path, take, 2, &e), maps[i].taken != NULL);
        now = contents(path);
        assert_string_equal(now, maps[i].taken == NULL ? maps[i].before : maps[i].taken);
        free(now);
    }
}

/* All or none. */
static void test_a_bad_value_changes_nothing(void **state)
{
    static const struct profile_change changes[] = {{"pin", "prompt"}, {"key", "no URI"}};
    static const char before[] = "signet: 1\npin: env:X\n";
    char *path = scratch_path("bad.yaml"), *now;
    struct error e = ERROR_INIT;

    (void)state;
    scratch_write(path, before, 0644);
    assert_false(profile_change_file(path, changes, 2, &e));
    now = contents(path);
    assert_string_equal(now, before);
    free(now);
}

static void test_mode_and_link_stay(void **state)
{
    char *path = scratch_path("mode.yaml"), *link = scratch_path("link.yaml");
    struct error e = ERROR_INIT;
    struct stat status;

    (void)state;
    scratch_write(path, "signet: 1\n", 0600);
    assert_int_equal(symlink("mode.yaml", link), 0);
    assert_true(profile_change_file(link, &pin, 1, &e));
    assert_int_equal(lstat(link, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(status.st_size, strlen("signet: 1\npin: file:/x\n"));
}

static void test_save(void **state)
{
    char *path = scratch_path("new/folder/saved.yaml");
    struct profile *p = profile_new(NULL);
    struct error e = ERROR_INIT;
    struct stat status;

    (void)state;
    assert_true(profile_save(p, path, false, &e));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0644);
    assert_false(profile_save(p, path, false, &e));
    assert_int_equal(e.code, ERROR_SYSTEM);
    assert_int_equal(chmod(path, 0600), 0);
    assert_true(profile_save(p, path, true, &e));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    profile_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_key),
        cmocka_unit_test(test_several_keys_at_once),
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_a_bad_value_changes_nothing),
        cmocka_unit_test(test_mode_and_link_stay),
        cmocka_unit_test(test_save),
    };

    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
