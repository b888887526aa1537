/* SPDX-License-Identifier: Apache-2.0 */
/* A timestamp server of a test, in memory, and its tokens in signed programs. What cannot be made
 * ends the test program. */
#ifndef SIGNET_TESTS_SIGN_STAMPING_H
#define SIGNET_TESTS_SIGN_STAMPING_H

#include <openssl/x509.h>

#include "../cert/make.h"
#include "base/buffer.h"

struct stamping {
    EVP_PKEY *key;
    X509 *root, *leaf;
};

void stamping_make(struct stamping *s);
void stamping_free(struct stamping *s);

/* The token for the value of a signature. Threads may ask side by side. */
void stamping_token(const struct stamping *s, const uint8_t *value, size_t length,
                    struct buffer *token);

/* How many of a program's signatures, nested ones counted, carry a token of this server over their
 * own value, by OpenSSL's judgement. A token that is for something else ends the program. */
size_t stamping_count(const struct stamping *s, const struct buffer *file);

#endif
