/* SPDX-License-Identifier: Apache-2.0 */
/* signet export: a public certificate, or public key, out of the token. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "cert/chain.h"
#include "cert/view.h"
#include "op/ops.h"
#include "op/record.h"
#include "op/session.h"
#include "op/text.h"

static const char *const formats[] = {"pem", "der", "p7b", NULL};

static const struct op_arg args[] = {
    {.name = "URI",
     .type = OP_OBJECT,
     .positional = true,
     .required = true,
     .help = "pkcs11: URI of a certificate or key, in quotes; of a private key, its certificate is "
             "meant"},
    {.name = "output",
     .letter = 'o',
     .type = OP_PATH,
     .value = "FILE",
     .help = "write here; without it, PEM goes to standard output"},
    {.name = "format",
     .type = OP_CHOICE,
     .value = "FORMAT",
     .choices = formats,
     .default_text = "pem",
     .help = "how to write it"},
    {.name = "certificate",
     .type = OP_TEXT,
     .value = "CERT",
     .help = "sha256: and fingerprint, where the key has several"},
    {.name = "chain",
     .type = OP_FLAG,
     .help = "its issuers too, as far as the token has them (not with der)"},
};

/* The certificates to write, the asked one first. */
static STACK_OF(X509) * certificates(const struct wire_objects *all, const struct wire_object *o,
                                     bool chain, struct error *e)
{
    X509 *leaf = record_x509(o);
    STACK_OF(X509) *pool = sk_X509_new_null(), *result = NULL;

    for (size_t i = 0; chain && pool != NULL && i < all->count; i++) {
        X509 *x = all->object[i].class == CKO_CERTIFICATE ? record_x509(&all->object[i]) : NULL;

        if (x != NULL && sk_X509_push(pool, x) <= 0)
            X509_free(x);
    }
    if (leaf == NULL)
        error_set(e, ERROR_UNFIT, "the object is not an X.509 certificate");
    else if (pool == NULL)
        error_set_memory(e);
    else
        result = cert_chain_build(leaf, pool, NULL, e);
    sk_X509_pop_free(pool, X509_free);
    X509_free(leaf);
    return result;
}

static bool write_pkcs7(BIO *bio, STACK_OF(X509) * certs)
{
    PKCS7 *p7 = PKCS7_new();
    bool good = p7 != NULL && PKCS7_set_type(p7, NID_pkcs7_signed) > 0 &&
                PKCS7_content_new(p7, NID_pkcs7_data) > 0;

    for (int i = 0; i < sk_X509_num(certs) && good; i++)
        good = PKCS7_add_certificate(p7, sk_X509_value(certs, i)) > 0;
    good = good && i2d_PKCS7_bio(bio, p7) > 0;
    PKCS7_free(p7);
    return good;
}

static bool encode(BIO *bio, STACK_OF(X509) * certs, const char *format)
{
    bool good = true;

    if (strcmp(format, "der") == 0)
        return i2d_X509_bio(bio, sk_X509_value(certs, 0)) > 0;
    if (strcmp(format, "p7b") == 0)
        return write_pkcs7(bio, certs);
    for (int i = 0; i < sk_X509_num(certs) && good; i++)
        good = PEM_write_bio_X509(bio, sk_X509_value(certs, i)) > 0;
    return good;
}

/* A key without a certificate: its SubjectPublicKeyInfo. */
static bool encode_key(BIO *bio, const struct wire_object *o, const char *format, struct error *e)
{
    const unsigned char *at = o->spki;
    EVP_PKEY *key = at == NULL ? NULL : d2i_PUBKEY(NULL, &at, (long)o->spki_length);
    bool good;

    if (key == NULL)
        return error_set(e, ERROR_MISSING,
                         "the token tells neither a certificate nor the public key");
    good = strcmp(format, "pem") == 0 ? PEM_write_bio_PUBKEY(bio, key) > 0
                                      : i2d_PUBKEY_bio(bio, key) > 0;
    EVP_PKEY_free(key);
    return good || error_set_openssl(e, ERROR_SYSTEM, "cannot encode the public key");
}

static bool deliver(const struct op_args *a, struct op_ctx *ctx, BIO *bio, const char *what,
                    struct error *e)
{
    const char *path = op_text(a, "output"), *format = op_text(a, "format");
    char *data = NULL;
    long length = BIO_get_mem_data(bio, &data);

