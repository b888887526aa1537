/* SPDX-License-Identifier: Apache-2.0 */
/* A file is the old one or the new one, never half of one, and nothing is left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/tempfile.h"
#include "scratch.h"

static bool put(struct tempfile *t, const char *text)
{
    return write(tempfile_fd(t), text, strlen(text)) == (ssize_t)strlen(text);
}

static bool holds(const char *path, const char *text)
{
    char bytes[100] = "";
    int fd = open(path, O_RDONLY);
    ssize_t got = fd < 0 ? -1 : read(fd, bytes, sizeof bytes - 1);

    close(fd);
    return got == (ssize_t)strlen(text) && strcmp(bytes, text) == 0;
}

/* Commits "new" over `path`; what the file system has to offer decides how. */
static bool replaces(const char *path, bool replace, struct error *e)
{
    struct tempfile *t = tempfile_open(path, e);
    bool done = t != NULL && put(t, "new") && tempfile_commit(t, replace, e);

    tempfile_free(&t);
    return done && t == NULL;
}

static void commits(void **state)
{
    struct error e = ERROR_INIT;
    struct stat status;

    (void)state;
    assert_int_equal(mkdir(scratch_path("c"), 0755), 0);
    scratch_write(scratch_path("c/file"), "old", 0644);
    assert_true(replaces(scratch_path("c/file"), true, &e));
    assert_true(holds(scratch_path("c/file"), "new"));
    assert_int_equal(stat(scratch_path("c/file"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(status.st_nlink, 1);
    assert_true(replaces(scratch_path("c/other"), false, &e));
    assert_true(holds(scratch_path("c/other"), "new"));
    assert_true(replaces(scratch_path("c/third"), true, &e));
    assert_int_equal(scratch_count(scratch_path("c")), 3);
}

static void refuses_to_replace(void **state)
{
    struct error e = ERROR_INIT;

    (void)state;
    assert_int_equal(mkdir(scratch_path("n"), 0755), 0);
    scratch_write(scratch_path("n/file"), "old", 0644);
    assert_false(replaces(scratch_path("n/file"), false, &e));
    assert_int_equal(e.code, ERROR_SYSTEM);
    assert_int_equal(e.detail, EEXIST);
    assert_true(holds(scratch_path("n/file"), "old"));
    assert_int_equal(scratch_count(scratch_path("n")), 1);
}

static void leaves_nothing(void **state)
{
    struct error e = ERROR_INIT;
    struct tempfile *t;

    (void)state;
    assert_int_equal(mkdir(scratch_path("l"), 0755), 0);
    scratch_write(scratch_path("l/file"), "old", 0644);
    t = tempfile_open(scratch_path("l/file"), &e);
    assert_true(put(t, "new"));
    tempfile_free(&t);
    assert_null(t);
    tempfile_free(&t);
    assert_true(holds(scratch_path("l/file"), "old"));
    assert_int_equal(scratch_count(scratch_path("l")), 1);
    /* A target that a rename cannot replace. */
    t = tempfile_open(scratch_path("l/folder"), &e);
    assert_true(put(t, "new"));
    assert_int_equal(mkdir(scratch_path("l/folder"), 0755), 0);
    assert_false(tempfile_commit(t, true, &e));
    tempfile_free(&t);
    assert_int_equal(scratch_count(scratch_path("l")), 2);
}

/* Who may write in /dev would lose /dev/null by an output of that name. */
static void leaves_what_is_no_file(void **state)
{
    struct error e = ERROR_INIT;
    struct stat status;

    (void)state;
    assert_int_equal(mkdir(scratch_path("d"), 0755), 0);
    assert_int_equal(mkdir(scratch_path("d/folder"), 0755), 0);
    assert_int_equal(mkfifo(scratch_path("d/pipe"), 0600), 0);
    assert_int_equal(symlink("/dev/null", scratch_path("d/null")), 0);
    scratch_write(scratch_path("d/file"), "old", 0644);
    assert_true(freopen(scratch_path("d/file"), "r", stdin) == stdin);
    assert_int_equal(symlink("/proc/self/fd/0", scratch_path("d/stdin")), 0);
    assert_null(tempfile_open(scratch_path("d/folder"), &e));
    assert_non_null(strstr(e.text, "is a folder"));
    assert_null(tempfile_open(scratch_path("d/pipe"), &e));
    assert_int_equal(e.code, ERROR_UNSUPPORTED);
    assert_null(tempfile_open(scratch_path("d/null"), &e));
    assert_null(tempfile_open(scratch_path("d/stdin"), &e));
    assert_true(tempfile_may_take(scratch_path("d/file"), &e));
    assert_true(tempfile_may_take(scratch_path("d/none"), &e));
    assert_int_equal(lstat(scratch_path("d/pipe"), &status), 0);
    assert_true(S_ISFIFO(status.st_mode));
    assert_int_equal(scratch_count(scratch_path("d")), 5);
}

static void bad_targets(void **state)
{
    struct error e = ERROR_INIT;

    (void)state;
    assert_null(tempfile_open(scratch_path("no/where"), &e));
    assert_int_equal(e.detail, ENOENT);
    assert_null(tempfile_open(scratch_path(""), &e));
    assert_int_equal(e.detail, EISDIR);
}

static void long_name(void **state)
{
    char name[256];
    struct error e = ERROR_INIT;

    (void)state;
    memset(name, 'n', 255);
    name[255] = '\0';
    assert_int_equal(chdir(scratch), 0);
    assert_true(replaces(name, true, &e));
    assert_true(replaces(name, true, &e));
    assert_int_equal(unlink(name), 0);
    assert_int_equal(chdir("/"), 0);
}

static void replaces_links(void **state)
{
    struct error e = ERROR_INIT;

    (void)state;
    scratch_write(scratch_path("pointed-to"), "old", 0644);
    assert_int_equal(symlink("pointed-to", scratch_path("link")), 0);
    assert_true(replaces(scratch_path("link"), true, &e));
    assert_true(holds(scratch_path("link"), "new"));
    assert_true(holds(scratch_path("pointed-to"), "old"));
}

static void keeps_mode_and_attributes(void **state)
{
    const char *path = scratch_path("kept");
    struct error e = ERROR_INIT;
    struct stat like, status;
    struct tempfile *t;
    char value[10] = "";
    bool attributes;

    (void)state;
    scratch_write(path, "old", 04751);
    attributes = setxattr(path, "user.signet-test", "yes", 3, 0) == 0;
    assert_int_equal(stat(path, &like), 0);
    t = tempfile_open(path, &e);
    assert_true(tempfile_copy_mode(t, &like, &e));
    assert_true(tempfile_commit(t, true, &e));
    tempfile_free(&t);
    assert_int_equal(stat(path, &status), 0);
    assert_int_not_equal(status.st_ino, like.st_ino);
    assert_int_equal(status.st_mode, like.st_mode);
    assert_int_equal(status.st_uid, like.st_uid);
    assert_int_equal(status.st_gid, like.st_gid);
    if (attributes) {
        assert_int_equal(getxattr(path, "user.signet-test", value, sizeof value), 3);
        assert_string_equal(value, "yes");
    }
}

static int in_child(int (*work)(void))
{
    pid_t child = fork();
    int status = -1;

    if (child == 0)
        _exit(work());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static char drop_folder[256];

/* As a user who may give nothing away, signs a file of root's. */
static int copy_foreign_mode(void)
{
    struct stat like = {.st_mode = S_IFREG | 06775, .st_uid = 0, .st_gid = 0}, status;
    struct tempfile *t;

    if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0))
        return 10;
    if (chdir(drop_folder) != 0)
        return 11;
    t = tempfile_open("file", NULL);
    if (t == NULL || !tempfile_copy_mode(t, &like, NULL) || fstat(tempfile_fd(t), &status) != 0)
        return 12;
    tempfile_free(&t);
    return (status.st_mode & 07777) == 0705 ? 0 : 1;
}

static void drops_bits_of_a_lost_owner(void **state)
{
    (void)state;
    strcpy(drop_folder, scratch_path("drop"));
    assert_int_equal(mkdir(drop_folder, 0755), 0);
    assert_int_equal(chmod(drop_folder, 0777), 0);
    assert_int_equal(in_child(copy_foreign_mode), 0);
}

static bool filter(const struct sock_fprog *program)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program) == 0;
}

