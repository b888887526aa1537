/* SPDX-License-Identifier: Apache-2.0 */
/* One run of the engine as its stages share it; for them alone. engine.c reads and commits,
 * sign_stage.c asks the token, stamp_stage.c the timestamp servers. */
#ifndef SIGNET_PROFILES_ENGINE_LINE_H
#define SIGNET_PROFILES_ENGINE_LINE_H

#include <pthread.h>
#include <stdatomic.h>

#include "profiles/engine/engine.h"
#include "profiles/engine/job.h"
#include "profiles/engine/patience.h"
#include "profiles/engine/queue.h"

/* WAITING: files between two stages; each keeps three descriptors open.
 * UNSTAMPED: those that wait for a timestamp, while servers answer: when they are slow for some
 * seconds, the token goes on.
 * IN_FLIGHT: signatures that one session is asked for at once. While the token works on one, the
 * next is on its way, so that it never waits for us.
 * WRITERS: files that are written to the disk at once, on any number of cores: these threads wait
 * for it nearly all their time, and what waits together is made durable together. */
enum {
    WAITING = 16,
    UNSTAMPED = 32,
    MOST_LANES = 64,
    MOST_STAMPS = 16,
    IN_FLIGHT = 2,
    WRITERS = 8,
};

/* What came of an item. */
struct outcome {
    enum engine_state state;
    enum error_code code;
};

/* One run, shared by its threads. */
struct line {
    const struct engine *engine;
    struct engine_totals *totals;
    struct queue to_sign, to_stamp, to_commit;
    unsigned workers; /* that read */
    unsigned stamps;  /* that ask for timestamps; 0: none are wanted */
    struct patience patience;
    atomic_size_t next;
    atomic_bool stopped;

    /* The first session logs in, when the first digest waits; the others wait for what came of it.
     */
    pthread_mutex_t login_mutex;
    pthread_cond_t login_done;
    bool asked, answered;
    const struct signer *signer;
    unsigned lanes;

    pthread_mutex_t mutex; /* result callback, totals, state, cause, what is asked */
    unsigned asking;       /* signatures that the token is asked for now */
    int64_t asking_since, busy_ms;
    struct outcome *done; /* of each item */
    struct error cause;

    /* Of a key that wants a touch. */
    pthread_mutex_t touching; /* one signature at a time */
    size_t touched;           /* signatures asked for */
    int64_t touched_at;       /* when the one that was touched for was made; 0: none was */
};

/* Memory of as many items as there are; false: there is none, and nothing to destroy. */
bool line_init(struct line *l, const struct engine *engine, struct engine_totals *totals);
void line_destroy(struct line *l);

/* Counts a result and hands it on. */
void line_report(struct line *l, struct engine_result *result);

/* The run goes no further. The first cause is the one that is told. */
void line_stop(struct line *l, const struct error *cause);

/* What came of a file; frees the job. */
void line_finish(struct line *l, struct job *j, enum engine_state state);

/* What the token made, believed only when the certificate's key says so; then it is in the file.
 * Nothing for a file that needs no signature. */
bool line_take_signature(struct job *j);

#endif
