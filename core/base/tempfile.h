/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that comes into being whole. It has no name until it is committed (O_TMPFILE, where the
 * file system has it); then it takes the place of the target in one rename.
 *
 * For the moment before that rename, and from the start where there is no O_TMPFILE, the new file
 * of NAME stands beside it as ".NAME.signet-1" (NAME cut after 200 bytes; -2 and so on where
 * several processes write it at once), under a lock (flock) that ends with its process. What a
 * killed one left under the first two of these names, or under others while those are in use, goes
 * when the same target is opened the next time: a regular file of this user (root: of any) that
 * nobody has locked. The folder is not read for that. Nothing goes where the file system has no
 * locks.
 */
#ifndef SIGNET_BASE_TEMPFILE_H
#define SIGNET_BASE_TEMPFILE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"

struct tempfile;

/* True where nothing is at `target`, or a file that can be replaced. ERROR_UNSUPPORTED: a folder,
 * or a device, a pipe or another name of an open descriptor (/dev/null, /dev/stdout): a file in its
 * place would be its end. */
bool tempfile_may_take(const char *target, struct error *e);

/* A new empty file in the folder of `target`, for reading and writing. Clears away what a killed
 * process left of an earlier one. NULL: ERROR_SYSTEM, and as tempfile_may_take. Freed with
 * tempfile_free. */
struct tempfile *tempfile_open(const char *target, struct error *e);

/* Its descriptor; stays the tempfile's. */
int tempfile_fd(const struct tempfile *t);

/* Gives it mode, owner (where we may) and extended attributes that matter of `like`. Without this
 * the mode is 0600. A setuid or setgid bit is dropped when the owner could not be kept. */
bool tempfile_copy_mode(struct tempfile *t, const struct stat *like, struct error *e);

/* Waits until all of it is on the disk, as the two below do else; for a caller who has something to
 * look at between that and the rename. Nothing is written, nor the mode changed, after it.
 * ERROR_SYSTEM. */
bool tempfile_sync(struct tempfile *t, struct error *e);

/* fsync, then takes the place of the target; a symbolic link is replaced, not followed. `replace`
 * false: fails with ERROR_SYSTEM (EEXIST) when the target exists. The rename is made durable with
 * an fsync of the folder. */
bool tempfile_commit(struct tempfile *t, bool replace, struct error *e);

/* The same without the folder's fsync: after a power cut the old file may be there, whole. For many
 * files in one folder, whose caller makes it durable once, with path_sync_folder. */
bool tempfile_place(struct tempfile *t, bool replace, struct error *e);

/* Closes; what was not committed is gone. Takes NULL; sets *t to NULL. */
void tempfile_free(struct tempfile **t);

#endif
