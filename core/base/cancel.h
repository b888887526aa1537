/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A wish to stop. One thread or signal handler makes it, the ones that work look for it
 * wherever they wait or loop. NULL means that nobody can cancel.
 */
#ifndef SIGNET_BASE_CANCEL_H
#define SIGNET_BASE_CANCEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct cancel {
    atomic_bool requested;
};

#define CANCEL_INIT                                                                                \
    {                                                                                              \
        false                                                                                      \
    }

/* Async-signal-safe. */
static inline void cancel_request(struct cancel *c)
{
    atomic_store(&c->requested, true);
}

static inline bool cancel_requested(struct cancel *c)
{
    return c != NULL && atomic_load(&c->requested);
}

#endif
