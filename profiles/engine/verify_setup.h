/* SPDX-License-Identifier: Apache-2.0 */
/* What verify trusts and demands, from its options and a profile. */
#ifndef SIGNET_PROFILES_ENGINE_VERIFY_SETUP_H
#define SIGNET_PROFILES_ENGINE_VERIFY_SETUP_H

#include "op/op.h"
#include "sign/verify.h"

struct verify_setup {
    struct verify_options options; /* pointers into what is below */
    STACK_OF(X509) * pool;
    STACK_OF(X509_CRL) * crls;
    X509_STORE *trust, *timestamp_trust;
    char *certificate;
};

/* Options --profile, --ca, --tsa-ca, --crl, --at. ERROR_USAGE and ERROR_PROFILE also where what
 * they name cannot be read: so a gate tells that from files that are not good. ERROR_MEMORY. Freed
 * by verify_setup_free, after a failure too. */
bool verify_setup(struct verify_setup *out, const struct op_args *args, struct error *e);
void verify_setup_free(struct verify_setup *s);

#endif
