/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzzers of signed formats share: a file out of bytes is judged, signed in every way, and
 * what was signed must be good. A rule that is broken ends the program. */
#ifndef SIGNET_TESTS_SIGNING_FUZZ_H
#define SIGNET_TESTS_SIGNING_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "sign/format.h"

/* `format`: of files that this fuzzer makes. A file that was not signed before must come
 * back bit for bit once its signature is taken out; an installer's, only where its signature has a
 * note, else as a good file. */
void signing_fuzz(const struct format *format, const uint8_t *data, size_t size);

#endif
