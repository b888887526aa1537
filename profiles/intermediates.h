/* SPDX-License-Identifier: Apache-2.0 */
/* fetch-intermediates: certificates between the leaf and its root, from the network. */
#ifndef SIGNET_PROFILES_INTERMEDIATES_H
#define SIGNET_PROFILES_INTERMEDIATES_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "base/cancel.h"
#include "base/error.h"
#include "profiles/profile.h"

/* Adds to `pool` what is missing above `leaf`: a root that the system trusts, else from the
 * network, by the profile's proxy; each server has the time that a timestamp server has. True: the
 * chain is complete; `*count` were fetched. False: what is in aia_complete's error; some may have
 * been added all the same. */
bool intermediates_fetch(const struct profile *p, X509 *leaf, STACK_OF(X509) * pool, size_t *count,
                         struct cancel *cancel, struct error *e);

#endif
