/* SPDX-License-Identifier: Apache-2.0 */
/* The stage of the engine that gets timestamps. */
#ifndef SIGNET_PROFILES_ENGINE_STAMP_STAGE_H
#define SIGNET_PROFILES_ENGINE_STAMP_STAGE_H

/* A thread's work; `data`: the struct line. */
void *stamp_stage_run(void *data);

#endif