/* Makes this process see a file system without O_TMPFILE: openat with that flag fails. */
static bool forbid_tmpfile(void)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_TMPFILE & ~O_DIRECTORY, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };

    return filter(&(struct sock_fprog){.len = sizeof steps / sizeof *steps, .filter = steps});
}

static int work_without_tmpfile(void)
{
    struct error e = ERROR_INIT;
    struct tempfile *t;

    if (!forbid_tmpfile() || openat(AT_FDCWD, drop_folder, O_TMPFILE | O_RDWR, 0600) >= 0)
        return 10;
    if (chdir(drop_folder) != 0)
        return 11;
    t = tempfile_open("file", &e);
    if (t == NULL || scratch_count(".") != 1 || !put(t, "draft"))
        return 1;
    tempfile_free(&t);
    if (scratch_count(".") != 0)
        return 2;
    if (!replaces("file", false, &e) || !holds("file", "new") || scratch_count(".") != 1)
        return 3;
    if (replaces("file", false, &e) || e.detail != EEXIST || scratch_count(".") != 1)
        return 4;
    if (!replaces("file", true, &e) || !holds("file", "new") || scratch_count(".") != 1)
        return 5;
    return 0;
}

static void works_without_tmpfile(void **state)
{
    (void)state;
    strcpy(drop_folder, scratch_path("old-fs"));
    assert_int_equal(mkdir(drop_folder, 0755), 0);
    assert_int_equal(in_child(work_without_tmpfile), 0);
}

