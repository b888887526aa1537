/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a CA may issue a code-signing certificate for: CA/Browser Forum, Baseline Requirements for
 * the Issuance and Management of Publicly-Trusted Code Signing Certificates 3.10, section 6.1.5.
 */
#ifndef SIGNET_CERT_RULES_H
#define SIGNET_CERT_RULES_H

#include <stdbool.h>
#include <stddef.h>

enum { RULES_RSA_BITS = 3072 };

/* May a CA issue for a key of this size? `curve` is "" for RSA, else "P-256", "Ed25519" …; `bits`
 * counts for RSA. *why, in static words, says why not, or why so. */
bool rules_key(const char *curve, unsigned bits, const char **why);

/* The same of a token: its largest RSA key, and the largest field of its curves, in bits; 0 where
 * it has none. */
bool rules_token(unsigned long rsa_bits, unsigned long ec_bits, const char **why);

#endif
