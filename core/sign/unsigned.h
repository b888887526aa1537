/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unsigned attributes of a signature (RFC 2315 section 9.2, unauthenticatedAttributes): what may be
 * added once it was made. Nested signatures, timestamps and notes are such. What was there stays,
 * and it is proved that the signature still holds.
 */
#ifndef SIGNET_SIGN_UNSIGNED_H
#define SIGNET_SIGN_UNSIGNED_H

#include "base/buffer.h"
#include "base/error.h"
#include "sign/authenticode.h"

/* What is added. */
struct unsigned_value {
    const char *oid; /* of the attribute; one that is there gets one more value */
    int type;        /* V_ASN1_SEQUENCE: `data` is its whole DER; V_ASN1_OCTET_STRING: the octets */
    const uint8_t *data;
    size_t length;
};

/* Appends to `out` the DER of `signature` (of a ContentInfo) with a value added to the signature in
 * it of number `index`: 0, itself; then those nested in it, each before its own nested ones, as in
 * sign/signatures.h. ERROR_FORMAT, ERROR_UNSUPPORTED: it cannot take one more; ERROR_SIGNATURE: it
 * does not hold. */
bool unsigned_add(const struct buffer *signature, unsigned index,
                  const struct unsigned_value *value, struct buffer *out, struct error *e);

/* `inner` (DER of a ContentInfo) as one more nested signature of `outer`. */
bool unsigned_nest(const struct buffer *outer, const struct buffer *inner, struct buffer *out,
                   struct error *e);

/* Appends `signature` without an attribute of its own; as it is where it has none. */
bool unsigned_remove(const struct buffer *signature, const char *oid, struct buffer *out,
                     struct error *e);

/* Value number `index` of all attributes of this kind; NULL when there are not so many. The
 * signer's. */
const ASN1_TYPE *unsigned_get(const PKCS7_SIGNER_INFO *info, const char *oid, int index);

/* Bytes of those attributes that are of no kind known here, in DER; `first` gets the number of the
 * first of them (OID in dots, cut where it is longer; untouched where there are none). */
size_t unsigned_unknown(const struct authenticode_view *v, char *first, size_t size);

#endif
