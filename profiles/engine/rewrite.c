/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/engine/rewrite.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/path.h"

int rewrite_open_input(const char *file, struct stat *status, struct error *e)
{
    /* O_NONBLOCK: a pipe or device with nobody at its other end is refused, not waited for. */
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0 || fstat(fd, status) != 0)
        error_set_errno(e, "cannot open '%s'", file);
    else if (S_ISDIR(status->st_mode))
        error_set(e, ERROR_UNSUPPORTED, "'%s' is a folder; name the files in it", file);
    else if (!S_ISREG(status->st_mode))
        error_set(e, ERROR_UNSUPPORTED, "'%s' is not a regular file", file);
    else
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

bool rewrite_copy(int input, const char *file, int output, struct error *e)
{
    char piece[65536];
    off_t at = 0;
    ssize_t got;

    while ((got = pread(input, piece, sizeof piece, at)) > 0) {
        ssize_t put = pwrite(output, piece, (size_t)got, at);

        if (put <= 0)
            return error_set_errno(e, "cannot write a copy of '%s'", file);
        at += put;
    }
    if (got < 0)
        return error_set_errno(e, "cannot read '%s'", file);
    return ftruncate(output, at) == 0 || error_set_errno(e, "cannot write a copy of '%s'", file);
}

bool rewrite_is_file(const char *path, const struct stat *status)
{
    struct stat there;

    return stat(path, &there) == 0 && there.st_dev == status->st_dev &&
           there.st_ino == status->st_ino;
}

bool rewrite_may_replace(const char *path, const struct stat *status, const char *name,
                         struct error *e)
{
    struct stat there;

    if (stat(path, &there) == 0 && there.st_dev == status->st_dev &&
        there.st_ino == status->st_ino && there.st_size == status->st_size &&
        there.st_mtim.tv_sec == status->st_mtim.tv_sec &&
        there.st_mtim.tv_nsec == status->st_mtim.tv_nsec)
        return true;
    return error_set(
        e, ERROR_FORMAT,
        "'%s': it was changed, replaced or removed after it was read, so it is left as "
        "it is; the same command again takes it as it is now",
        name);
}

static bool make_folder(const char *target, struct error *e)
{
    char *folder = path_parent(target, e);
    bool made = folder != NULL && path_make_folders(folder, 0777, e);

    free(folder);
    return made;
}

bool rewrite_open(struct rewrite *r, const char *file, const char *target, bool in_place,
                  struct error *e)
{
    *r = (struct rewrite){.file = file, .target = target};
    r->input = rewrite_open_input(file, &r->status, e);
    if (r->input < 0 || !make_folder(target, e))
        return false;
    r->in_place = in_place || rewrite_is_file(target, &r->status);
    r->output = tempfile_open(target, e);
    return r->output != NULL;
}

int rewrite_fd(const struct rewrite *r)
{
    return tempfile_fd(r->output);
}

bool rewrite_commit(struct rewrite *r, struct error *e)
{
    /* The disk may take its time; after that the place is looked at. */
    return tempfile_copy_mode(r->output, &r->status, e) && tempfile_sync(r->output, e) &&
           (!r->in_place || rewrite_may_replace(r->target, &r->status, r->file, e)) &&
           tempfile_commit(r->output, true, e);
}

bool rewrite_keep(struct rewrite *r, struct error *e)
{
    if (r->in_place)
        return rewrite_may_replace(r->target, &r->status, r->file, e);
    return rewrite_copy(r->input, r->file, rewrite_fd(r), e) && rewrite_commit(r, e);
}

void rewrite_close(struct rewrite *r)
{
    tempfile_free(&r->output);
    if (r->input >= 0)
        close(r->input);
    r->input = -1;
}
