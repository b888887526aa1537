/* SPDX-License-Identifier: Apache-2.0 */
#include "token/pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_RESTING = 64 };

struct host_pool {
    pthread_mutex_t mutex;
    struct host *resting[MOST_RESTING];
    size_t count;
};

struct host_pool *host_pool_new(struct error *e)
{
    struct host_pool *pool = calloc(1, sizeof *pool);

    if (pool == NULL)
        error_set_memory(e);
    else
        pthread_mutex_init(&pool->mutex, NULL);
    return pool;
}

/* One module may be named by two paths: p11-kit's folder holds links. Two hosts of it would be at
 * one card. */
static bool same_module(const char *a, const char *b)
{
    struct stat x, y;

    return strcmp(a, b) == 0 ||
           (stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino);
}

/* Takes one out; path NULL: any. The mutex is held. */
static struct host *take(struct host_pool *pool, const char *path)
{
    for (size_t i = 0; i < pool->count; i++) {
        struct host *h = pool->resting[i];

        if (path != NULL && !same_module(host_module_path(h), path))
            continue;
        pool->resting[i] = pool->resting[--pool->count];
        return h;
    }
    return NULL;
}

static struct host *take_locked(struct host_pool *pool, const char *path)
{
    struct host *h;

    pthread_mutex_lock(&pool->mutex);
    h = take(pool, path);
    pthread_mutex_unlock(&pool->mutex);
    return h;
}

struct host *host_pool_take(struct host_pool *pool, const char *path, struct cancel *cancel,
                            struct error *e)
{
    struct host *h = pool == NULL ? NULL : take_locked(pool, path);

    /* One that died while it rested. */
    if (h != NULL && !host_alive(h))
        host_stop(&h);
    return h != NULL ? h : host_start(path, cancel, e);
}

void host_pool_give(struct host_pool *pool, struct host **h)
{
    struct host *other = NULL;

    if (*h == NULL)
        return;
    if (pool != NULL && host_alive(*h)) {
        pthread_mutex_lock(&pool->mutex);
        other = take(pool, host_module_path(*h));
        if (pool->count < MOST_RESTING) {
            pool->resting[pool->count++] = *h;
            *h = NULL;
        }
        pthread_mutex_unlock(&pool->mutex);
    }
    host_stop(h);
    host_stop(&other);
}

void host_pool_drop(struct host_pool *pool, const char *path)
{
    struct host *h;

    while ((h = take_locked(pool, path)) != NULL)
        host_stop(&h);
}

void host_pool_free(struct host_pool **pool)
{
    if (*pool == NULL)
        return;
    host_pool_drop(*pool, NULL);
    pthread_mutex_destroy(&(*pool)->mutex);
    free(*pool);
    *pool = NULL;
}
