/* SPDX-License-Identifier: Apache-2.0 */
/* Files of lock, guard and audit: shared by the users of a machine where its folders exist. */
#ifndef SIGNET_GATE_STATE_H
#define SIGNET_GATE_STATE_H

#include <stdbool.h>

#include "base/error.h"

/* The folder `name` under the state folder (`lock` false) or the lock folder; made when missing,
 * 0700 in a user's own place and 2770 in the machine's. New string, freed by the caller. */
char *state_folder(const char *name, bool lock, struct error *e);

/* Opens for reading and writing, and makes the file when missing: 0600, or 0660 in a folder that a
 * group shares. First without O_CREAT, which fs.protected_regular refuses on another user's file in
 * a sticky folder. -1: ERROR_SYSTEM. */
int state_open(const char *path, int more_flags, struct error *e);

/* An OFD lock (Linux fcntl(2)) on all of the file: it belongs to the open file, so a child that
 * inherits it keeps it. 1: taken; 0: another has it; -1: ERROR_SYSTEM. */
int state_lock(int fd, bool wait, struct error *e);

#endif
