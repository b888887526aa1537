/* SPDX-License-Identifier: Apache-2.0 */
/* The stage of the engine that has digests signed: logs in when the first one waits, and asks for
 * touches. */
#ifndef SIGNET_PROFILES_ENGINE_SIGN_STAGE_H
#define SIGNET_PROFILES_ENGINE_SIGN_STAGE_H

#include "profiles/engine/line.h"

/* One of IN_FLIGHT threads of one session of the token. */
struct sign_stage {
    struct line *line;
    unsigned lane;
    bool first; /* the one that logs in */
};

/* A thread's work; `data`: its struct sign_stage. */
void *sign_stage_run(void *data);

/* Tells the stages behind that one such thread pushes no more, or was never started. */
void sign_stage_leave(struct line *l);

#endif
