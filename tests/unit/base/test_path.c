/* SPDX-License-Identifier: Apache-2.0 */
/* Folders by environment, and who else can read or change a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "scratch.h"

static void joins(void **state)
{
    static const struct {
        const char *a, *b, *path, *parent;
    } cases[] = {
        {"/etc", "signet", "/etc/signet", "/etc"},
        {"a/b", "c", "a/b/c", "a/b"},
        {"a", "/abs", "/abs", "/"},
        {"/x", "/", "/", "/"},
    };
    char *parent = path_parent("file", NULL);

    (void)state;
    assert_string_equal(parent, ".");
    free(parent);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path = path_join(cases[i].a, cases[i].b, NULL);

        parent = path_parent(path, NULL);
        assert_string_equal(path, cases[i].path);
        assert_string_equal(parent, cases[i].parent);
        free(path);
        free(parent);
    }
}

static void set(const char *name, const char *value)
{
    if (value == NULL)
        unsetenv(name);
    else
        setenv(name, value, 1);
}

static void user_folders(void **state)
{
    static const struct {
        const char *home, *xdg, *config, *state;
    } cases[] = {
        {"/home/a", NULL, "/home/a/.config/signet", "/home/a/.local/state/signet"},
        {"/home/a", "/x", "/x/signet", "/x/signet"},
        {NULL, "/x", "/x/signet", "/x/signet"},
        {"/home/a", "relative", "/home/a/.config/signet", "/home/a/.local/state/signet"},
        {"/home/a", "", "/home/a/.config/signet", "/home/a/.local/state/signet"},
        {"relative", NULL, NULL, NULL},
        {NULL, NULL, NULL, NULL},
    };
    bool machine_state = access("/var/lib/signet", W_OK | X_OK) == 0;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error e = ERROR_INIT;
        bool shared = !machine_state;
        char *config, *folder;

        set("HOME", cases[i].home);
        set("XDG_CONFIG_HOME", cases[i].xdg);
        set("XDG_STATE_HOME", cases[i].xdg);
        config = path_config_dir(&e);
        if (cases[i].config == NULL) {
            assert_null(config);
            assert_int_equal(e.code, ERROR_USAGE);
        } else {
            assert_string_equal(config, cases[i].config);
        }
        folder = path_state_dir(&shared, &e);
        assert_int_equal(shared, machine_state);
        if (machine_state)
            assert_string_equal(folder, "/var/lib/signet");
        else if (cases[i].state == NULL)
            assert_null(folder);
        else
            assert_string_equal(folder, cases[i].state);
        free(config);
        free(folder);
    }
}

static void makes_folders(void **state)
{
    struct error e = ERROR_INIT;
    struct stat status;

    (void)state;
    assert_true(path_make_folders(scratch_path("made/of/several"), 0700, &e));
    assert_true(path_make_folders(scratch_path("made/of/several"), 0700, &e));
    assert_true(path_make_folders(scratch_path("made//of/more/"), 0700, &e));
    assert_int_equal(stat(scratch_path("made/of/several"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_int_equal(stat(scratch_path("made/of/more"), &status), 0);
    scratch_write(scratch_path("made/file"), "", 0600);
    assert_false(path_make_folders(scratch_path("made/file"), 0700, &e));
    assert_int_equal(e.detail, ENOTDIR);
    assert_false(path_make_folders(scratch_path("made/file/below"), 0700, &e));
    assert_false(path_make_folders("", 0700, &e));
}

/* A file in a folder of its own, both with the modes of the case. */
static char *file_with_modes(const char *name, unsigned folder, unsigned file)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", scratch, name);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/%s/pin", scratch, name);
    scratch_write(path, "x", file);
    assert_int_equal(chmod(scratch_path(name), folder), 0);
    return path;
}

/* `change`: what chmod should do, to the file or (`to_folder`) its folder; NULL: nothing. */
struct modes {
    const char *label;
    unsigned folder, file;
    const char *change;
    bool to_folder;
};

static void check_modes(const struct modes *m,
                        bool (*check)(const char *, enum error_code, struct error *))
{
    struct error e = ERROR_INIT;
    char expected[512];
    bool good = check(file_with_modes(m->label, m->folder, m->file), ERROR_PIN_SOURCE, &e);

    if (m->change == NULL) {
        assert_string_equal(e.text, "");
        assert_true(good);
        return;
    }
    assert_false(good);
    assert_int_equal(e.code, ERROR_PIN_SOURCE);
    snprintf(expected, sizeof expected, ": chmod %s %s/%s%s", m->change, scratch, m->label,
             m->to_folder ? "" : "/pin");
    assert_non_null(strstr(e.text, expected));
    assert_int_equal(strlen(strstr(e.text, expected)), strlen(expected));
}

