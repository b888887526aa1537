/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RSA keys that a library of Infineon made, and that can be factored (CVE-2017-15361): M. Nemec,
 * M. Sys, P. Svenda, D. Klinec, V. Matyas, "The Return of Coppersmith's Attack: Practical
 * Factorization of Widely Used RSA Moduli", ACM CCS 2017, section 2.
 */
#ifndef SIGNET_CERT_ROCA_H
#define SIGNET_CERT_ROCA_H

#include <openssl/bn.h>
#include <stdbool.h>

/* True when the modulus has the fingerprint of these keys. Of other keys one in some 10^8 or fewer
 * has it. */
bool roca_has_fingerprint(const BIGNUM *modulus);

#endif
