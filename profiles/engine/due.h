/* SPDX-License-Identifier: Apache-2.0 */
/* What a run is sure to need, before it reads its files. */
#ifndef SIGNET_PROFILES_ENGINE_DUE_H
#define SIGNET_PROFILES_ENGINE_DUE_H

#include <stdbool.h>

#include "base/cancel.h"
#include "profiles/engine/plan.h"
#include "sign/sign.h"

/* Whether a file of the plan is sure to want a signature of the token: neither it nor what stands
 * at its output has one, whatever that is worth. Nothing is hashed; the look ends at the first such
 * file. A file that cannot be signed wants none. */
bool due_signature(const struct plan *plan, enum sign_existing existing, struct cancel *cancel);

#endif
