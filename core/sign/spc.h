/* SPDX-License-Identifier: Apache-2.0 */
/* The ASN.1 of Authenticode (Windows Authenticode Portable Executable Signature Format 1.0) that
 * PKCS#7 does not have. */
#ifndef SIGNET_SIGN_SPC_H
#define SIGNET_SIGN_SPC_H

#include <openssl/asn1t.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

#define SPC_INDIRECT_DATA_OID "1.3.6.1.4.1.311.2.1.4"
#define SPC_STATEMENT_TYPE_OID "1.3.6.1.4.1.311.2.1.11"
#define SPC_SP_OPUS_INFO_OID "1.3.6.1.4.1.311.2.1.12"
#define SPC_INDIVIDUAL_OID "1.3.6.1.4.1.311.2.1.21"
#define SPC_COMMERCIAL_OID "1.3.6.1.4.1.311.2.1.22"
#define SPC_NESTED_SIGNATURE_OID "1.3.6.1.4.1.311.2.4.1"
#define SPC_RFC3161_OID "1.3.6.1.4.1.311.3.3.1"

/* CHOICE { unicode [0] IMPLICIT BMPString, ascii [1] IMPLICIT IA5String } */
typedef struct {
    int type; /* 0, 1 */
    union {
        ASN1_BMPSTRING *unicode;
        ASN1_IA5STRING *ascii;
    } value;
} SPC_STRING;
DECLARE_ASN1_FUNCTIONS(SPC_STRING)

/* CHOICE { url [0] IMPLICIT IA5String, moniker [1] IMPLICIT SpcSerializedObject,
 *          file [2] EXPLICIT SpcString } */
typedef struct {
    int type;
    union {
        ASN1_IA5STRING *url;
        ASN1_TYPE *moniker;
        SPC_STRING *file;
    } value;
} SPC_LINK;
DECLARE_ASN1_FUNCTIONS(SPC_LINK)

/* SEQUENCE { programName [0] EXPLICIT SpcString OPTIONAL,
 *            moreInfo [1] EXPLICIT SpcLink OPTIONAL } */
typedef struct {
    SPC_STRING *program_name;
    SPC_LINK *more_info;
} SPC_SP_OPUS_INFO;
DECLARE_ASN1_FUNCTIONS(SPC_SP_OPUS_INFO)

/* SEQUENCE { SpcAttributeTypeAndOptionalValue, DigestInfo } */
typedef struct {
    ASN1_TYPE *data;
    X509_SIG *digest;
} SPC_INDIRECT_DATA;
DECLARE_ASN1_FUNCTIONS(SPC_INDIRECT_DATA)

/* Appends the DER of SpcIndirectDataContent: `data` is the whole DER of the format's
 * SpcAttributeTypeAndOptionalValue, `digest` the file's, of `md`. */
bool spc_indirect_data(const uint8_t *data, size_t data_length, const EVP_MD *md,
                       const uint8_t *digest, struct buffer *der, struct error *e);

#endif
