/* SPDX-License-Identifier: Apache-2.0 */
/* A state folder of the test's own. */
#ifndef SIGNET_TESTS_GATE_SCRATCH_H
#define SIGNET_TESTS_GATE_SCRATCH_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char scratch[] = "/tmp/signet-gate-XXXXXX";

static int scratch_make(void **state)
{
    (void)state;
    if (mkdtemp(scratch) == NULL)
        return -1;
    return setenv("XDG_STATE_HOME", scratch, 1);
}

static int scratch_remove(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", scratch);
    return system(command);
}

#endif