/* What stands at `name` under a lock, as of a process that writes it; -1: it cannot be had. */
static int lock_file(const char *name)
{
    int fd;

    scratch_write(name, "half", 0600);
    fd = open(name, O_RDONLY);
    return flock(fd, LOCK_EX | LOCK_NB) == 0 ? fd : -1;
}

/* In an empty folder. Returns the number of the step that went wrong. */
static int clear_left(void)
{
    struct error e = ERROR_INIT;
    int held;

    if (chdir(drop_folder) != 0)
        return 1;
    scratch_write(".file.signet-1", "half", 0600);
    scratch_write(".file.signet-2", "half", 0400);
    scratch_write(".fil.signet-1", "half", 0600);
    if (!replaces("file", true, &e) || access(".file.signet-1", F_OK) == 0 ||
        access(".file.signet-2", F_OK) == 0)
        return 2;
    if (scratch_count(".") != 2 || unlink(".fil.signet-1") != 0)
        return 3;
    /* A process writes it at this moment, under the first name. */
    held = lock_file(".file.signet-1");
    scratch_write(".file.signet-2", "half", 0600);
    if (held < 0 || !replaces("file", true, &e) || !holds(".file.signet-1", "half") ||
        scratch_count(".") != 2)
        return 4;
    if (close(held) != 0 || !replaces("file", true, &e) || scratch_count(".") != 1)
        return 5;
    /* Where the file was not written. */
    scratch_write(".file.signet-1", "half", 0600);
    if (replaces("file", false, &e) || scratch_count(".") != 1)
        return 6;
    return 0;
}

/* What only has the name. */
static int leave_others(void)
{
    struct error e = ERROR_INIT;
    struct stat status;

    if (chdir(drop_folder) != 0)
        return 11;
    scratch_write("precious", "kept", 0600);
    if (symlink("precious", ".file.signet-1") != 0 || mkfifo(".file.signet-2", 0600) != 0 ||
        mkdir(".file.signet-3", 0700) != 0)
        return 12;
    if (!replaces("file", true, &e) || !holds("file", "new") || !holds("precious", "kept"))
        return 13;
    if (lstat(".file.signet-1", &status) != 0 || !S_ISLNK(status.st_mode) ||
        lstat(".file.signet-2", &status) != 0 || !S_ISFIFO(status.st_mode) ||
        lstat(".file.signet-3", &status) != 0 || !S_ISDIR(status.st_mode))
        return 14;
    return scratch_count(".") == 5 ? 0 : 15;
}

