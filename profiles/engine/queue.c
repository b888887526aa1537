/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/engine/queue.h"

#include <assert.h>

void queue_init(struct queue *q, size_t limit, unsigned producers)
{
    assert(limit >= 1 && limit <= QUEUE_MAX);
    pthread_mutex_init(&q->mutex, NULL);
    pthread_cond_init(&q->filled, NULL);
    pthread_cond_init(&q->emptied, NULL);
    q->first = q->count = 0;
    q->limit = limit;
    q->producers = producers;
}

void queue_destroy(struct queue *q)
{
    pthread_mutex_destroy(&q->mutex);
    pthread_cond_destroy(&q->filled);
    pthread_cond_destroy(&q->emptied);
}

void queue_limit(struct queue *q, size_t limit)
{
    assert(limit >= 1 && limit <= QUEUE_MAX);
    pthread_mutex_lock(&q->mutex);
    q->limit = limit;
    pthread_cond_broadcast(&q->emptied);
    pthread_mutex_unlock(&q->mutex);
}

void queue_push(struct queue *q, void *item)
{
    pthread_mutex_lock(&q->mutex);
    while (q->count >= q->limit)
        pthread_cond_wait(&q->emptied, &q->mutex);
    q->item[(q->first + q->count++) % QUEUE_MAX] = item;
    pthread_cond_signal(&q->filled);
    pthread_mutex_unlock(&q->mutex);
}

void *queue_pop(struct queue *q)
{
    void *item = NULL;

    pthread_mutex_lock(&q->mutex);
    while (q->count == 0 && q->producers > 0)
        pthread_cond_wait(&q->filled, &q->mutex);
    if (q->count > 0) {
        item = q->item[q->first];
        q->first = (q->first + 1) % QUEUE_MAX;
        q->count--;
        pthread_cond_signal(&q->emptied);
    }
    pthread_mutex_unlock(&q->mutex);
    return item;
}

void queue_leave(struct queue *q)
{
    pthread_mutex_lock(&q->mutex);
    q->producers--;
    pthread_cond_broadcast(&q->filled);
    pthread_mutex_unlock(&q->mutex);
}