    if (path == NULL && strcmp(format, "pem") == 0) {
        op_emit(ctx, "export", json_pack("{s:s, s:s%}", "what", what, "pem", data, (size_t)length));
        return true;
    }
    if (path == NULL)
        return error_set(e, ERROR_USAGE, "--format %s needs --output FILE", format);
    if (!op_may_replace(ctx, path, e) || !path_write_file(path, data, (size_t)length, 0644, e))
        return false;
    op_emit(ctx, "export",
            json_pack("{s:s, s:s, s:s}", "what", what, "file", path, "format", format));
    return true;
}

static bool fits(const struct wire_object *c, const char *fingerprint, time_t *expires)
{
    X509 *x = record_x509(c);
    bool fit = x != NULL && (fingerprint == NULL || cert_pin_matches(x, fingerprint));

    if (fit)
        *expires = cert_not_after(x);
    X509_free(x);
    return fit;
}

/* Of those for the same key as `o`. */
static const struct wire_object *choose(const struct wire_objects *all, const struct wire_object *o,
                                        const char *fingerprint)
{
    const struct wire_object *best = NULL;
    time_t expires = 0, latest = 0;

    for (size_t i = 0; i < all->count; i++) {
        const struct wire_object *c = &all->object[i];

        if (c->class == CKO_CERTIFICATE && (c == o || objects_same_key(c, o)) &&
            fits(c, fingerprint, &expires) && (best == NULL || expires > latest)) {
            best = c;
            latest = expires;
        }
    }
    return best;
}

/* The certificate that is meant; *c is NULL where the public key is. */
static bool find_certificate(const struct op_args *a, const struct wire_objects *all,
                             const struct wire_object *o, CK_OBJECT_CLASS asked,
                             const struct wire_object **c, struct error *e)
{
    const char *fingerprint = op_text(a, "certificate");

    *c = NULL;
    if (fingerprint != NULL) {
        *c = choose(all, o, fingerprint);
        return *c != NULL ||
               error_set(e, ERROR_MISSING, "'%s' has no certificate %s; signet objects lists them",
                         op_text(a, "URI"), fingerprint);
    }
    if (asked == CKO_CERTIFICATE)
        *c = o;
    else if (asked != CKO_PUBLIC_KEY)
        *c = choose(all, o, NULL);
    if (*c == NULL && asked == CKO_PRIVATE_KEY)
        *c = objects_certificate_of(all, o, NULL);
    return true;
}

/* Of a private key its certificate is meant; a public key is exported as such. */
static bool export_object(const struct op_args *a, struct op_ctx *ctx,
                          const struct wire_objects *all, const struct wire_object *o,
                          CK_OBJECT_CLASS asked, struct error *e)
{
    const struct wire_object *c;
    STACK_OF(X509) *certs = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    bool done = bio != NULL && find_certificate(a, all, o, asked, &c, e);

    if (done && c != NULL) {
        certs = certificates(all, c, op_flag(a, "chain"), e);
        done =
            certs != NULL && (encode(bio, certs, op_text(a, "format")) ||
                              error_set_openssl(e, ERROR_SYSTEM, "cannot encode the certificate"));
    } else if (done) {
        done = encode_key(bio, o, op_text(a, "format"), e);
    }
    done = done && deliver(a, ctx, bio, c != NULL ? "certificate" : "public key", e);
    sk_X509_pop_free(certs, X509_free);
    BIO_free(bio);
    return done;
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct wire_objects all = {0};
    const struct wire_object *o = NULL;
    CK_OBJECT_CLASS class;
    struct inventory inv;
    struct token *t;
    bool done = false;

    if (!op_inventory(a, ctx, &inv, e))
        return false;
    t = op_token(a, "URI", &inv, e);
    if (t != NULL && objects_read(inventory_host(&inv, t), t->slot.id, NULL, ctx->cancel, &all, e))
        o = op_object(&all, t, op_text(a, "URI"), &class, e);
    if (o != NULL)
        done = export_object(a, ctx, &all, o, class, e);
    wire_objects_free(&all);
    inventory_free(&inv);
    return done;
}

static void text(const char *kind, const json_t *record, unsigned width, bool colour,
                 struct buffer *out)
{
    (void)kind, (void)width, (void)colour;
    if (*op_string(record, "file") == '\0')
        buffer_append_text(out, op_string(record, "pem"));
    else
        buffer_printf(out, "wrote the %s to %s\n", op_string(record, "what"),
                      op_string(record, "file"));
}

const struct op op_export = {
    .verb = "export",
    .group = "Look",
    .summary = "write a public certificate to a file",
    .example = "signet export 'pkcs11:token=release;id=%01;type=cert' -o release.pem --chain",
    .effects = OP_WRITES,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
