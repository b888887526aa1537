/* SPDX-License-Identifier: Apache-2.0 */
/* A signed program of the tests, with what is added to its signature, and what verify says. */
#ifndef SIGNET_TESTS_SIGN_JUDGING_H
#define SIGNET_TESTS_SIGN_JUDGING_H

#include "signing.h"

/* The signature of one small program, always the same one; appended. */
void judging_sign(const struct signing_identity *i, struct buffer *der);

/* Judges that program with this signature. What cannot be judged ends the test program. The report
 * is freed by the caller. */
void judging_verify(const struct buffer *der, const struct verify_options *options,
                    struct verify_report *report);

/* Whether one of the sentences contains `says`; if none does, they are printed. */
bool judging_told(char *const *list, size_t count, const char *says);

#endif
