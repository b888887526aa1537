/* SPDX-License-Identifier: Apache-2.0 */
/* The engine on the bench: programs in the current folder, a signer in memory that fails when it is
 * told to, and a record of all that happened. */
#ifndef SIGNET_TESTS_ENGINE_RIG_H
#define SIGNET_TESTS_ENGINE_RIG_H

#include <stdatomic.h>

#include "../sign/signing.h"
#include "../sign/stamping.h"
#include "profiles/engine/engine.h"

enum { RIG_FILES = 128 };

struct rig {
    struct signing_identity identity;
    struct sign_spec spec;
    struct signer signer;
    struct cancel cancel;
    bool dry_run;

    /* What the token does. */
    unsigned lanes, lanes_given; /* sessions wanted, and what the login gives; 0: as wanted */
    enum error_code login_fails; /* ERROR_NONE: it succeeds */
    void (*at_login)(void);      /* before it; NULL: nothing */
    size_t fail_at, cancel_at;   /* number of the signature, from 1; 0: never */
    bool garbage;                /* signatures that do not hold */
    int64_t delay;               /* ms for each */
    unsigned together;           /* none ends before so many were under way; 0: as they come */
    bool touch;                  /* the key wants one */
    int64_t touch_lasts;         /* ms */
    void (*at_touch)(size_t);    /* once it is asked for, for this item; NULL: nothing */

    /* What the timestamp server does; asked only where spec.timestamp is set. */
    struct stamping server;
    unsigned stamps;              /* requests at once */
    bool required;                /* timestamps */
    size_t down_from, down_until; /* numbers of requests, from 1, that get none; 0: none */
    size_t slow_at;               /* the one that is answered when all other files are done */
    size_t cancel_at_stamp;
    bool impatient;           /* after a signal, ERROR_CANCELLED */
    int64_t stamp_delay;      /* ms for each */
    unsigned stamps_together; /* none is answered before so many were under way; 0: as they come */
    void (*meanwhile)(void);  /* before each answer; NULL: nothing */

    /* What happened. */
    atomic_size_t stamped;                       /* requests */
    atomic_uint stamping_at_once, most_stamping; /* under way */
    size_t signatures_when_slow_ended, done_when_slow_ended;
    size_t order[RIG_FILES]; /* items as they were reported */
    atomic_size_t done;
    atomic_size_t logins, signatures;
    atomic_uint at_once, most_at_once, top_lane, most_descriptors;
    unsigned descriptors_before;              /* open when the run began */
    size_t touches, touch_number, touch_most; /* how often a person was told; the last time */
    bool touch_waits;                         /* until it is over */
    bool touch_late;                          /* ... while a signature was made */
    bool touch_early;                         /* while the last one was good still */
    int64_t touched_at;                       /* clock_ms, of the last one */
    struct engine_result result[RIG_FILES];
    unsigned reports[RIG_FILES]; /* results of each item */
    struct plan plan;
    struct engine_totals totals;
    struct error e;
};

void rig_open(struct rig *r);
void rig_close(struct rig *r);

/* Plans and runs; `names` end with NULL. What happened before is forgotten. */
bool rig_run(struct rig *r, const char *const *names, const char *directory);
/* How many descriptors the last run may have had open at once, where the disk is the slowest. */
unsigned rig_descriptors(const struct rig *r);

/* Writes program number `number` to `path`; each is different. */
void rig_program(const char *path, unsigned number);
/* N.exe for 1 … count; and their names, NULL at the end. */
const char *const *rig_programs(unsigned count);

/* The file carries a signature by the rig's key, and all is good. */
bool rig_is_signed(struct rig *r, const char *path);
/* How many timestamps of the rig's server are in it. */
size_t rig_timestamps(struct rig *r, const char *path);
/* The file is program number `number`, unsigned, byte by byte. */
bool rig_is_program(const char *path, unsigned number);

#endif
