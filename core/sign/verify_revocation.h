/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Was a certificate, or one of its issuers, revoked before it was used? By given lists (RFC 5280
 * section 5), each signed by the issuer itself and in force now.
 */
#ifndef SIGNET_SIGN_VERIFY_REVOCATION_H
#define SIGNET_SIGN_VERIFY_REVOCATION_H

#include "sign/verify_chain.h"

struct verify_revocation_asked {
    const struct verify_chain *chain; /* as it was judged; its `problems` get what is wrong */
    STACK_OF(X509_CRL) * crls;
    time_t now;
    /* When it was used, at the latest: a revocation of later does not matter. That is the date of
     * the revocation, or the date of invalidity (section 5.3.2) where that is earlier. */
    time_t used;
    bool stamped; /* a timestamp proves `used`; else it is `now` */
    /* A timestamp authority: without lists of its issuer it is not asked about; and when it was
     * revoked for any reason but an end of its work, none of its timestamps holds (RFC 3161 section
     * 4). */
    bool authority;
    struct verify_words notes;
};

enum verify_revocation verify_revocation(const struct verify_revocation_asked *asked);

#endif
