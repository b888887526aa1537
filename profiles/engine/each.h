/* SPDX-License-Identifier: Apache-2.0 */
/* The same work for many files, several at once. */
#ifndef SIGNET_PROFILES_ENGINE_EACH_H
#define SIGNET_PROFILES_ENGINE_EACH_H

#include <stddef.h>

#include "base/cancel.h"

struct each {
    size_t count;
    void (*work)(void *data, size_t index); /* by several threads */
    void *data;
    struct cancel *cancel; /* what was begun is finished */
};

/* How many threads that is: hashing wants every core. */
enum { EACH_MOST_WORKERS = 8 };
unsigned each_workers(void);

/* Calls `work` for 0, 1, 2 … `count` - 1, in this order, and returns when all are done. */
void each_run(const struct each *e);

#endif
