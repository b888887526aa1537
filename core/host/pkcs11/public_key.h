/* SPDX-License-Identifier: Apache-2.0 */
/* SubjectPublicKeyInfo from the attributes that a token has of a key. */
#ifndef SIGNET_HOST_PKCS11_PUBLIC_KEY_H
#define SIGNET_HOST_PKCS11_PUBLIC_KEY_H

#include <openssl/evp.h>

#include "host/pkcs11/attributes.h"

/* The public key of a private or public key object; NULL where its attributes do not tell (a
 * private EC key has no point, an unknown type). The caller frees it. */
EVP_PKEY *public_key_read(const struct object_ref *o, CK_KEY_TYPE type);

/* RSA, from unsigned big-endian numbers. */
EVP_PKEY *public_key_rsa(const struct buffer *modulus, const struct buffer *exponent);

/* EC, from DER of ECParameters (RFC 3279 section 2.3.5) and the point, bare or in an OCTET STRING.
 */
EVP_PKEY *public_key_ec(const struct buffer *parameters, const struct buffer *point);

/* Sets bits, curve and spki of `out` from a key. */
bool public_key_describe(EVP_PKEY *key, struct wire_object *out);

#endif
