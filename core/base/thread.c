/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <signal.h>

/* A thread begins with the mask of the one that makes it. */
bool thread_start(pthread_t *thread, void *(*run)(void *data), void *data)
{
    sigset_t all, ours;
    bool started;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &ours);
    started = pthread_create(thread, NULL, run, data) == 0;
    pthread_sigmask(SIG_SETMASK, &ours, NULL);
    return started;
}
