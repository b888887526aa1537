/* SPDX-License-Identifier: Apache-2.0 */
/* Judges the signer of a signature: chain, purpose, revocation, at the time that counts. */
#ifndef SIGNET_SIGN_VERIFY_SIGNER_H
#define SIGNET_SIGN_VERIFY_SIGNER_H

#include "sign/verify.h"

/* After verify_timestamps. */
void verify_signer(const struct verify_options *options, X509_STORE *trust,
                   struct verify_signature *s);

#endif
