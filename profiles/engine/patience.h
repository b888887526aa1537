/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether it is worth asking the timestamp servers once more. Each file has its own tries; when
 * none of several files in a row got a timestamp by them, the servers are taken to be down. A run
 * that cannot do without then stops, since signatures of the token that are never written are
 * wasted; one that can goes on without, and asks again from time to time.
 */
#ifndef SIGNET_PROFILES_ENGINE_PATIENCE_H
#define SIGNET_PROFILES_ENGINE_PATIENCE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum { PATIENCE_PAUSE = 60000 }; /* ms between two files that ask while the servers are down */

struct patience {
    pthread_mutex_t mutex;
    unsigned limit; /* files in a row */
    unsigned row;
    bool probes;       /* asks from time to time while the servers are down */
    int64_t ask_again; /* clock_ms */
    struct error last; /* what the last of them was told */
};

/* `parallel`: requests under way at once: so many fail together. `required`: it is over for good
 * when the servers are down. */
void patience_init(struct patience *p, unsigned parallel, bool required);
void patience_destroy(struct patience *p);

/* At `now` (clock_ms). `hurry`: the run is to end, and one failure is enough. ERROR_TIMESTAMP: the
 * servers are down, and why that is thought. */
bool patience_lasts(struct patience *p, bool hurry, int64_t now, struct error *e);

/* What came of a file at `now`; `e` where it got none. */
void patience_answered(struct patience *p, bool good, const struct error *e, int64_t now);

#endif
