/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks of POSIX in the units that Signet counts in. */
#include "base/clock.h"

#include <errno.h>
#include <string.h>

int64_t clock_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_ms(void)
{
    return clock_us() / 1000;
}

void clock_sleep_ms(int64_t ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    if (ms <= 0)
        return;
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
        continue;
}

const char *clock_text(time_t when, char out[CLOCK_TEXT_SIZE])
{
    struct tm utc;

    if (gmtime_r(&when, &utc) == NULL ||
        strftime(out, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
        strcpy(out, "?");
    return out;
}
