/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/path.h"

char *state_folder(const char *name, bool lock, struct error *e)
{
    bool shared;
    char *base = lock ? path_lock_dir(&shared, e) : path_state_dir(&shared, e);
    char *path = base == NULL ? NULL : path_join(base, name, e);

    if (path != NULL && !path_make_folders(path, shared ? 0770 : 0700, e)) {
        free(path);
        path = NULL;
    }
    free(base);
    return path;
}

/* What the folder grants its group, the file does. */
static mode_t mode_for(const char *path)
{
    struct stat status;
    char *parent = path_parent(path, NULL);
    bool group = parent != NULL && stat(parent, &status) == 0 && (status.st_mode & S_IWGRP);

    free(parent);
    return group ? 0660 : 0600;
}

int state_open(const char *path, int more_flags, struct error *e)
{
    int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | more_flags;
    int fd = open(path, flags);

    if (fd < 0 && errno == ENOENT) {
        mode_t mode = mode_for(path);

        fd = open(path, flags | O_CREAT | O_EXCL, mode);
        if (fd >= 0)
            fchmod(fd, mode); /* whatever the umask says */
        else if (errno == EEXIST)
            fd = open(path, flags);
    }
    if (fd < 0)
        error_set_errno(e, "cannot open '%s'", path);
    return fd;
}

int state_lock(int fd, bool wait, struct error *e)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int result;

    do
        result = fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &whole);
    while (result != 0 && errno == EINTR);
    if (result == 0)
        return 1;
    if (errno == EAGAIN || errno == EACCES)
        return 0;
    error_set_errno(e, "cannot lock a file of Signet's state");
    return -1;
}
