/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of a regular file at a place, all of them or an error. */
#ifndef SIGNET_SIGN_FILE_IO_H
#define SIGNET_SIGN_FILE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"

/* `size` bytes from `offset`. False with errno, which is 0 where the file ends before. */
bool file_io_read(int fd, void *out, size_t size, uint64_t offset);

/* False with errno. */
bool file_io_write(int fd, const void *bytes, size_t size, uint64_t offset);

/* Writes, and looks whether it stands there then. ERROR_SYSTEM; `name` is for messages. */
bool file_io_put(int fd, const void *bytes, size_t size, uint64_t offset, const char *name,
                 struct error *e);

/* Whether size and time of change are still as they were. ERROR_FORMAT. */
bool file_io_unchanged(int fd, const struct stat *before, const char *name, struct error *e);

/* After a file_io_read that said false: ERROR_SYSTEM with errno, or ERROR_FORMAT with `what` where
 * the file ended. Returns false. */
bool file_io_error(struct error *e, const char *name, const char *what);

#endif
