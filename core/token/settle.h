/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token that looks wrong may just be changing. SoftHSM, for one, writes its token's file anew at
 * each login, and not in one step: who reads in that moment sees no token, or one without a label
 * and a user PIN. So what looks wrong is read anew for a while before it is believed.
 */
#ifndef SIGNET_TOKEN_SETTLE_H
#define SIGNET_TOKEN_SETTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cancel.h"

/* Call after a reading that looks wrong; `*end` is 0 before the first. True, after a pause of 50
 * ms: read again. False: 1.5 s have passed, or `cancel` was requested; believe it. */
bool settle_again(int64_t *end, struct cancel *cancel);

#endif
