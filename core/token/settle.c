/* SPDX-License-Identifier: Apache-2.0 */
#include "token/settle.h"

#include "base/clock.h"

enum { LONGEST_MS = 1500, PAUSE_MS = 50 };

bool settle_again(int64_t *end, struct cancel *cancel)
{
    if (*end == 0)
        *end = clock_ms() + LONGEST_MS;
    if (clock_ms() >= *end || cancel_requested(cancel))
        return false;
    clock_sleep_ms(PAUSE_MS);
    return true;
}
