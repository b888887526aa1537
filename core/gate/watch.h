/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sees a card go while a session uses it. A module that was in the middle of a call then may never
 * return from it (OpenSC 0.23 with a PIV card does not): its host is ended at once instead of at
 * its deadline.
 */
#ifndef SIGNET_GATE_WATCH_H
#define SIGNET_GATE_WATCH_H

struct gate_session;
struct gate_watch;

/* Watches the reader that the session's card is in, on a thread and by a host of its own. NULL, and
 * nothing is watched: the token is no card, or there is no thread or memory for it. */
struct gate_watch *gate_watch_start(struct gate_session *s);

/* Takes NULL; sets *w to NULL. */
void gate_watch_stop(struct gate_watch **w);

#endif
