/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One Authenticode signature: a SignedData of PKCS#7 1.5 (RFC 2315) whose content is
 * SpcIndirectDataContent, not an OCTET STRING. Making one takes the public key only; looking at one
 * judges its digest and its signature, not its trust.
 */
#ifndef SIGNET_SIGN_AUTHENTICODE_H
#define SIGNET_SIGN_AUTHENTICODE_H

#include <openssl/pkcs7.h>
#include <stdbool.h>

#include "base/buffer.h"
#include "sign/sign.h"

/* Signed attributes of every SignerInfo (RFC 2985 sections 5.3.1 to 5.3.3). */
#define PKCS9_CONTENT_TYPE_OID "1.2.840.113549.1.9.3"
#define PKCS9_MESSAGE_DIGEST_OID "1.2.840.113549.1.9.4"
#define PKCS9_SIGNING_TIME_OID "1.2.840.113549.1.9.5"

struct authenticode;

/* A signature over `content` (DER of SpcIndirectDataContent) with all but the signature's value. */
struct authenticode *authenticode_new(const struct sign_spec *spec, const struct buffer *content,
                                      struct error *e);
void authenticode_free(struct authenticode **a);

/* The digest of the DER of the signed attributes, spec->hash long: what the token signs. */
const uint8_t *authenticode_digest(const struct authenticode *a, size_t *length);

/* A note (sign/note.h) that it is to carry; nothing where that is empty. */
bool authenticode_set_note(struct authenticode *a, const struct buffer *note, struct error *e);

/* Puts the value in and appends the DER of the ContentInfo. */
bool authenticode_finish(struct authenticode *a, const uint8_t *signature, size_t length,
                         struct buffer *der, struct error *e);

/* A signature that was read. Pointers are the PKCS7's or static. */
struct authenticode_view {
    PKCS7 *p7;
    PKCS7_SIGNER_INFO *info;
    X509 *signer;          /* NULL when it is not among the certificates */
    const EVP_MD *md;      /* of the file's digest */
    const uint8_t *digest; /* of the file, as signed */
    size_t digest_length;
    const uint8_t *data; /* whole DER of SpcAttributeTypeAndOptionalValue */
    size_t data_length;
    const EVP_MD *signer_md; /* of the signed attributes */
    bool commercial, has_timestamp;
    char *description, *url; /* printable, own; NULL for none */
    void *indirect;          /* owns digest and data */
};

/* Parses one signature, with nothing behind it. ERROR_FORMAT, with nothing to free. */
bool authenticode_view(const uint8_t *der, size_t length, struct authenticode_view *out,
                       struct error *e);
void authenticode_view_free(struct authenticode_view *v);

/* True when the signed attributes fit the content and the signer's key signed them.
 * ERROR_SIGNATURE. */
bool authenticode_check(const struct authenticode_view *v, struct error *e);

/* True when the key of `signer` signed the signed attributes of `info`, which must have some, by
 * their digest of `md`. What they say is not looked at. */
bool authenticode_signed_by(X509 *signer, const PKCS7_SIGNER_INFO *info, const EVP_MD *md);

/* True when `v` is the signature that `a` becomes once its value is put in: the same signer, the
 * same signed attributes, and at least its certificates. Whether it holds is authenticode_check's
 * to say. */
bool authenticode_is(const struct authenticode *a, const struct authenticode_view *v);

/* The hash that an algorithm is; NULL: none that is known. The number of a signature, such as
 * sha256WithRSAEncryption, is no hash's, though OpenSSL takes it for one. Static. */
const EVP_MD *authenticode_hash(const X509_ALGOR *algorithm);

/* SHA-256, SHA-384 or SHA-512: what Windows takes for a signature now. */
bool authenticode_is_sha2(const EVP_MD *md);

/* The value of a signed attribute that is there once, with one value, as RFC 5652 sections 11.1 to
 * 11.3 demand of those that matter; NULL where it is not so. The info's. */
const ASN1_TYPE *authenticode_attribute(const PKCS7_SIGNER_INFO *info, const char *oid);

/* The OCTET STRING of the attribute messageDigest (RFC 5652 section 11.2) is the digest by `md` of
 * these bytes. */
bool authenticode_states(const PKCS7_SIGNER_INFO *info, const EVP_MD *md, const uint8_t *bytes,
                         size_t length);

/* The DER of nested signature number `index`; NULL when there are not so many. The PKCS7's. */
const ASN1_STRING *authenticode_nested(const struct authenticode_view *v, int index);

#endif
