/* SPDX-License-Identifier: Apache-2.0 */
/* Files that take their place in one step. */
#include "base/tempfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/path.h"
#include "base/text.h"

enum { XATTR_LIST_MAX = 65536, XATTR_VALUE_MAX = 65536 };

struct tempfile {
    int fd;
    int folder;
    char *target; /* as given, for messages */
    char *name;   /* the target's name in the folder */
    char *hidden; /* the name that the file has until it is committed; NULL while it has none */
};

static char *hidden_name(const char *name, struct error *e)
{
    uint64_t random = 0;
    char *hidden;

    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random) {
        error_set_errno(e, "no random bytes");
        return NULL;
    }
    /* File names end at 255 bytes. */
    hidden = text_format(".%.200s.signet-%016llx", name, (unsigned long long)random);
    if (hidden == NULL)
        error_set_memory(e);
    return hidden;
}

static bool open_hidden(struct tempfile *t, struct error *e)
{
    t->hidden = hidden_name(t->name, e);
    if (t->hidden == NULL)
        return false;
    t->fd = openat(t->folder, t->hidden, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (t->fd >= 0)
        return true;
    error_set_errno(e, "cannot write beside '%s'", t->target);
    free(t->hidden);
    t->hidden = NULL;
    return false;
}

static bool open_file(struct tempfile *t, struct error *e)
{
#ifdef O_TMPFILE
    /* Only through /proc can a nameless file be given a name without privileges. */
    if (access("/proc/self/fd", X_OK) == 0)
        t->fd = openat(t->folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (t->fd >= 0)
        return true;
#endif
    return open_hidden(t, e);
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
    if (t->name[0] == '\0') {
        errno = EISDIR;
        error_set_errno(e, "cannot write '%s'", target);
        tempfile_free(&t);
        goto out;
    }
    t->folder = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (t->folder < 0)
        error_set_errno(e, "cannot open the folder '%s'", parent);
    else if (open_file(t, e))
        goto out;
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

/* Gives a nameless file the name `name`, which must be free. */
static bool link_as(struct tempfile *t, const char *name)
{
    char self[64];

    if (t->hidden != NULL)
        return linkat(t->folder, t->hidden, t->folder, name, 0) == 0;
    snprintf(self, sizeof self, "/proc/self/fd/%d", t->fd);
    return linkat(AT_FDCWD, self, t->folder, name, AT_SYMLINK_FOLLOW) == 0;
}

static void drop_hidden(struct tempfile *t)
{
    if (t->hidden != NULL)
        unlinkat(t->folder, t->hidden, 0);
    free(t->hidden);
    t->hidden = NULL;
}

/* linkat cannot replace, so the file is linked under a hidden name first and then renamed. */
static bool replace_target(struct tempfile *t, struct error *e)
{
    if (t->hidden == NULL) {
        char *hidden = hidden_name(t->name, e);

        if (hidden == NULL)
            return false;
        if (!link_as(t, hidden)) {
            error_set_errno(e, "cannot write beside '%s'", t->target);
            free(hidden);
            return false;
        }
        t->hidden = hidden;
    }
    if (renameat(t->folder, t->hidden, t->folder, t->name) != 0)
        return error_set_errno(e, "cannot replace '%s'", t->target);
    free(t->hidden);
    t->hidden = NULL;
    return true;
}

bool tempfile_place(struct tempfile *t, bool replace, struct error *e)
{
    if (fsync(t->fd) != 0)
        return error_set_errno(e, "cannot write '%s' to the disk", t->target);
    if (replace)
        return replace_target(t, e);
    if (!link_as(t, t->name))
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
