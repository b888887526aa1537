/* SPDX-License-Identifier: Apache-2.0 */
/* The engine on the bench: programs in the current folder, a signer in memory that fails when it is
 * told to, and a record of all that happened. */
#ifndef SIGNET_TESTS_ENGINE_RIG_H
#define SIGNET_TESTS_ENGINE_RIG_H

#include <stdatomic.h>

#include "../sign/signing.h"
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
    size_t fail_at, cancel_at;   /* number of the signature, from 1; 0: never */
    bool garbage;                /* signatures that do not hold */
    int64_t delay;               /* ms for each */
    bool touch;                  /* the key wants one */
    int64_t touch_lasts;         /* ms */

    /* What happened. */
    atomic_size_t logins, signatures;
    atomic_uint at_once, most_at_once, top_lane, most_descriptors;
    size_t touches, touch_number, touch_most; /* how often a person was told; the last time */
    bool touch_waits;                         /* until it is over */
    bool touch_late;                          /* ... while a signature was made */
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

/* Writes program number `number` to `path`; each is different. */
void rig_program(const char *path, unsigned number);
/* N.exe for 1 … count; and their names, NULL at the end. */
const char *const *rig_programs(unsigned count);

/* The file carries a signature by the rig's key, and all is good. */
bool rig_is_signed(struct rig *r, const char *path);
/* The file is program number `number`, unsigned, byte by byte. */
bool rig_is_program(const char *path, unsigned number);

#endif
