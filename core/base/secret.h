/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PIN, or any other secret of a token. Its bytes live in locked memory of
 * their own that no core dump and no forked child gets; they are wiped when it
 * is freed. While one exists the process does not dump core.
 */
#ifndef SIGNET_BASE_SECRET_H
#define SIGNET_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { SECRET_MAX = 1024 }; /* bytes */

struct secret;

/* A copy of `length` bytes (at most SECRET_MAX; 0 is allowed). NULL: ERROR_MEMORY, or ERROR_USAGE
 * when it is too long. The caller frees it with secret_free. */
struct secret *secret_new(const void *bytes, size_t length, struct error *e);

/* As secret_new, and wipes `bytes`, on failure too. */
struct secret *secret_take(void *bytes, size_t length, struct error *e);

/* An independent copy. */
struct secret *secret_dup(const struct secret *s, struct error *e);

/* Wipes and frees; takes NULL; sets *s to NULL. */
void secret_free(struct secret **s);

/* Valid until secret_free; not terminated. */
const uint8_t *secret_bytes(const struct secret *s);
size_t secret_length(const struct secret *s);

/* Wipes memory that held a part of a secret; never optimised away. */
void secret_wipe(void *bytes, size_t length);

/* For a program's start: no core dumps (RLIMIT_CORE 0) and, on Linux, not dumpable and not
 * traceable by others of the same user (PR_SET_DUMPABLE 0). */
void secret_harden_process(void);

#endif
