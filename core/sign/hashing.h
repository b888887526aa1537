/* SPDX-License-Identifier: Apache-2.0 */
/* The hashes that one pass over a file computes (sign/format.h), all over the same bytes. False
 * where not said otherwise: OpenSSL's error queue has the reason. */
#ifndef SIGNET_SIGN_HASHING_H
#define SIGNET_SIGN_HASHING_H

#include "sign/format.h"

struct hashing {
    EVP_MD_CTX *ctx[FORMAT_DIGESTS];
    size_t count;
};

/* ERROR_MEMORY, ERROR_SYSTEM; ERROR_UNSUPPORTED: more than FORMAT_DIGESTS. Freed by hashing_free,
 * after a failure too. */
bool hashing_start(struct hashing *h, const EVP_MD *const *md, size_t count, struct error *e);
void hashing_free(struct hashing *h);

bool hashing_add(struct hashing *h, const void *bytes, size_t length);

/* One digest for each hash. Nothing can be added then, before hashing_again. */
bool hashing_finish(struct hashing *h, uint8_t (*digest)[EVP_MAX_MD_SIZE]);

/* Forgets what was added. */
bool hashing_again(struct hashing *h);

#endif
