/* SPDX-License-Identifier: Apache-2.0 */
/* A signature where a file keeps it: DER, padded to some length. */
#ifndef SIGNET_SIGN_SIGNATURE_IO_H
#define SIGNET_SIGN_SIGNATURE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

/* Reads the DER element that begins at `at`, where the file has `length` bytes for it; what follows
 * it there is left out, and `*stuffed` becomes true when that is more than zeros. ERROR_FORMAT: it
 * is no DER, or longer than FORMAT_SIGNATURE_MAX; ERROR_SYSTEM; ERROR_MEMORY. `where` is for
 * messages ("its certificate table"), which leave the file's name to the caller. */
bool signature_io_read(int fd, uint64_t at, uint64_t length, const char *where,
                       struct buffer *signature, bool *stuffed, struct error *e);

/* The same of bytes that were read already: they are cut where the element ends. */
bool signature_io_trim(struct buffer *signature, const char *where, bool *stuffed, struct error *e);

/* Whether all of them are zero. */
bool signature_io_blank(const uint8_t *bytes, size_t length);

/* Whether a signature may be added to one of which signature_io_read said that it is `stuffed`.
 * ERROR_UNSUPPORTED: what stands there would be lost, in the file `name`. */
bool signature_io_may_add(bool stuffed, const char *name, struct error *e);

#endif
