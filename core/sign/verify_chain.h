/* SPDX-License-Identifier: Apache-2.0 */
/* Does a certificate lead to a trusted root, for what it was used for, at a time? */
#ifndef SIGNET_SIGN_VERIFY_CHAIN_H
#define SIGNET_SIGN_VERIFY_CHAIN_H

#include <openssl/x509.h>
#include <time.h>

#include "sign/verify_words.h"

/* Borrowed, all of it. */
struct verify_chain {
    X509_STORE *trust;
    X509 *leaf;
    STACK_OF(X509) * brought; /* intermediates that came with the signature; may be NULL */
    STACK_OF(X509) * pool;    /* and others; may be NULL */
    time_t when;
    unsigned purpose; /* what issuers that name purposes must allow: XKU_CODE_SIGN, XKU_TIMESTAMP */
    const char *option; /* that names its root, for the words: "--ca" */
    /* Ends of the sentences that say that a certificate was not valid at `when`, why that time. */
    const char *expired, *early;
    struct verify_words problems;
};

/* Says all that is wrong. The chain, as far as it leads, the leaf first; the caller's
 * (sk_X509_pop_free(chain, X509_free)); NULL: no memory, which is told as a problem too. */
STACK_OF(X509) * verify_chain(const struct verify_chain *asked);

/* Intermediates to try: new stack of borrowed references, freed with sk_X509_free. */
STACK_OF(X509) * verify_chain_others(const struct verify_chain *asked);

/* The name of a certificate for a sentence; new string, never NULL but without memory. */
char *verify_chain_name(const X509 *x);

#endif
