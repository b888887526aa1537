/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/cab/cab_set.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/path.h"
#include "sign/file_io.h"
#include "sign/le.h"

/* What is looked for. */
struct neighbour {
    const struct cab_headers *h;
    const char *path; /* of the cabinet that names it */
    const char *name;
    const char *which; /* "next" */
    unsigned number;
    unsigned flag; /* that it must have, since it names ours */
    struct error *e;
};

static int open_there(int folder, const char *name)
{
    /* O_NONBLOCK: a pipe of that name is no reason to wait. */
    return openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

/* A file whose name differs only in case; -1 with ENOENT: there is none. */
static int open_other_case(const char *folder, const char *name)
{
    DIR *listing = opendir(folder);
    const struct dirent *entry;
    int fd = -1;

    if (listing == NULL)
        return -1;
    errno = ENOENT;
    while (fd < 0 && (entry = readdir(listing)) != NULL)
        if (strcasecmp(entry->d_name, name) == 0)
            fd = open_there(dirfd(listing), entry->d_name);
    closedir(listing);
    return fd;
}

/* Only a plain name: what a cabinet says must not lead elsewhere. */
static bool is_plain(const char *name)
{
    return *name != '\0' && strpbrk(name, "/\\:") == NULL && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

static bool is_neighbour(const struct neighbour *n, int fd)
{
    struct stat status;
    uint8_t header[CAB_FIXED];

    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
           file_io_read(fd, header, sizeof header, 0) && memcmp(header, "MSCF", 4) == 0 &&
           le_16(header + CAB_AT_SET) == n->h->set && le_16(header + CAB_AT_NUMBER) == n->number &&
           (le_16(header + CAB_AT_FLAGS) & n->flag) != 0;
}

enum found { MISSING, UNREADABLE, ANOTHER, RIGHT };

/* UNREADABLE: with errno. */
static enum found look_in(const struct neighbour *n, const char *folder)
{
    int at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = at < 0 ? -1 : open_there(at, n->name);
    enum found found;

    if (fd < 0 && at >= 0 && errno == ENOENT)
        fd = open_other_case(folder, n->name);
    if (fd < 0)
        found = errno == ENOENT ? MISSING : UNREADABLE;
    else
        found = is_neighbour(n, fd) ? RIGHT : ANOTHER;
    if (at >= 0)
        close(at);
    if (fd >= 0)
        close(fd);
    return found;
}

/* ".../disk2" for ".../disk1", where makecab puts what does not fit the first disk; NULL: the
 * folder has no number, or no memory. */
static char *other_disk(const char *folder, int step)
{
    char *path = realpath(folder, NULL), *taken;
    size_t length = path == NULL ? 0 : strlen(path), digits = 0;
    struct buffer other = BUFFER_INIT;

    while (digits < length && path[length - 1 - digits] >= '0' && path[length - 1 - digits] <= '9')
        digits++;
    if (digits > 0 && digits < 5) {
        buffer_append(&other, path, length - digits);
        buffer_printf(&other, "%ld", strtol(path + length - digits, NULL, 10) + step);
    }
    free(path);
    taken = other.length == 0 ? NULL : buffer_take(&other);
    buffer_free(&other);
    return taken;
}

static enum found look_around(const struct neighbour *n, const char *folder)
{
    enum found found = look_in(n, folder);
    int error = errno;
    char *other = found == RIGHT ? NULL : other_disk(folder, (int)n->number - (int)n->h->number);

    if (other != NULL && look_in(n, other) == RIGHT)
        found = RIGHT;
    free(other);
    errno = error;
    return found;
}

static bool check(const struct neighbour *n)
{
    char *folder;
    enum found found;

    if (!is_plain(n->name))
        return error_set(n->e, ERROR_FORMAT,
                         "'%s': the %s cabinet of its set is said to be '%s', which is no name of "
                         "a file",
                         n->path, n->which, n->name);
    folder = path_parent(n->path, n->e);
    if (folder == NULL)
        return false;
    found = look_around(n, folder);
    free(folder);
    switch (found) {
    case RIGHT:
        return true;
    case ANOTHER:
        return error_set(n->e, ERROR_FORMAT,
                         "'%s': '%s' in its folder is not the %s cabinet of its set (number %u of "
                         "set %u); put the whole set there",
                         n->path, n->name, n->which, n->number + 1, n->h->set);
    case UNREADABLE:
        return error_set_errno(n->e, "'%s': cannot read '%s', the %s cabinet of its set", n->path,
                               n->name, n->which);
    default:
        return error_set(n->e, ERROR_FORMAT,
                         "'%s' is number %u of a set of cabinets, but the %s one, '%s', is not in "
                         "its folder; put the whole set there",
                         n->path, n->h->number + 1, n->which, n->name);
    }
}

bool cab_set_complete(const struct cab_headers *h, const char *path, struct error *e)
{
    const struct neighbour previous = {h,        path, h->previous, "previous", h->number - 1,
                                       CAB_NEXT, e};
    const struct neighbour next = {h, path, h->next, "next", h->number + 1, CAB_PREVIOUS, e};

    if (h->previous != NULL && h->number == 0)
        return error_set(e, ERROR_FORMAT,
                         "'%s' is said to be the first of a set of cabinets, and to have a "
                         "previous one",
                         path);
    return (h->previous == NULL || check(&previous)) && (h->next == NULL || check(&next));
}
