/* SPDX-License-Identifier: Apache-2.0 */
/* A folder for one test program. It stands in /tmp itself, since tests of modes need to know that
 * the folders above can be entered by all. */
#ifndef SIGNET_TESTS_SCRATCH_H
#define SIGNET_TESTS_SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch[64];

static int scratch_remove_one(const char *path, const struct stat *status, int type,
                              struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

static int scratch_open(void **state)
{
    (void)state;
    strcpy(scratch, "/tmp/signet-unit-XXXXXX");
    umask(022);
    return mkdtemp(scratch) == NULL || chmod(scratch, 0755) != 0;
}

static int scratch_close(void **state)
{
    (void)state;
    return nftw(scratch, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* "scratch/NAME"; valid until the ninth call after it. */
static inline char *scratch_path(const char *name)
{
    static char paths[8][256];
    static unsigned next;
    char *path = paths[next++ % 8];

    snprintf(path, sizeof paths[0], "%s/%s", scratch, name);
    return path;
}

static inline void scratch_write(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");

    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0 || chmod(path, mode) != 0) {
        perror(path);
        abort();
    }
}

/* How many entries the folder has. */
static inline unsigned scratch_count(const char *path)
{
    char command[512];
    unsigned count = 0;
    FILE *list;

    snprintf(command, sizeof command, "ls -A '%s' | wc -l", path);
    list = popen(command, "r");
    if (list == NULL || fscanf(list, "%u", &count) != 1)
        abort();
    pclose(list);
    return count;
}

#endif
