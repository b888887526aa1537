/* SPDX-License-Identifier: Apache-2.0 */
/* Files that take their place in one step. */
#include "base/tempfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/path.h"
#include "base/text.h"

enum { XATTR_LIST_MAX = 65536, XATTR_VALUE_MAX = 65536 };

/* Hidden names of one target: more than one is in use only where several processes write it at
 * once. LOOKED_AT: those that a killed process is expected under. */
enum { HIDDEN_LOOKED_AT = 2, HIDDEN_MAX = 1000 };

struct tempfile {
    int fd;
    int folder;
    bool synced;  /* all of it is on the disk */
    char *target; /* as given, for messages */
    char *name;   /* the target's name in the folder */
    char *hidden; /* the name that the file has until it is committed; NULL while it has none */
};

static char *hidden_name(const struct tempfile *t, unsigned number, struct error *e)
{
    /* File names end at 255 bytes. */
    char *hidden = text_format(".%.200s.signet-%u", t->name, number);

    if (hidden == NULL)
        error_set_memory(e);
    return hidden;
}

/* The lock tells others that we live; a killed process has none any more. flock, since it asks for
 * no right to write, which a finished file may not give. False: another has it. Where the file
 * system knows no locks nobody gets one, and nobody clears anything away. */
static bool lock(int fd)
{
    int result;

    do
        result = flock(fd, LOCK_EX | LOCK_NB);
    while (result != 0 && errno == EINTR);
    return result == 0 || errno != EWOULDBLOCK;
}

static bool leads_to(int folder, const char *name, int fd)
{
    struct stat there, opened;

    return fstatat(folder, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &opened) == 0 &&
           there.st_dev == opened.st_dev && there.st_ino == opened.st_ino;
}

/* A regular file of this user. root gives its own to the owner of the original. */
static bool may_be_ours(int folder, const char *name)
{
    struct stat status;

    return fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode) &&
           (status.st_uid == geteuid() || geteuid() == 0);
}

static int open_left(int folder, const char *name)
{
    const int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    /* To write: NFS locks nothing else. */
    int fd = openat(folder, name, O_RDWR | flags);

    return fd >= 0 ? fd : openat(folder, name, O_RDONLY | flags);
}

/* Removes what a killed process left under this name. Only who holds the lock of a file may take
 * its name away, so what the name leads to cannot change in between. */
static bool clear_left(int folder, const char *name)
{
    int fd = may_be_ours(folder, name) ? open_left(folder, name) : -1;
    bool cleared = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && may_be_ours(folder, name) &&
                   leads_to(folder, name, fd) && unlinkat(folder, name, 0) == 0;

    if (fd >= 0)
        close(fd);
    return cleared;
}

static bool clear_all_left(const struct tempfile *t, struct error *e)
{
    for (unsigned i = 1; i <= HIDDEN_LOOKED_AT; i++) {
        char *name = hidden_name(t, i, e);

        if (name == NULL)
            return false;
        clear_left(t->folder, name);
        free(name);
    }
    return true;
}

/* Gives the file the first hidden name that is free. `take` returns 0 or an errno, EEXIST where the
 * name is in use. */
static bool take_hidden(struct tempfile *t, int (*take)(struct tempfile *t, const char *name),
                        struct error *e)
{
    int why = EEXIST;

    for (unsigned i = 1; why == EEXIST && i <= HIDDEN_MAX; i++) {
        char *name = hidden_name(t, i, e);

        if (name == NULL)
            return false;
        why = take(t, name);
        if (why == EEXIST && clear_left(t->folder, name))
            why = take(t, name);
        if (why == 0)
            t->hidden = name;
        else
            free(name);
    }
    errno = why;
    return why == 0 || error_set_errno(e, "cannot write beside '%s'", t->target);
}