static void writers(void **state)
{
    static const struct modes cases[] = {
        {"w1", 0755, 0644, NULL, false},   {"w2", 0700, 0600, NULL, false},
        {"w3", 0755, 0664, "go-w", false}, {"w4", 0755, 0646, "go-w", false},
        {"w5", 0775, 0644, "go-w", true},  {"w6", 0757, 0600, "go-w", true},
        {"w7", 01777, 0644, NULL, false},  {"w8", 01777, 0666, "go-w", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_modes(&cases[i], path_others_cannot_write);
}

static void readers(void **state)
{
    static const struct modes cases[] = {
        {"r1", 0755, 0600, NULL, false},     {"r2", 0755, 0400, NULL, false},
        {"r3", 0755, 0640, "go-rwx", false}, {"r4", 0755, 0604, "go-rwx", false},
        {"r5", 0700, 0644, NULL, false},     {"r6", 0710, 0644, "go-rwx", false},
        {"r7", 0701, 0640, "go-rwx", false}, {"r8", 0744, 0644, NULL, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_modes(&cases[i], path_others_cannot_read);
}

static void advice_is_quoted(void **state)
{
    char *file = file_with_modes("two words", 0755, 0666);
    struct error e = ERROR_INIT;
    char expected[512];

    (void)state;
    assert_false(path_others_cannot_write(file, ERROR_PROFILE, &e));
    snprintf(expected, sizeof expected, ": chmod go-w '%s'", file);
    assert_non_null(strstr(e.text, expected));
}

/* Whoever may exchange the link may exchange the file. */
static void link_in_open_folder(void **state)
{
    char *file = file_with_modes("good", 0755, 0644);
    struct error e = ERROR_INIT;

    (void)state;
    assert_true(path_others_cannot_write(file, ERROR_PROFILE, &e));
    assert_int_equal(mkdir(scratch_path("open"), 0700), 0);
    assert_int_equal(chmod(scratch_path("open"), 0777), 0);
    assert_int_equal(symlink(file, scratch_path("open/link")), 0);
    assert_false(path_others_cannot_write(scratch_path("open/link"), ERROR_PROFILE, &e));
    assert_non_null(strstr(e.text, "chmod go-w"));
    assert_non_null(strstr(e.text, "/open"));
    /* For reading, only where the file really is counts. */
    assert_int_equal(chmod(file, 0600), 0);
    assert_true(path_others_cannot_read(scratch_path("open/link"), ERROR_PROFILE, &e));
}

static void relative_paths(void **state)
{
    struct error e = ERROR_INIT;
    char *file = file_with_modes("here", 0755, 0644), old[4096];

    (void)state;
    assert_non_null(getcwd(old, sizeof old));
    assert_int_equal(chdir(scratch_path("here")), 0);
    assert_true(path_others_cannot_write("pin", ERROR_PROFILE, &e));
    assert_true(path_others_cannot_write("../here/pin", ERROR_PROFILE, &e));
    assert_int_equal(chmod(".", 0777), 0);
    assert_false(path_others_cannot_write("pin", ERROR_PROFILE, &e));
    assert_int_equal(chmod(file, 0666), 0);
    assert_int_equal(chdir(old), 0);
}

static void missing_file(void **state)
{
    struct error e = ERROR_INIT;

    (void)state;
    assert_false(path_others_cannot_read(scratch_path("nowhere"), ERROR_PIN_SOURCE, &e));
    assert_int_equal(e.code, ERROR_PIN_SOURCE);
    assert_non_null(strstr(e.text, "No such file"));
    assert_false(path_others_cannot_write(scratch_path("nowhere"), ERROR_PROFILE, &e));
    assert_int_equal(e.code, ERROR_PROFILE);
}

/* Files of another user; only root can make one here. */
static void other_owner(void **state)
{
    char *file = file_with_modes("theirs", 0755, 0600);
    struct error e = ERROR_INIT;

    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chown(file, 54321, 0), 0);
    assert_false(path_others_cannot_write(file, ERROR_PROFILE, &e));
    assert_non_null(strstr(e.text, "54321"));
    assert_false(path_others_cannot_read(file, ERROR_PROFILE, &e));
    assert_non_null(strstr(e.text, "chown"));
    /* A closed folder of theirs hides nothing from them. */
    assert_int_equal(chown(file, 0, 0), 0);
    assert_int_equal(chmod(file, 0644), 0);
    assert_int_equal(chmod(scratch_path("theirs"), 0700), 0);
    assert_true(path_others_cannot_read(file, ERROR_PROFILE, &e));
    assert_int_equal(chown(scratch_path("theirs"), 54321, 0), 0);
    assert_false(path_others_cannot_read(file, ERROR_PROFILE, &e));
}

static void reads_and_writes(void **state)
{
    const char *path = scratch_path("small");
    struct buffer b = BUFFER_INIT;
    struct error e = ERROR_INIT;
    struct stat status;

    (void)state;
    assert_true(path_write_file(path, "12345", 5, 0640, &e));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
    buffer_append_text(&b, "<");
    assert_true(path_read_file(path, 5, &b, &e));
    assert_string_equal(buffer_text(&b), "<12345");
    assert_false(path_read_file(path, 4, &b, &e));
    assert_int_equal(e.code, ERROR_FORMAT);
    assert_true(path_write_file(path, "", 0, 0600, &e));
    buffer_reset(&b);
    assert_true(path_read_file(path, 0, &b, &e));
    assert_int_equal(b.length, 0);
    assert_false(path_read_file(scratch, 100, &b, &e));
    assert_non_null(strstr(e.text, "folder"));
    assert_false(path_read_file(scratch_path("nowhere"), 100, &b, &e));
    assert_int_equal(e.detail, ENOENT);
    assert_false(path_read_file("/dev/zero", 100000, &b, &e));
    assert_int_equal(e.code, ERROR_FORMAT);
    assert_false(path_write_file(scratch_path("no/where"), "x", 1, 0600, &e));
    buffer_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joins),
        cmocka_unit_test(user_folders),
        cmocka_unit_test(makes_folders),
        cmocka_unit_test(writers),
        cmocka_unit_test(readers),
        cmocka_unit_test(advice_is_quoted),
        cmocka_unit_test(link_in_open_folder),
        cmocka_unit_test(relative_paths),
        cmocka_unit_test(missing_file),
        cmocka_unit_test(other_owner),
        cmocka_unit_test(reads_and_writes),
    };

    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
