/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/spc.h"

#include <openssl/x509.h>
#include <string.h>

/* clang-format does not know these macros. */
/* clang-format off */

ASN1_CHOICE(SPC_STRING) = {
    ASN1_IMP(SPC_STRING, value.unicode, ASN1_BMPSTRING, 0),
    ASN1_IMP(SPC_STRING, value.ascii, ASN1_IA5STRING, 1),
} ASN1_CHOICE_END(SPC_STRING)
IMPLEMENT_ASN1_FUNCTIONS(SPC_STRING)

ASN1_CHOICE(SPC_LINK) = {
    ASN1_IMP(SPC_LINK, value.url, ASN1_IA5STRING, 0),
    ASN1_IMP(SPC_LINK, value.moniker, ASN1_SEQUENCE, 1),
    ASN1_EXP(SPC_LINK, value.file, SPC_STRING, 2),
} ASN1_CHOICE_END(SPC_LINK)
IMPLEMENT_ASN1_FUNCTIONS(SPC_LINK)

ASN1_SEQUENCE(SPC_SP_OPUS_INFO) = {
    ASN1_EXP_OPT(SPC_SP_OPUS_INFO, program_name, SPC_STRING, 0),
    ASN1_EXP_OPT(SPC_SP_OPUS_INFO, more_info, SPC_LINK, 1),
} ASN1_SEQUENCE_END(SPC_SP_OPUS_INFO)
IMPLEMENT_ASN1_FUNCTIONS(SPC_SP_OPUS_INFO)

ASN1_SEQUENCE(SPC_INDIRECT_DATA) = {
    ASN1_SIMPLE(SPC_INDIRECT_DATA, data, ASN1_ANY),
    ASN1_SIMPLE(SPC_INDIRECT_DATA, digest, X509_SIG),
} ASN1_SEQUENCE_END(SPC_INDIRECT_DATA)
IMPLEMENT_ASN1_FUNCTIONS(SPC_INDIRECT_DATA)

/* With a semicolon it finds its way again. */
static int digest_info(const EVP_MD *md, const uint8_t *digest, unsigned char **encoded);
/* clang-format on */

/* The DER of a DigestInfo, to be freed with OPENSSL_free; its length is negative where memory ran
 * out. */
static int digest_info(const EVP_MD *md, const uint8_t *digest, unsigned char **encoded)
{
    X509_SIG *info = X509_SIG_new();
    X509_ALGOR *algorithm;
    ASN1_OCTET_STRING *octets;
    int length = -1;

    if (info != NULL) {
        X509_SIG_getm(info, &algorithm, &octets);
        if (X509_ALGOR_set0(algorithm, OBJ_nid2obj(EVP_MD_get_type(md)), V_ASN1_NULL, NULL) &&
            ASN1_OCTET_STRING_set(octets, digest, EVP_MD_get_size(md)))
            length = i2d_X509_SIG(info, encoded);
    }
    X509_SIG_free(info);
    return length;
}

bool spc_indirect_data(const uint8_t *data, size_t data_length, const EVP_MD *md,
                       const uint8_t *digest, struct buffer *der, struct error *e)
{
    unsigned char *encoded = NULL, *at;
    int length = digest_info(md, digest, &encoded), content = (int)data_length + length;

    if (length < 0)
        return error_set_memory(e);
    at = buffer_extend(der, (size_t)ASN1_object_size(1, content, V_ASN1_SEQUENCE));
    if (at != NULL) {
        ASN1_put_object(&at, 1, content, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
        memcpy(at, data, data_length);
        memcpy(at + data_length, encoded, (size_t)length);
    }
    OPENSSL_free(encoded);
    return buffer_ok(der, e);
}
