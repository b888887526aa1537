/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main thread only reads frames, so that it sees the end of the socket while a module hangs.
 * Each lane has a thread of its own; a module that cannot lock gets one for all.
 */
#include "host/serve.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "host/request.h"
#include "wire/message.h"

enum { FINALIZE_SECONDS = 1 };

struct job {
    struct wire_frame frame;
    struct job *next;
};

struct lane {
    bool started;
    int lock; /* the descriptor that its latest attempt brought; with `started` */
    struct job *first, **last;
};

static int program;                                       /* the socket */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* lanes and busy */
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_mutex_t send_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct lane lanes[WIRE_LANES_MAX];
static unsigned busy;

static struct job *next_job(struct lane *lane)
{
    struct job *job;

    pthread_mutex_lock(&mutex);
    while (lane->first == NULL)
        pthread_cond_wait(&changed, &mutex);
    job = lane->first;
    lane->first = job->next;
    if (lane->first == NULL)
        lane->last = &lane->first;
    pthread_mutex_unlock(&mutex);
    return job;
}

static void answer(struct job *job)
{
    struct wire_frame reply = {.id = job->frame.id, .type = WIRE_REPLY, .lane = job->frame.lane};

    request_answer(&job->frame, &reply.body);
    /* A PIN in the request is gone before anything else happens. */
    wire_frame_free(&job->frame);
    pthread_mutex_lock(&send_mutex);
    wire_send(program, &reply, -1, NULL);
    pthread_mutex_unlock(&send_mutex);
    wire_frame_free(&reply);
}

static void *work(void *data)
{
    struct lane *lane = data;

    for (;;) {
        struct job *job = next_job(lane);

        answer(job);
        free(job);
        pthread_mutex_lock(&mutex);
        busy--;
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void start(struct lane *lane)
{
    pthread_t thread;

    lane->last = &lane->first;
    lane->lock = -1;
    if (pthread_create(&thread, NULL, work, lane) != 0)
        _exit(1);
    pthread_detach(thread);
    lane->started = true;
}

/* The token's lock stays open as long as this process lives: an orphan still holds it. A key that
 * wants a login per signature brings it each time: one is enough. */
static void enqueue(struct job *job, int lock)
{
    unsigned number = request_can_run_parallel() ? job->frame.lane % WIRE_LANES_MAX : 0;
    struct lane *lane = &lanes[number];

    pthread_mutex_lock(&mutex);
    if (!lane->started)
        start(lane);
    if (lock >= 0 && lane->lock >= 0)
        close(lane->lock);
    if (lock >= 0)
        lane->lock = lock;
    *lane->last = job;
    lane->last = &job->next;
    busy++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

static void *finalize(void *done)
{
    request_finalize();
    pthread_mutex_lock(&mutex);
    *(bool *)done = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
    return NULL;
}

/* A module at rest is finalised, so that the token is logged out at once; one that hangs even then
 * is left. */
static void end_in_order(void)
{
    static bool done;
    struct timespec end;
    pthread_t thread;

    pthread_mutex_lock(&mutex);
    if (busy == 0 && pthread_create(&thread, NULL, finalize, &done) == 0) {
        pthread_detach(thread);
        clock_gettime(CLOCK_REALTIME, &end);
        end.tv_sec += FINALIZE_SECONDS;
        while (!done && pthread_cond_timedwait(&changed, &mutex, &end) == 0)
            continue;
    }
    _exit(0);
}

void serve(int socket)
{
    program = socket;
    for (;;) {
        struct job *job = calloc(1, sizeof *job);
        int lock = -1;

        if (job == NULL || wire_receive(socket, &job->frame, &lock, NULL) != 1)
            end_in_order();
        enqueue(job, lock);
    }
}
