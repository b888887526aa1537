/* SPDX-License-Identifier: Apache-2.0 */
/* The timestamp servers of a profile. */
#ifndef SIGNET_PROFILES_ENGINE_STAMPING_H
#define SIGNET_PROFILES_ENGINE_STAMPING_H

#include <stdbool.h>

#include "profiles/profile.h"
#include "sign/tsa.h"

/* Files are to get timestamps. */
bool stamping_wanted(const struct profile *p);

/* A file that gets no timestamp fails: timestamp.required, which is true where servers are named
 * and nothing else is said. */
bool stamping_required(const struct profile *p);

/* The certificates of timestamp.ca, each of them trusted, be it a root or a CA below one. NULL:
 * ERROR_PROFILE, ERROR_MEMORY. */
X509_STORE *stamping_roots(const struct profile *p, struct error *e);

/* The servers, with the profile's timeout, tries, rate, proxy and roots; freed by tsa_free. NULL:
 * ERROR_PROFILE (no server is named, a file of timestamp.ca cannot be used), ERROR_MEMORY. */
struct tsa *stamping_open(const struct profile *p, struct error *e);

#endif
