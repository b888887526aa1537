/* SPDX-License-Identifier: Apache-2.0 */
/* Where Signet keeps things, and files that others must not write or read. */
#ifndef SIGNET_BASE_PATH_H
#define SIGNET_BASE_PATH_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "base/error.h"

/* "$XDG_CONFIG_HOME/signet" or "$HOME/.config/signet" (XDG Base Directory Specification 0.8). New
 * string, freed by the caller. NULL: ERROR_USAGE when neither variable is an absolute path. */
char *path_config_dir(struct error *e);

/* "/var/lib/signet" where it exists and can be written, else "$XDG_STATE_HOME/signet" or
 * "$HOME/.local/state/signet". `*shared` says whether all users of the machine see it. */
char *path_state_dir(bool *shared, struct error *e);

/* The same for locks: "/run/signet", else the state folder. */
char *path_lock_dir(bool *shared, struct error *e);

/* "a/b"; when `b` is absolute, a copy of `b`. New string, freed by the caller; NULL: ERROR_MEMORY.
 */
char *path_join(const char *a, const char *b, struct error *e);

/* The folder part of `path` ("." where there is none). New string, freed by the caller. */
char *path_parent(const char *path, struct error *e);

/* mkdir -p; folders that it makes get `mode`. */
bool path_make_folders(const char *path, mode_t mode, struct error *e);

/* False, with the chmod to type, when a user other than the owner (or root) may write the file or
 * put another in its place: group or others may write it or its folder (a sticky folder is fine),
 * or it belongs to someone else than us or root. `code` is the error to give: ERROR_PROFILE,
 * ERROR_PIN_SOURCE. */
bool path_others_cannot_write(const char *path, enum error_code code, struct error *e);

/* False, with the chmod to type, when another user can reach and read the file. */
bool path_others_cannot_read(const char *path, enum error_code code, struct error *e);

/* Reads a whole small file; more than `limit` bytes is ERROR_FORMAT. */
bool path_read_file(const char *path, size_t limit, struct buffer *out, struct error *e);

/* Replaces a small file in one step (see base/tempfile.h), with `mode`. */
bool path_write_file(const char *path, const void *bytes, size_t length, mode_t mode,
                     struct error *e);

/* fsync of a folder, so that renames in it survive a power cut. Best effort: some file systems have
 * none. */
void path_sync_folder(const char *path);

#endif
