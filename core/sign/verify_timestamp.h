/* SPDX-License-Identifier: Apache-2.0 */
/* Judges the timestamps of a signature, each at its own time. */
#ifndef SIGNET_SIGN_VERIFY_TIMESTAMP_H
#define SIGNET_SIGN_VERIFY_TIMESTAMP_H

#include "sign/authenticode.h"
#include "sign/verify.h"

enum { VERIFY_TIMESTAMPS = 16 }; /* of one signature; more are a problem, and not looked at */

/* Fills `timestamps` and `timestamp` of `s`. What is wrong with one stands in its own problems, and
 * in those of `s`. */
void verify_timestamps(const struct authenticode_view *v, const struct verify_options *options,
                       X509_STORE *trust, struct verify_signature *s);

void verify_timestamps_free(struct verify_signature *s);

#endif
