/* SPDX-License-Identifier: Apache-2.0 */
#include "stamping.h"

#include <openssl/ts.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sign/signatures.h"
#include "sign/spc.h"
#include "sign/timestamp.h"
#include "sign/unsigned.h"
#include "signing.h"
#include "stamper.h"

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

void stamping_token(const struct stamping *s, const uint8_t *value, size_t length,
                    struct buffer *token)
{
    const struct stamper stamper = {.cert = s->leaf, .key = s->key};
    struct timestamp_request request;
    struct error e = ERROR_INIT;

    must(timestamp_request(EVP_sha256(), value, length, &request, &e), e.text);
    stamper_token(&stamper, &request.der, token);
    timestamp_request_free(&request);
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
        const ASN1_TYPE *token = unsigned_get(v->info, SPC_RFC3161_OID, 0);

        if (token == NULL)
            continue;
        judge(s, token->value.sequence, v->info->enc_digest);
        must(unsigned_get(v->info, SPC_RFC3161_OID, 1) == NULL, "two timestamps");
        count++;
    }
    signatures_free(&all);
    format_pe.close(&f);
    close(fd);
    return count;
}
