/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that take no signals: those are for a program's main thread, which may be waiting. */
#ifndef SIGNET_BASE_THREAD_H
#define SIGNET_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* As pthread_create, with all signals blocked in the thread from its beginning. False: there is no
 * thread. */
bool thread_start(pthread_t *thread, void *(*run)(void *data), void *data);

#endif
