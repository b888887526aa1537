/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded queue between the stages of the engine: pushing waits while it is full, popping while
 * it is empty. */
#ifndef SIGNET_PROFILES_ENGINE_QUEUE_H
#define SIGNET_PROFILES_ENGINE_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

enum { QUEUE_MAX = 64 };

struct queue {
    pthread_mutex_t mutex;
    pthread_cond_t filled, emptied;
    void *item[QUEUE_MAX];
    size_t first, count, limit;
    unsigned producers; /* that may still push */
};

/* `limit` items at most (1 … QUEUE_MAX), from `producers` threads. */
void queue_init(struct queue *q, size_t limit, unsigned producers);
void queue_destroy(struct queue *q);

/* Another limit from now on; what is in it beyond that stays. */
void queue_limit(struct queue *q, size_t limit);

void queue_push(struct queue *q, void *item);

/* NULL when the queue is empty and every producer has left. */
void *queue_pop(struct queue *q);

/* A producer will push no more. */
void queue_leave(struct queue *q);

#endif
