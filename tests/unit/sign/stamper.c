/* SPDX-License-Identifier: Apache-2.0 */
#include "stamper.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "cannot make a timestamp: %s\n", what);
    ERR_print_errors_fp(stderr);
    abort();
}

static ASN1_INTEGER *serial(TS_RESP_CTX *ctx, void *data)
{
    ASN1_INTEGER *number = ASN1_INTEGER_new();

    (void)ctx, (void)data;
    ASN1_INTEGER_set(number, 4711);
    return number;
}

static int tell_time(TS_RESP_CTX *ctx, void *data, long *seconds, long *micro)
{
    const struct stamper *s = data;

    (void)ctx;
    *seconds = (long)(s->time == 0 ? time(NULL) : s->time);
    *micro = 0;
    return 1;
}

static STACK_OF(X509) * issuers(const struct stamper *s)
{
    STACK_OF(X509) *stack = sk_X509_new_null();

    if (s->issuer != NULL)
        sk_X509_push(stack, s->issuer);
    return stack;
}

static TS_RESP *respond(const struct stamper *s, const struct buffer *query)
{
    TS_RESP_CTX *ctx = TS_RESP_CTX_new();
    ASN1_OBJECT *policy = OBJ_txt2obj("1.2.3.4.1", 1);
    STACK_OF(X509) *others = issuers(s);
    BIO *in = BIO_new_mem_buf(query->data, (int)query->length);
    TS_RESP *response;

    must(TS_RESP_CTX_set_signer_cert(ctx, s->again ? s->fit : s->cert) == 1, "signer");
    TS_RESP_CTX_set_signer_key(ctx, s->key);
    TS_RESP_CTX_set_signer_digest(ctx, EVP_sha256());
    TS_RESP_CTX_set_ess_cert_id_digest(ctx, s->ess == NULL ? EVP_sha256() : s->ess);
    TS_RESP_CTX_set_def_policy(ctx, policy);
    TS_RESP_CTX_set_certs(ctx, others);
    TS_RESP_CTX_add_md(ctx, EVP_sha256());
    TS_RESP_CTX_add_md(ctx, EVP_sha384());
    TS_RESP_CTX_set_serial_cb(ctx, serial, NULL);
    TS_RESP_CTX_set_time_cb(ctx, tell_time, (void *)s);
    if (s->whole_chain)
        TS_RESP_CTX_add_flags(ctx, TS_ESS_CERT_ID_CHAIN);
    response = TS_RESP_create_response(ctx, in);
    must(response != NULL, "response");
    TS_RESP_CTX_free(ctx);
    ASN1_OBJECT_free(policy);
    sk_X509_free(others);
    BIO_free(in);
    return response;
}

/* SigningCertificateV2 of one certificate, by SHA-256: { { { hash } } }. */
static void name_signer(CMS_SignerInfo *info, const X509 *named)
{
    uint8_t der[6 + 34] = {0x30, 38, 0x30, 36, 0x30, 34, 0x04, 32};

    must(X509_digest(named, EVP_sha256(), der + 8, NULL) == 1, "hash");
    must(CMS_signed_add1_attr_by_NID(info, NID_id_smime_aa_signingCertificateV2, V_ASN1_SEQUENCE,
                                     der, sizeof der) == 1,
         "ESSCertIDv2");
}

static CMS_ContentInfo *sign_again(const struct stamper *s, const TS_TST_INFO *info)
{
    unsigned char *der = NULL;
    int length = i2d_TS_TST_INFO(info, &der);
    BIO *content = BIO_new_mem_buf(der, length);
    STACK_OF(X509) *others = issuers(s);
    unsigned flags = CMS_BINARY | CMS_PARTIAL;
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, others, content, flags);
    ASN1_OBJECT *type = s->other_type == NULL ? OBJ_nid2obj(NID_id_smime_ct_TSTInfo)
                                              : OBJ_txt2obj(s->other_type, 1);
    CMS_SignerInfo *signer;

    must(cms != NULL && CMS_set1_eContentType(cms, type) == 1, "SignedData");
    signer = CMS_add1_signer(cms, s->cert, s->key, EVP_sha256(),
                             flags | (s->without_cert ? CMS_NOCERTS : 0) |
                                 (s->named == NULL && !s->unnamed ? CMS_CADES : 0));
    must(signer != NULL, "SignerInfo");
    if (s->named != NULL)
        name_signer(signer, s->named);
    must(CMS_final(cms, content, NULL, flags) == 1, "signature");
    ASN1_OBJECT_free(type);
    sk_X509_free(others);
    BIO_free(content);
    OPENSSL_free(der);
    return cms;
}

static void append_header(struct buffer *out, size_t length)
{
    const uint8_t header[] = {0x30, 0x82, (uint8_t)(length >> 8), (uint8_t)length};

    must(length <= 0xffff, "too large for the test");
    buffer_append(out, header, sizeof header);
}

void stamper_token(const struct stamper *s, const struct buffer *query, struct buffer *token)
{
    TS_RESP *response = respond(s, query);
    unsigned char *der = NULL;
    int length;

    must(TS_RESP_get_token(response) != NULL, "it is refused");
    if (s->again) {
        CMS_ContentInfo *cms = sign_again(s, TS_RESP_get_tst_info(response));

        length = i2d_CMS_ContentInfo(cms, &der);
        CMS_ContentInfo_free(cms);
    } else {
        length = i2d_PKCS7(TS_RESP_get_token(response), &der);
    }
    must(length > 0, "encoding");
    buffer_append(token, der, (size_t)length);
    OPENSSL_free(der);
    TS_RESP_free(response);
}

void stamper_answer(const struct stamper *s, const struct buffer *query, struct buffer *answer)
{
    static const uint8_t granted[] = {0x30, 3, 0x02, 1, 0};
    struct buffer token = BUFFER_INIT;

    if (s->again) {
        stamper_token(s, query, &token);
        append_header(answer, sizeof granted + token.length);
        buffer_append(answer, granted, sizeof granted);
        buffer_append(answer, token.data, token.length);
    } else {
        TS_RESP *response = respond(s, query);
        unsigned char *der = NULL;
        int length = i2d_TS_RESP(response, &der);

        must(length > 0, "encoding");
        buffer_append(answer, der, (size_t)length);
        OPENSSL_free(der);
        TS_RESP_free(response);
    }
    buffer_free(&token);
}
