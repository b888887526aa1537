/* SPDX-License-Identifier: Apache-2.0 */
/* Child processes: started without a shell, with just the descriptors they are given. */
#ifndef SIGNET_BASE_PROCESS_H
#define SIGNET_BASE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/cancel.h"
#include "base/error.h"
#include "base/secret.h"

/* Fills those of the descriptors 0 to 2 that whoever started this process closed; to be called
 * first. Else the next file that is opened gets such a number, and what is told to people is
 * written into it. Reading and writing fail there, as on a closed one. False (errno): they cannot
 * be filled. */
bool process_fill_standard(void);

struct process_fd {
    int ours;   /* a descriptor of this process, or -1 for /dev/null */
    int theirs; /* its number in the child */
};

/* Starts argv[0] (searched in PATH only when it has no slash). The child gets `fds` and nothing
 * else open, no blocked signals, default handlers, our environment. Returns its process id, or -1:
 * ERROR_SYSTEM. */
pid_t process_start(const char *const *argv, const struct process_fd *fds, size_t count,
                    struct error *e);

/* Waits up to `ms` milliseconds (-1: for ever) for the child to end. 1: ended, *status as of
 * waitpid; 0: still running; -1: error. */
int process_wait(pid_t pid, int *status, int ms, struct error *e);

/* "exit status 3", "killed by signal 11 (Segmentation fault)". Returns `out`. */
const char *process_status_text(int status, char *out, size_t size);

/* Runs argv, no shell, stdin from /dev/null, and takes the first line of its stdout (without the
 * line end) as a secret. ERROR_PIN_SOURCE when it cannot start, exits non-zero, prints nothing,
 * prints more than SECRET_MAX bytes in the line, or takes longer than `ms`; it is killed then. */
struct secret *process_first_line(const char *const *argv, int ms, struct cancel *cancel,
                                  struct error *e);

#endif
