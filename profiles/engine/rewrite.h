/* SPDX-License-Identifier: Apache-2.0 */
/* One file that is read and written anew, in place or elsewhere: the old one or the new one stands
 * there at any time. */
#ifndef SIGNET_PROFILES_ENGINE_REWRITE_H
#define SIGNET_PROFILES_ENGINE_REWRITE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/tempfile.h"

struct rewrite {
    const char *file, *target; /* the caller's */
    int input;
    struct stat status; /* of the input */
    bool in_place;      /* the target is the input, or was when the run began */
    struct tempfile *output;
};

/* Opens a regular file for reading alone; -1: ERROR_SYSTEM, ERROR_UNSUPPORTED. */
int rewrite_open_input(const char *file, struct stat *status, struct error *e);

/* Copies all of `input`, which `file` names in messages, into the empty `output`. */
bool rewrite_copy(int input, const char *file, int output, struct error *e);

/* True when `path` leads to the file of this status. */
bool rewrite_is_file(const char *path, const struct stat *status);

/* Before the file of this status is replaced: whether `path` leads to it still, and nothing has
 * written it since. ERROR_FORMAT, with `name` for the file: what stands there now would be lost. */
bool rewrite_may_replace(const char *path, const struct stat *status, const char *name,
                         struct error *e);

/* Opens `file`, and a temporary file for `target`, whose folder is made where it is missing.
 * `in_place`: the target is meant to be the file itself. Whatever it returns, *r is closed by
 * rewrite_close. */
bool rewrite_open(struct rewrite *r, const char *file, const char *target, bool in_place,
                  struct error *e);

/* The descriptor to write to: empty, for reading too. */
int rewrite_fd(const struct rewrite *r);

/* What was written takes the target's place, with the mode and owner of the input. ERROR_FORMAT: in
 * place, and something has changed the input meanwhile. */
bool rewrite_commit(struct rewrite *r, struct error *e);

/* The target is to be as the input is: nothing where it is the same file, else a copy. ERROR_FORMAT
 * as rewrite_commit: what was judged is not there any more. */
bool rewrite_keep(struct rewrite *r, struct error *e);

/* What was not committed is gone. */
void rewrite_close(struct rewrite *r);

#endif
