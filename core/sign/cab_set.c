/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/cab_set.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

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

static bool missing(const struct neighbour *n)
{
    return error_set(n->e, ERROR_FORMAT,
                     "'%s' is number %u of a set of cabinets, but the %s one, '%s', is not in its "
                     "folder; put the whole set there",
                     n->path, n->h->number + 1, n->which, n->name);
}

static int open_neighbour(const struct neighbour *n)
{
    char *folder = path_parent(n->path, n->e);
    int at = folder == NULL ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = at < 0 ? -1 : open_there(at, n->name);

    if (fd < 0 && at >= 0 && errno == ENOENT)
        fd = open_other_case(folder, n->name);
    if (fd < 0 && folder != NULL && errno == ENOENT)
        missing(n);
    else if (fd < 0 && folder != NULL)
        error_set_errno(n->e, "'%s': cannot read '%s', the %s cabinet of its set", n->path, n->name,
                        n->which);
    if (at >= 0)
        close(at);
    free(folder);
    return fd;
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

static bool check(const struct neighbour *n)
{
    bool good;
    int fd;

    if (!is_plain(n->name))
        return error_set(n->e, ERROR_FORMAT,
                         "'%s': the %s cabinet of its set is said to be '%s', which is no name of "
                         "a file",
                         n->path, n->which, n->name);
    fd = open_neighbour(n);
    if (fd < 0)
        return false;
    good = is_neighbour(n, fd);
    close(fd);
    return good || error_set(n->e, ERROR_FORMAT,
                             "'%s': '%s' in its folder is not the %s cabinet of its set (number %u "
                             "of set %u); put the whole set there",
                             n->path, n->name, n->which, n->number + 1, n->h->set);
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
