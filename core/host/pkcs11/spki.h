/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7) read as bytes. OpenSSL decodes the key of each
 * certificate that it parses; on a token with thousands of them that is most of the time.
 */
#ifndef SIGNET_HOST_PKCS11_SPKI_H
#define SIGNET_HOST_PKCS11_SPKI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/message.h"

/* The SubjectPublicKeyInfo in a certificate, as it stands there: *spki points into `der`. False
 * when these bytes are no certificate. */
bool spki_of_certificate(const uint8_t *der, size_t length, const uint8_t **spki,
                         size_t *spki_length);

/* Bytes that an attribute had. */
struct spki_part {
    const uint8_t *at;
    size_t length;
};

/* Appends the SubjectPublicKeyInfo of an RSA key (RFC 8017 appendix A.1: unsigned numbers, big
 * endian), or of an EC key (RFC 5480: ECParameters in DER, and the point, bare or in an OCTET
 * STRING). What it makes is for spki_describe to judge. */
void spki_from_rsa(struct spki_part modulus, struct spki_part exponent, struct buffer *out);
void spki_from_ec(struct spki_part parameters, struct spki_part point, struct buffer *out);

/* Sets spki, bits and curve of `out` from a key in the one form that i2d_PUBKEY writes: RSA, EC
 * with a named curve of NIST and an uncompressed point. False for all else, which OpenSSL shall
 * read and write anew. */
bool spki_describe(const uint8_t *spki, size_t length, struct wire_object *out);

#endif
