/* SPDX-License-Identifier: Apache-2.0 */
/* How the mistakes in a profile are told, for the files that find them. */
#ifndef SIGNET_PROFILES_PROBLEMS_H
#define SIGNET_PROFILES_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>

#include "profiles/profile.h"

/* Adds "path:line:column: key: value: reason". Key and value may be NULL; both are made printable,
 * and cut where they are long. False when there is no use in going on: the list is full, which its
 * last line says, or there is no memory. */
bool problems_add(struct profile_problems *problems, const char *path, size_t line, size_t column,
                  const char *key, const char *value, const char *reason);

/* ERROR_PROFILE with the problem at `first`, and how many more there are. Returns false. */
bool problems_error(const struct profile_problems *problems, size_t first, struct error *e);

#endif
