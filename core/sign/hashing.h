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

/* ERROR_MEMORY, ERROR_SYSTEM. Freed by hashing_free, after a failure too. */
bool hashing_start(struct hashing *h, const struct format_pass *pass, struct error *e);
void hashing_free(struct hashing *h);

bool hashing_add(struct hashing *h, const void *bytes, size_t length);

/* Sets pass->digest. */
bool hashing_finish(struct hashing *h, const struct format_pass *pass);

#endif
