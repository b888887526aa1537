/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts that rest between the operations of one program, so that the next one need not start its
 * module anew. The console has a pool; a verb has none. Any thread may use it; a host that is
 * taken belongs to the taker alone.
 */
#ifndef SIGNET_TOKEN_POOL_H
#define SIGNET_TOKEN_POOL_H

#include "token/host.h"

struct host_pool;

/* NULL: no memory. */
struct host_pool *host_pool_new(struct error *e);

/* A host for the module at `path`: one that rests, or as host_start. Pool NULL: host_start. */
struct host *host_pool_take(struct host_pool *pool, const char *path, struct cancel *cancel,
                            struct error *e);

/* Lets it rest, where it is alive and none for its module rests yet; else stops it. Pool NULL:
 * host_stop. Takes NULL; sets *h to NULL. */
void host_pool_give(struct host_pool *pool, struct host **h);

/* Stops the resting hosts of the module at `path`, or of all (NULL): the next one starts anew. */
void host_pool_drop(struct host_pool *pool, const char *path);

/* Stops all that rest. Takes NULL; sets *pool to NULL. */
void host_pool_free(struct host_pool **pool);

#endif
