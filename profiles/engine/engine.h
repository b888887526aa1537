/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The batch engine (design section 4): stages joined by bounded queues. Readers hash files into
 * temporary ones, one thread per session has digests signed, some have signatures stamped, writers
 * check and commit. It knows no profile, no token and no network.
 */
#ifndef SIGNET_PROFILES_ENGINE_ENGINE_H
#define SIGNET_PROFILES_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/cancel.h"
#include "base/error.h"
#include "base/signer.h"
#include "profiles/engine/plan.h"
#include "sign/sign.h"

#define ENGINE_STATES(X)                                                                           \
    X(ENGINE_SIGNED, "signed")                                                                     \
    X(ENGINE_KEPT, "kept") /* it, or its output, carries a valid signature already */              \
    X(ENGINE_FAILED, "failed")                                                                     \
    X(ENGINE_NOT_TRIED, "not-tried") /* the run stopped before its turn */                         \
    X(ENGINE_SAME, "same")           /* the same file was named before */                          \
    X(ENGINE_WOULD_SIGN, "would-sign")                                                             \
    X(ENGINE_TIMESTAMPED, "timestamped") /* it was signed already, and got a timestamp */          \
    X(ENGINE_WOULD_TIMESTAMP, "would-timestamp")

enum engine_state {
#define X(state, name) state,
    ENGINE_STATES(X)
#undef X
        ENGINE_STATE_COUNT
};

const char *engine_state_name(enum engine_state state);

/* What a server said. */
struct engine_stamp {
    time_t time;
    char server[256]; /* its URL, cut where it is longer */
};

struct engine_result {
    size_t index; /* in the plan */
    enum engine_state state;
    const char *signer; /* ENGINE_KEPT: who signed it; valid during the callback */
    uint64_t bytes;     /* read */
    int64_t ms;         /* from its first byte to its commit */
    int64_t busy_ms;    /* so far in this run: a signature was asked of the token */
    uint8_t digest[64]; /* of the file, with the hash of the spec */
    size_t digest_length;
    struct error error;        /* ENGINE_FAILED */
    size_t stamps;             /* timestamps that were put into it */
    struct engine_stamp stamp; /* the first of them */
    struct error unstamped;    /* ENGINE_SIGNED, ENGINE_TIMESTAMPED, ENGINE_KEPT: why it has not all
                                  that it was to get; ERROR_NONE: it has */
};

struct engine {
    const struct plan *plan;
    const struct sign_spec *spec;
    unsigned lanes; /* sessions wanted: 1 … 64 */
    bool dry_run;   /* hash and look, write nothing, sign nothing */
    /* NULL, or the files are elsewhere: `begin` gives the job of an item (sign_begin_content),
     * `put` takes what it made (sign_made). *made: what an earlier run left of it; SIGN_MADE:
     * nothing is left to do; SIGN_MADE_UNSTAMPED: the job has its signature already. Both set;
     * called by several threads at once. */
    struct sign_job *(*begin)(void *data, size_t index, const struct sign_spec *spec,
                              enum sign_made *made, struct error *e);
    bool (*put)(void *data, size_t index, const struct sign_job *job, struct error *e);
    /* Called once, when the first digest waits: logs in. *lanes: how many sessions there are. */
    const struct signer *(*login)(void *data, unsigned *lanes, struct error *e);
    /* NULL, or the key wants a touch: signatures are then made one at a time, and this is called
     * before one that needs it. `number`: of this signature, from 1; `most`: how many there will be
     * at most, as far as is known now. */
    void (*touch)(void *data, size_t index, size_t number, size_t most);
    void (*touched)(void *data); /* that signature was made, or failed; set where `touch` is */
    int64_t touch_lasts;         /* ms in which one touch serves for more signatures; 0: for one */
    /* Where spec->timestamp is set: gets a token (DER, checked) for the value of a signature, by
     * all the tries that a file has; its time, and who gave it. Called by up to `stamps` (1 … 16)
     * threads at once. ERROR_TIMESTAMP: none is to be had. ERROR_CANCELLED: the run is to
     * end, and nobody waits any longer; the file stays as it was. */
    bool (*stamp)(void *data, const uint8_t *signature, size_t length, struct buffer *token,
                  struct engine_stamp *given, struct error *e);
    unsigned stamps;
    bool stamp_required; /* a file that gets none fails, and stays as it was; when several in a row
                            got none, the run stops. False: it is written without. */
    /* A file is done. One at a time. */
    void (*result)(void *data, const struct engine_result *result);
    void *data;
    struct cancel *cancel; /* files that have their signature are finished, and those that wait for
                              the token alone; the others are left as they are. From then on one
                              that gets no timestamp by all its tries is enough for the servers to
                              be taken as down. */
};

struct engine_totals {
    size_t count[ENGINE_STATE_COUNT];
    size_t stamps;    /* timestamps that were put in */
    size_t unstamped; /* files that are without one that they were to get, and did not fail */
    uint64_t bytes;
};

/* Runs to the end of the plan, or until something stops it. True when all are signed, stamped, kept
 * or the same. ERROR_SOME_FAILED; ERROR_TIMESTAMP: every one that failed did so for its timestamp,
 * which may be why the run stopped; the error of login or token that stopped it; ERROR_CANCELLED.
 */
bool engine_run(const struct engine *engine, struct engine_totals *totals, struct error *e);

#endif
