/* SPDX-License-Identifier: Apache-2.0 */
/* The patterns of a profile's `files`: * and ? within a name, ** for any folders, ! to leave out
 * again. */
#ifndef SIGNET_PROFILES_ENGINE_GLOB_H
#define SIGNET_PROFILES_ENGINE_GLOB_H

#include "profiles/profile.h"

/* Files below the current folder, sorted by name. Later patterns win. A pattern that takes in
 * nothing is ERROR_USAGE and named: it is a slip, or the build made nothing. */
bool glob_expand(const struct profile_list *patterns, struct profile_list *out, struct error *e);

/* One pattern, without '!', against one path. */
bool glob_match(const char *pattern, const char *path);

#endif
