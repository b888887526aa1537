/* SPDX-License-Identifier: Apache-2.0 */
/* A signer with a key in memory. */
#ifndef SIGNET_TESTS_CERT_SOFT_H
#define SIGNET_TESTS_CERT_SOFT_H

#include "base/signer.h"

struct soft {
    EVP_PKEY *key;
    EVP_PKEY *other;     /* signs in its place, where it is set */
    unsigned signatures; /* made so far */
};

/* A signer over `s`; its key is s->key. */
struct signer soft_signer(struct soft *s);

#endif
