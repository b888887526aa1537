/* SPDX-License-Identifier: Apache-2.0 */
#include "stamping.h"

#include <openssl/ts.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sign/signatures.h"
#include "sign/spc.h"
#include "sign/unsigned.h"
#include "signing.h"

#define POLICY "1.2.3.4.1"

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "cannot go on: %s\n", what);
    abort();
}

void stamping_make(struct stamping *s)
{
    s->key = make_key("P-256");
    s->root =
        make_certificate(&(struct certificate){.name = "Test TSA Root", .key = s->key, .ca = true});
    s->leaf = make_certificate(&(struct certificate){.name = "Test TSA",
                                                     .key = s->key,
                                                     .issuer = s->root,
                                                     .issuer_key = s->key,
                                                     .serial = 2,
                                                     .usage = "critical,digitalSignature",
                                                     .purposes = "critical,timeStamping"});
}

void stamping_free(struct stamping *s)
{
    EVP_PKEY_free(s->key);
    X509_free(s->root);
    X509_free(s->leaf);
}

/* A TimeStampReq, as a client sends it. */
static BIO *request(const uint8_t *value, size_t length)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    TS_REQ *req = TS_REQ_new();
    TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
    X509_ALGOR *algorithm = X509_ALGOR_new();
    BIO *bio = BIO_new(BIO_s_mem());

    must(EVP_Digest(value, length, digest, &size, EVP_sha256(), NULL) > 0 &&
             X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL) &&
             TS_MSG_IMPRINT_set_algo(imprint, algorithm) &&
             TS_MSG_IMPRINT_set_msg(imprint, digest, (int)size) && TS_REQ_set_version(req, 1) &&
             TS_REQ_set_msg_imprint(req, imprint) && TS_REQ_set_cert_req(req, 1) &&
             i2d_TS_REQ_bio(bio, req) > 0,
         "request");
    X509_ALGOR_free(algorithm);
    TS_MSG_IMPRINT_free(imprint);
    TS_REQ_free(req);
    return bio;
}

static ASN1_INTEGER *serial(TS_RESP_CTX *ctx, void *data)
{
    ASN1_INTEGER *one = ASN1_INTEGER_new();

    (void)ctx, (void)data;
    must(one != NULL && ASN1_INTEGER_set(one, 1), "serial");
    return one;
}

void stamping_token(const struct stamping *s, const uint8_t *value, size_t length,
                    struct buffer *token)
{
    TS_RESP_CTX *ctx = TS_RESP_CTX_new();
    ASN1_OBJECT *policy = OBJ_txt2obj(POLICY, 1);
    BIO *bio = request(value, length);
    TS_RESP *answer;
    unsigned char *der = NULL;
    int size;

    TS_RESP_CTX_set_serial_cb(ctx, serial, NULL);
    must(TS_RESP_CTX_set_signer_cert(ctx, s->leaf) && TS_RESP_CTX_set_signer_key(ctx, s->key) &&
             TS_RESP_CTX_set_def_policy(ctx, policy) && TS_RESP_CTX_add_md(ctx, EVP_sha256()) &&
             TS_RESP_CTX_set_signer_digest(ctx, EVP_sha256()),
         "server");
    answer = TS_RESP_create_response(ctx, bio);
    must(answer != NULL && TS_RESP_get_token(answer) != NULL, "answer");
    size = i2d_PKCS7(TS_RESP_get_token(answer), &der);
    must(size > 0, "token");
    buffer_append(token, der, (size_t)size);
    OPENSSL_free(der);
    TS_RESP_free(answer);
    BIO_free(bio);
    ASN1_OBJECT_free(policy);
    TS_RESP_CTX_free(ctx);
}

static void judge(const struct stamping *s, const ASN1_STRING *token, const ASN1_STRING *value)
{
    const unsigned char *at = ASN1_STRING_get0_data(token);
    PKCS7 *p7 = d2i_PKCS7(NULL, &at, ASN1_STRING_length(token));
    TS_VERIFY_CTX *ctx = TS_VERIFY_CTX_new();
    X509_STORE *trust = X509_STORE_new();

    must(p7 != NULL && X509_STORE_add_cert(trust, s->root) == 1, "a token that is none");
    TS_VERIFY_CTX_set_flags(ctx, TS_VFY_SIGNATURE | TS_VFY_VERSION | TS_VFY_DATA);
    TS_VERIFY_CTX_set_store(ctx, trust);
    TS_VERIFY_CTX_set_data(
        ctx, BIO_new_mem_buf(ASN1_STRING_get0_data(value), ASN1_STRING_length(value)));
    must(TS_RESP_verify_token(ctx, p7) == 1, "a token that is not for this signature");
    TS_VERIFY_CTX_free(ctx);
    PKCS7_free(p7);
}

size_t stamping_count(const struct stamping *s, const struct buffer *file)
{
    int fd = signing_file(file->data, file->length);
    struct signatures *all = signatures_new(NULL);
    struct format_file *f = format_pe.open(fd, "test.exe", NULL);
    size_t count = 0;

    must(f != NULL && signatures_read(all, &format_pe, f, NULL), "a program");
    for (size_t i = 0; i < all->count; i++) {
        const struct authenticode_view *v = &all->view[i];
        const ASN1_TYPE *token = unsigned_get(v, SPC_RFC3161_OID, 0);

        if (token == NULL)
            continue;
        judge(s, token->value.sequence, v->info->enc_digest);
        must(unsigned_get(v, SPC_RFC3161_OID, 1) == NULL, "two timestamps");
        count++;
    }
    signatures_free(&all);
    format_pe.close(&f);
    close(fd);
    return count;
}