/* Another user's is not ours, in a folder where it could be removed. */
static int leave_foreign(void)
{
    struct error e = ERROR_INIT;

    if (geteuid() != 0)
        return 0;
    if (chdir(drop_folder) != 0)
        return 21;
    scratch_write(".file.signet-1", "theirs", 0666);
    if (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0)
        return 22;
    return replaces("file", true, &e) && holds("file", "new") &&
                   holds(".file.signet-1", "theirs") && scratch_count(".") == 2
               ? 0
               : 23;
}

static int (*work_in_old)(void);

static int in_old(void)
{
    return forbid_tmpfile() ? work_in_old() : 100;
}

/* In a folder of its own, on a file system with O_TMPFILE (where it has it) and without. */
static void in_both(const char *name, int (*work)(void))
{
    char folder[100];

    for (int old = 0; old < 2; old++) {
        snprintf(folder, sizeof folder, "%s-%d", name, old);
        strcpy(drop_folder, scratch_path(folder));
        assert_int_equal(mkdir(drop_folder, 0755), 0);
        assert_int_equal(chmod(drop_folder, 0777), 0);
        work_in_old = work;
        assert_int_equal(in_child(old ? in_old : work), 0);
    }
}

static void clears_what_was_left(void **state)
{
    (void)state;
    in_both("left", clear_left);
}

static void leaves_what_is_not_ours(void **state)
{
    (void)state;
    in_both("others", leave_others);
    in_both("foreign", leave_foreign);
}

static int told[2];

static void tell_and_wait(int signal)
{
    (void)signal;
    if (write(told[1], "!", 1) == 1)
        for (;;)
            pause();
}

/* Its rename never comes: it tells that it is there, and waits. */
static int hang_before_rename(void)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#ifdef SYS_renameat
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat, 1, 0),
#endif
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };

    signal(SIGSYS, tell_and_wait);
    if (filter(&(struct sock_fprog){.len = sizeof steps / sizeof *steps, .filter = steps}))
        replaces("file", true, NULL);
    return 1;
}

/* A process stands between its file's hidden name and the rename; then it is killed there. */
static int survive_kill(void)
{
    struct error e = ERROR_INIT;
    pid_t child;
    char byte;

    if (chdir(drop_folder) != 0 || pipe(told) != 0)
        return 31;
    scratch_write("file", "old", 0644);
    child = fork();
    if (child == 0)
        _exit(hang_before_rename());
    close(told[1]);
    if (child < 0 || read(told[0], &byte, 1) != 1 || !holds(".file.signet-1", "new") ||
        !holds("file", "old"))
        return 32;
    if (!replaces("file", true, &e) || !holds(".file.signet-1", "new") || scratch_count(".") != 2)
        return 33;
    if (kill(child, SIGKILL) != 0 || waitpid(child, NULL, 0) != child ||
        !holds(".file.signet-1", "new"))
        return 34;
    return replaces("file", true, &e) && scratch_count(".") == 1 ? 0 : 35;
}

static void survives_kill(void **state)
{
    (void)state;
    in_both("killed", survive_kill);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commits),
        cmocka_unit_test(refuses_to_replace),
        cmocka_unit_test(leaves_nothing),
        cmocka_unit_test(leaves_what_is_no_file),
        cmocka_unit_test(bad_targets),
        cmocka_unit_test(long_name),
        cmocka_unit_test(replaces_links),
        cmocka_unit_test(keeps_mode_and_attributes),
        cmocka_unit_test(drops_bits_of_a_lost_owner),
        cmocka_unit_test(works_without_tmpfile),
        cmocka_unit_test(clears_what_was_left),
        cmocka_unit_test(leaves_what_is_not_ours),
        cmocka_unit_test(survives_kill),
    };

    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