static int create_as(struct tempfile *t, const char *name)
{
    t->fd = openat(t->folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (t->fd < 0)
        return errno;
    if (lock(t->fd) && leads_to(t->folder, name, t->fd))
        return 0;
    /* Before it had its lock another process took it for one that was left. */
    close(t->fd);
    t->fd = -1;
    return EEXIST;
}

static bool open_file(struct tempfile *t, struct error *e)
{
#ifdef O_TMPFILE
    /* Only through /proc can a nameless file be given a name without privileges. */
    if (access("/proc/self/fd", X_OK) == 0)
        t->fd = openat(t->folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (t->fd >= 0) {
        lock(t->fd); /* while it has no name, and nobody else can */
        return true;
    }
#endif
    return take_hidden(t, create_as, e);
}

/* /dev/stdout and its like are links to what is open, which may be a file. */
static bool is_descriptor(const char *target)
{
    static const char descriptors[] = "/proc/self/fd/";
    char link[sizeof descriptors] = "";

    return readlink(target, link, sizeof link - 1) == (ssize_t)sizeof link - 1 &&
           strcmp(link, descriptors) == 0;
}

bool tempfile_may_take(const char *target, struct error *e)
{
    struct stat there;

    if (is_descriptor(target))
        there.st_mode = S_IFCHR;
    else if (stat(target, &there) != 0)
        return true;
    if (S_ISDIR(there.st_mode))
        return error_set(e, ERROR_UNSUPPORTED, "'%s' is a folder; name a file in it", target);
    return S_ISREG(there.st_mode) ||
           error_set(e, ERROR_UNSUPPORTED,
                     "'%s' is a device, a pipe or the like, and not replaced; name a file", target);
}

static bool open_folder(struct tempfile *t, const char *folder, struct error *e)
{
    if (t->name[0] == '\0') {
        errno = EISDIR;
        return error_set_errno(e, "cannot write '%s'", t->target);
    }
    t->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return t->folder >= 0 || error_set_errno(e, "cannot open the folder '%s'", folder);
}

struct tempfile *tempfile_open(const char *target, struct error *e)
{
    struct tempfile *t = calloc(1, sizeof *t);
    char *parent = path_parent(target, e);
    const char *slash = strrchr(target, '/');

    if (t != NULL)
        t->fd = t->folder = -1;
    if (t == NULL || parent == NULL)
        goto memory;
    t->target = strdup(target);
    t->name = strdup(slash == NULL ? target : slash + 1);
    if (t->target == NULL || t->name == NULL)
        goto memory;
    if (!open_folder(t, parent, e) || !tempfile_may_take(target, e) || !clear_all_left(t, e) ||
        !open_file(t, e))
        tempfile_free(&t);
    goto out;
memory:
    error_set_memory(e);
    tempfile_free(&t);
out:
    free(parent);
    return t;
}

int tempfile_fd(const struct tempfile *t)
{
    return t->fd;
}

/* The user's own attributes, and the ACL where it still speaks of the same group; the rest
 * (security.*, trusted.*) the system gives anew. */
static bool worth_keeping(const char *name, bool same_group)
{
    return strncmp(name, "user.", 5) == 0 ||
           (same_group && strcmp(name, "system.posix_acl_access") == 0);
}

/* Best effort: a file system without attributes is no reason not to sign. */
static void copy_attributes(int from, int to, bool same_group)
{
    char *names = malloc(XATTR_LIST_MAX), *value = malloc(XATTR_VALUE_MAX);
    ssize_t length = names == NULL ? -1 : flistxattr(from, names, XATTR_LIST_MAX);

    for (const char *name = names; value != NULL && length > 0;) {
        size_t size = strnlen(name, (size_t)length) + 1;

        if (worth_keeping(name, same_group)) {
            ssize_t got = fgetxattr(from, name, value, XATTR_VALUE_MAX);

            if (got >= 0)
                fsetxattr(to, name, value, (size_t)got, 0);
        }
        name += size;
        length -= (ssize_t)size;
    }
    free(names);
    free(value);
}

bool tempfile_copy_mode(struct tempfile *t, const struct stat *like, struct error *e)
{
    mode_t mode = like->st_mode & 07777;
    bool same_owner = fchown(t->fd, like->st_uid, like->st_gid) == 0;
    /* Not ours to give away: the group at least, where we are in it. */
    bool same_group = same_owner || fchown(t->fd, (uid_t)-1, like->st_gid) == 0;
    int original;

    if (!same_group)
        mode &= ~(mode_t)S_IRWXG;
    if (!same_owner)
        mode &= ~(mode_t)(S_ISUID | S_ISGID);
    if (fchmod(t->fd, mode) != 0)
        return error_set_errno(e, "cannot set the mode of '%s'", t->target);
    original = openat(t->folder, t->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (original >= 0) {
        copy_attributes(original, t->fd, same_group);
        close(original);
    }
    return true;
}

/* Gives the file a further name, which must be free. 0 or an errno. */
static int link_as(struct tempfile *t, const char *name)
{
    char self[64];
    int result;

    snprintf(self, sizeof self, "/proc/self/fd/%d", t->fd);
    result = t->hidden != NULL ? linkat(t->folder, t->hidden, t->folder, name, 0)
                               : linkat(AT_FDCWD, self, t->folder, name, AT_SYMLINK_FOLLOW);
    return result == 0 ? 0 : errno;
}

static void drop_hidden(struct tempfile *t)
{
    if (t->hidden != NULL && leads_to(t->folder, t->hidden, t->fd))
        unlinkat(t->folder, t->hidden, 0);
    free(t->hidden);
    t->hidden = NULL;
}

/* linkat cannot replace, so a nameless file is linked under a hidden name first and then renamed.
 * Where locks do not reach other machines, one of them may have taken the name. */
static bool replace_target(struct tempfile *t, struct error *e)
{
    if (t->hidden == NULL && !take_hidden(t, link_as, e))
        return false;
    if (!leads_to(t->folder, t->hidden, t->fd))
        return error_set(e, ERROR_SYSTEM,
                         "cannot replace '%s': another process removed '%s', which was to take its "
                         "place",
                         t->target, t->hidden);
    if (renameat(t->folder, t->hidden, t->folder, t->name) != 0)
        return error_set_errno(e, "cannot replace '%s'", t->target);
    free(t->hidden);
    t->hidden = NULL;
    return true;
}

bool tempfile_sync(struct tempfile *t, struct error *e)
{
    t->synced = t->synced || fsync(t->fd) == 0;
    return t->synced || error_set_errno(e, "cannot write '%s' to the disk", t->target);
}

bool tempfile_place(struct tempfile *t, bool replace, struct error *e)
{
    if (!tempfile_sync(t, e))
        return false;
    if (replace)
        return replace_target(t, e);
    errno = link_as(t, t->name);
    if (errno != 0)
        return error_set_errno(e, "cannot make '%s'", t->target);
    drop_hidden(t);
    return true;
}

bool tempfile_commit(struct tempfile *t, bool replace, struct error *e)
{
    if (!tempfile_place(t, replace, e))
        return false;
    /* Some file systems have no fsync for a folder; the file is in its place all the same. */
    if (fsync(t->folder) != 0 && errno != EINVAL && errno != ENOTSUP)
        return error_set_errno(e, "cannot write the folder of '%s' to the disk", t->target);
    return true;
}

void tempfile_free(struct tempfile **tempfile)
{
    struct tempfile *t = *tempfile;

    if (t == NULL)
        return;
    drop_hidden(t);
    if (t->fd >= 0)
        close(t->fd);
    if (t->folder >= 0)
        close(t->folder);
    free(t->target);
    free(t->name);
    free(t);
    *tempfile = NULL;
}
