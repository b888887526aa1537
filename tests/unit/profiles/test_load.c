/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles on disk: found, refused, and what they use of others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include "../base/scratch.h"
#include "base/path.h"
#include "base/text.h"
#include "profiles/profile.h"

static char *named(const char *name)
{
    static char path[512];

    snprintf(path, sizeof path, "%s/signet/profiles/%s.yaml", scratch, name);
    return path;
}

static void put(const char *name, const char *text)
{
    scratch_write(named(name), text, 0644);
}

static int open_folder(void **state)
{
    struct error e = ERROR_INIT;

    if (scratch_open(state) != 0)
        return -1;
    setenv("XDG_CONFIG_HOME", scratch, 1);
    return !path_make_folders(scratch_path("signet/profiles"), 0755, &e);
}

/* The whole message, and that nothing comes of it. */
static void refused(const char *name, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void refused(const char *name, const char *format, ...)
{
    struct profile_problems problems = {0};
    struct error e = ERROR_INIT;
    struct profile *p = profile_load(name, &problems, &e);
    char *wanted = NULL;
    va_list args;

    va_start(args, format);
    assert_true(vasprintf(&wanted, format, args) > 0);
    va_end(args);
    assert_null(p);
    assert_int_equal(e.code, ERROR_PROFILE);
    assert_int_equal(problems.count, 1);
    assert_string_equal(problems.line[0], wanted);
    assert_string_equal(e.text, wanted);
    profile_problems_free(&problems);
    free(wanted);
}

static void test_use(void **state)
{
    struct error e = ERROR_INIT;
    struct profile *p;

    (void)state;
    put("room", "signet: 1\nmodule: softhsm2\nkey: pkcs11:token=a\npin: env:X\n"
                "description: not shared\ntries-left: 9\ncontainer: {name: c}\nchain: [c.pem]\n"
                "certificate: leaf.pem\nlimits: {sessions: 9}\n");
    scratch_write(scratch_path("app.yaml"), "signet: 1\nuse: room\nfiles: [a]\n", 0644);
    p = profile_load(scratch_path("app.yaml"), NULL, &e);
    assert_non_null(p);
    assert_string_equal(p->module, "softhsm2");
    assert_string_equal(p->key, "pkcs11:token=a");
    assert_string_equal(p->pin, "env:X");
    assert_int_equal(p->tries_left, 9);
    assert_string_equal(p->container_name, "c");
    assert_int_equal(p->chain.count, 1);
    assert_string_equal(p->chain.item[0], scratch_path("signet/profiles/c.pem"));
    assert_string_equal(p->certificate, scratch_path("signet/profiles/leaf.pem"));
    assert_null(p->description);
    assert_int_equal(p->sessions, 1);
    assert_string_equal(p->name, "app");
    profile_free(&p);
}

static void test_own_values_go_first(void **state)
{
    struct error e = ERROR_INIT;
    struct profile *p;

    (void)state;
    put("room", "signet: 1\nmodule: softhsm2\nkey: pkcs11:token=a\npin: env:X\nchain: [c.pem]\n");
    put("own", "signet: 1\nuse: room\nkey: pkcs11:token=b\npin: env:Y\nchain: [d.pem]\n");
    p = profile_load("own", NULL, &e);
    assert_non_null(p);
    assert_string_equal(p->key, "pkcs11:token=b");
    assert_int_equal(p->chain.count, 1);
    assert_string_equal(p->chain.item[0], scratch_path("signet/profiles/d.pem"));
    assert_string_equal(p->pin, "env:Y");
    profile_free(&p);
}

/* Whoever writes a repository's profile does not get the machine's PIN into code of theirs. */
static void test_a_pin_stays_with_its_module(void **state)
{
    struct error e = ERROR_INIT;
    struct profile *p;

    (void)state;
    put("room", "signet: 1\nmodule: softhsm2\nkey: pkcs11:token=a\npin: env:X\n");
    put("evil", "signet: 1\nuse: room\nmodule: ./evil.so\n");
    refused("evil",
            "%s:3:9: module: %s/signet/profiles/./evil.so: the PIN of 'room' goes to its own "
            "module only; leave module out, or name a pin here too",
            named("evil"), scratch);
    /* Nor is it tried on a token of their choice. */
    put("other", "signet: 1\nuse: room\nkey: pkcs11:token=b\n");
    refused("other",
            "%s:3:6: key: pkcs11:token=b: the PIN of 'room' goes to its own key only; leave key "
            "out, or name a pin here too",
            named("other"));
    put("last", "signet: 1\nuse: room\ntries-left: 2\n");
    refused("last", "%s:3:13: tries-left: whoever has the PIN says how far it may go",
            named("last"));
    put("same", "signet: 1\nuse: room\nmodule: softhsm2\n");
    p = profile_load("same", NULL, &e);
    assert_non_null(p);
    profile_free(&p);
    put("own-pin", "signet: 1\nuse: room\nmodule: ./mine.so\npin: prompt\n");
    p = profile_load("own-pin", NULL, &e);
    assert_non_null(p);
    assert_string_equal(p->pin, "prompt");
    profile_free(&p);
}

static void test_use_in_a_loop(void **state)
{
    (void)state;
    put("one", "signet: 1\nuse: two\n");
    put("two", "signet: 1\n\nuse: three\n");
    put("three", "signet: 1\nname: x\nuse:   one\n");
    refused("one", "%s:3:8: use: one: profiles use each other in a loop", named("three"));
    put("self", "signet: 1\nuse: self\n");
    refused("self", "%s:2:6: use: self: profiles use each other in a loop", named("self"));
}

static void test_use_in_a_long_chain(void **state)
{
    struct error e = ERROR_INIT;
    struct profile *p;
    char name[8], text[64];

    (void)state;
    put("n0", "signet: 1\npin: env:X\n");
    for (int i = 1; i <= 20; i++) {
        snprintf(name, sizeof name, "n%d", i);
        snprintf(text, sizeof text, "signet: 1\nuse: n%d\n", i - 1);
        put(name, text);
    }
    p = profile_load("n8", NULL, &e);
    assert_non_null(p);
    assert_string_equal(p->pin, "env:X");
    profile_free(&p);
    refused("n20", "%s:2:6: use: n11: profiles use each other in too long a chain", named("n12"));
}

static void test_use_of_what_is_not_there(void **state)
{
    (void)state;
    put("room", "signet: 1\n");
    put("typo", "signet: 1\nuse: romm\n");
    refused("typo",
            "%s:2:6: use: romm: there is no profile 'romm' in %s/signet/profiles or "
            "/etc/signet/profiles; did you mean 'room'?",
            named("typo"), scratch);
    put("bad", "signet: 1\nno-such: 1\n");
    put("of-bad", "signet: 1\nuse: bad\n");
    refused("of-bad", "%s:2:1: no-such: unknown key", named("bad"));
}

/* A repository does not choose the machine's token: `use` is a name, never a path. */
static void test_use_is_no_path(void **state)
{
    (void)state;
    assert_int_equal(chdir(scratch), 0);
    scratch_write(scratch_path("here.yaml"), "signet: 1\n", 0644);
    put("local", "signet: 1\nuse: here.yaml\n");
    refused("local",
            "%s:2:6: use: here.yaml: there is no profile 'here.yaml' in %s/signet/profiles or "
            "/etc/signet/profiles; signet profile new makes one",
            named("local"), scratch);
}

static void test_files_that_are_refused(void **state)
{
    char *open = named("open"), *large;

    (void)state;
    put("open", "signet: 1\n");
    assert_int_equal(chmod(open, 0666), 0);
    refused("open", "%s:1:1: '%s' may be written by others: chmod go-w %s", open, open, open);
    assert_int_equal(chmod(open, 0644), 0);
    assert_int_equal(mkdir(named("folder"), 0755), 0);
    refused("folder", "%s:1:1: '%s' is a folder, not a file", named("folder"), named("folder"));
    assert_int_equal(mkfifo(named("pipe"), 0644), 0);
    refused("pipe", "%s:1:1: '%s' is a device or a pipe, not a file", named("pipe"), named("pipe"));
    refused("./none.yaml", "./none.yaml:1:1: cannot open './none.yaml': No such file or directory");
    large = calloc(1, PROFILE_MAX + 2);
    memset(large, '#', PROFILE_MAX + 1);
    put("large", large);
    free(large);
    refused("large", "%s:1:1: '%s' is larger than 1048576 bytes", named("large"), named("large"));
}

static void test_an_unreadable_file(void **state)
{
    (void)state;
    put("secret", "signet: 1\n");
    assert_int_equal(chmod(named("secret"), 0), 0);
    /* Root reads everything: then another user's is what cannot be used. */
    if (geteuid() == 0) {
        assert_int_equal(chown(named("secret"), 12345, 12345), 0);
        refused("secret",
                "%s:1:1: '%s' belongs to user 12345, who may change it; take it over with chown",
                named("secret"), named("secret"));
    } else {
        refused("secret", "%s:1:1: cannot open '%s': Permission denied", named("secret"),
                named("secret"));
    }
}

static void test_all_mistakes_at_once(void **state)
{
    struct profile_problems problems = {0};
    struct error e = ERROR_INIT;

    (void)state;
    put("many", "signet: 2\nfiles: x\nno-such: 1\n");
    assert_null(profile_load("many", &problems, &e));
    assert_int_equal(problems.count, 3);
    assert_non_null(strstr(e.text, "(and 2 more; signet profile check names them all)"));
    profile_problems_free(&problems);
    e = (struct error)ERROR_INIT;
    assert_null(profile_load("many", NULL, &e));
    assert_non_null(strstr(e.text, "(and 2 more; "));
}

static void test_relative_paths(void **state)
{
    struct error e = ERROR_INIT;
    struct profile *p;

    (void)state;
    assert_int_equal(chdir(scratch), 0);
    assert_int_equal(mkdir("repository", 0755), 0);
    scratch_write(scratch_path("repository/rel.yaml"),
                  "signet: 1\nmodule: lib/m.so\ncertificate: leaf.pem\nchain: [a.pem, /b.pem]\n"
                  "timestamp: {ca: [tsa.pem]}\n"
                  "pin: file:pin\nfiles: ['dist/*']\noutput: {directory: signed}\n",
                  0644);
    p = profile_load("repository/rel.yaml", NULL, &e);
    assert_non_null(p);
    assert_string_equal(p->module, scratch_path("repository/lib/m.so"));
    assert_string_equal(p->certificate, scratch_path("repository/leaf.pem"));
    assert_string_equal(p->chain.item[0], scratch_path("repository/a.pem"));
    assert_string_equal(p->chain.item[1], "/b.pem");
    assert_string_equal(p->timestamp_ca.item[0], scratch_path("repository/tsa.pem"));
    assert_int_equal(strncmp(p->pin, "file:/", 6), 0);
    assert_string_equal(p->pin + 5, scratch_path("repository/pin"));
    assert_string_equal(p->files.item[0], "dist/*");
    assert_string_equal(p->output_directory, "signed");
    profile_free(&p);
}

static void test_names(void **state)
{
    struct profile_list names, paths;
    struct error e = ERROR_INIT;
    struct profile *p;
    bool found = false, hidden = false;

    (void)state;
    put("one-name", "signet: 1\nname: another\n");
    put(".hidden", "signet: 1\n");
    scratch_write(scratch_path("short.yml"), "signet: 1\n", 0644);
    p = profile_load("one-name", NULL, &e);
    assert_non_null(p);
    assert_string_equal(p->name, "another");
    profile_free(&p);
    p = profile_load(scratch_path("short.yml"), NULL, &e);
    assert_non_null(p);
    assert_string_equal(p->name, "short.yml");
    profile_free(&p);
    assert_true(profile_all(&names, &paths, &e));
    assert_int_equal(names.count, paths.count);
    for (size_t i = 0; i < names.count; i++) {
        found = found || (strcmp(names.item[i], "one-name") == 0 &&
                          strcmp(paths.item[i], named("one-name")) == 0);
        hidden = hidden || names.item[i][0] == '.';
    }
    assert_true(found);
    assert_false(hidden);
    profile_list_free(&names);
    profile_list_free(&paths);
    assert_null(profile_find("one-nmae", &e));
    assert_int_equal(e.code, ERROR_PROFILE);
    assert_non_null(strstr(e.text, "did you mean 'one-name'?"));
}

/* As an editor has it, before it is in the file. */
static void test_text_in_place_of_a_file(void **state)
{
    struct profile_problems problems = {0};
    struct error e = ERROR_INIT;
    struct profile *p;

    (void)state;
    put("room", "signet: 1\npin: env:X\n");
    p = profile_load_text(named("not-yet"), "signet: 1\nuse: room\n", 20, NULL, &e);
    assert_non_null(p);
    assert_string_equal(p->pin, "env:X");
    profile_free(&p);
    assert_null(profile_load_text(named("room"), "signet: 1\nuse: room\n", 20, &problems, &e));
    assert_non_null(strstr(problems.line[0], ":2:6: use: room: profiles use each other in a loop"));
    profile_problems_free(&problems);
    assert_null(profile_load_text(named("room"), NULL, 0, NULL, &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_use),
        cmocka_unit_test(test_own_values_go_first),
        cmocka_unit_test(test_a_pin_stays_with_its_module),
        cmocka_unit_test(test_use_in_a_loop),
        cmocka_unit_test(test_use_in_a_long_chain),
        cmocka_unit_test(test_use_of_what_is_not_there),
        cmocka_unit_test(test_use_is_no_path),
        cmocka_unit_test(test_files_that_are_refused),
        cmocka_unit_test(test_an_unreadable_file),
        cmocka_unit_test(test_all_mistakes_at_once),
        cmocka_unit_test(test_relative_paths),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_text_in_place_of_a_file),
    };

    return cmocka_run_group_tests(tests, open_folder, scratch_close);
}
