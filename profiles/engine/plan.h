/* SPDX-License-Identifier: Apache-2.0 */
/* Which files are to be signed, and where each goes. */
#ifndef SIGNET_PROFILES_ENGINE_PLAN_H
#define SIGNET_PROFILES_ENGINE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/error.h"
#include "profiles/profile.h"

struct plan_item {
    char *file;        /* as it was named */
    char *output;      /* what is written; the file itself (behind its links) when in place */
    char *description; /* of this file alone; NULL: the profile's */
    char *url;
    bool in_place;
    size_t same_as;    /* index of an item that is the same file (by device and inode) and gets the
                          same signature; else its own */
    struct stat *seen; /* ... and how the file was when that was seen; else NULL */
};

struct plan {
    struct plan_item *item;
    size_t count;
};

/* `names`: files, @LIST (a path a line), '-' (NDJSON jobs on standard input). Without names, the
 * patterns of the profile. `directory`: where outputs go; NULL: in place. ERROR_USAGE when a list
 * cannot be read, a pattern matches nothing, two files would get the same output, or one would be
 * written over another that is to be signed. A file that is missing is no error here: it fails when
 * its turn comes. */
bool plan_make(struct plan *out, const char *const *names, size_t count,
               const struct profile_list *patterns, const char *directory, struct error *e);

/* Of files whose names are just that, whatever they begin with. */
bool plan_files(struct plan *out, const char *const *names, size_t count, const char *directory,
                struct error *e);

/* Files that are only read: FILE and @LIST, without outputs. */
bool plan_read(struct plan *out, const char *const *names, size_t count, struct error *e);

void plan_free(struct plan *p);

/* Makes the folders of outputs that are not written in place: a job may name one of its own. */
bool plan_make_folders(const struct plan *plan, struct error *e);

#endif
