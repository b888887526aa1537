/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/file_io.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

bool file_io_read(int fd, void *out, size_t size, uint64_t offset)
{
    uint8_t *at = out;

    while (size > 0) {
        ssize_t got = pread(fd, at, size, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            errno = 0;
        if (got <= 0)
            return false;
        at += got;
        size -= (size_t)got;
        offset += (uint64_t)got;
    }
    return true;
}

bool file_io_write(int fd, const void *bytes, size_t size, uint64_t offset)
{
    const uint8_t *at = bytes;

    while (size > 0) {
        ssize_t put = pwrite(fd, at, size, (off_t)offset);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        at += put;
        size -= (size_t)put;
        offset += (uint64_t)put;
    }
    return true;
}

/* Whether these bytes stand there now. */
static bool holds(int fd, const void *bytes, size_t size, uint64_t offset)
{
    const uint8_t *wanted = bytes;
    uint8_t piece[4096];

    for (size_t at = 0; at < size;) {
        size_t length = size - at < sizeof piece ? size - at : sizeof piece;

        if (!file_io_read(fd, piece, length, offset + at) ||
            memcmp(piece, wanted + at, length) != 0)
            return false;
        at += length;
    }
    return true;
}

bool file_io_put(int fd, const void *bytes, size_t size, uint64_t offset, const char *name,
                 struct error *e)
{
    if (!file_io_write(fd, bytes, size, offset))
        return error_set_errno(e, "cannot write the new '%s'", name);
    return holds(fd, bytes, size, offset) ||
           error_set(e, ERROR_SYSTEM, "'%s': what was written at byte %llu does not stand there",
                     name, (unsigned long long)offset);
}

bool file_io_unchanged(int fd, const struct stat *before, const char *name, struct error *e)
{
    struct stat now;

    if (fstat(fd, &now) == 0 && now.st_size == before->st_size &&
        now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
        now.st_mtim.tv_nsec == before->st_mtim.tv_nsec)
        return true;
    return error_set(e, ERROR_FORMAT,
                     "'%s': it was changed while it was read; sign it again when nothing else "
                     "writes it",
                     name);
}

bool file_io_error(struct error *e, const char *name, const char *what)
{
    if (errno != 0)
        return error_set_errno(e, "cannot read '%s'", name);
    return error_set(e, ERROR_FORMAT, "'%s': %s", name, what);
}
