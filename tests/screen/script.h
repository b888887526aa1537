/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A script for a terminal, one command a line; words in quotes keep their blanks, $NAME is from the
 * environment, # begins a comment:
 *
 *   size 80x24            before run          env NAME=VALUE | env -NAME
 *   run PROGRAM ARG…                          exit STATUS          (128+N for a signal)
 *   leave                 q, again while something is at work, then exit 0
 *   wait TEXT [SECONDS]   it is on a row      gone TEXT [SECONDS]  it is on none
 *   key NAME…             Enter, C-c, x …     type TEXT
 *   paste TEXT            in brackets         mouse ROW COLUMN press|up|down   (from 1)
 *   paste-file FILE       what is in it
 *   resize 120x40                             signal NAME          TERM, HUP, SEGV
 *   golden NAME           the whole screen is NAME.txt beside the script (see mask)
 *   mask REGEX TEXT       what matches is TEXT in golden, as wide as it was
 *   style ROW TEXT WHAT   the cell where TEXT begins in a row with it is bold, reverse,
 *                         colour or plain; ROW 0: any
 *   colours none          no cell has a colour
 *   cursor shown|hidden                       copied TEXT          by OSC 52
 *   nothing-of TEXT       the program has not written it, wherever
 *   restored              modes and screen are as before the program
 *   shell COMMAND         must succeed        latency KEY COUNT MS the screen answers: p99, less
 *                                             what both had to wait for a CPU
 *   print | svg FILE | text FILE
 */
#ifndef SIGNET_TESTS_SCREEN_SCRIPT_H
#define SIGNET_TESTS_SCREEN_SCRIPT_H

#include <stdbool.h>

/* Prints what went wrong, as TAP comments. `refresh`: golden files are written. */
bool script_play(const char *path, bool refresh);

#endif
