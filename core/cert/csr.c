/* SPDX-License-Identifier: Apache-2.0 */
#include "cert/csr.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/path.h"

/* RFC 5321 section 4.5.3.1: a path of 256 with its angle brackets, a local part of 64. */
enum { EMAIL_MAX = 254, LOCAL_MAX = 64, LABEL_MAX = 63 };

/* RFC 5321 section 4.1.2: Dot-string. */
static bool is_local_part(const char *text, size_t length)
{
    static const char atext[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "!#$%&'*+-/=?^_`{|}~";
    bool dot = true; /* the last one was a dot, or there was none yet */

    for (size_t i = 0; i < length; i++) {
        if (text[i] == '.' ? dot : memchr(atext, text[i], sizeof atext - 1) == NULL)
            return false;
        dot = text[i] == '.';
    }
    return length > 0 && length <= LOCAL_MAX && !dot;
}

static bool is_label_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

/* Labels of letters, digits and hyphens, two at least. */
static bool is_domain(const char *text)
{
    unsigned labels = 0;

    for (;;) {
        size_t length = 0;

        while (is_label_character(text[length]))
            length++;
        if (length == 0 || length > LABEL_MAX || text[0] == '-' || text[length - 1] == '-')
            return false;
        labels++;
        if (text[length] == '\0')
            return labels >= 2;
        if (text[length] != '.')
            return false;
        text += length + 1;
    }
}

bool csr_check_email(const char *email, struct error *e)
{
    const char *at = strchr(email, '@');

    if (at != NULL && strlen(email) <= EMAIL_MAX && is_local_part(email, (size_t)(at - email)) &&
        is_domain(at + 1))
        return true;
    return error_set(e, ERROR_USAGE, "'%s' is no e-mail address that a certificate can hold",
                     email);
}

static bool push(STACK_OF(X509_EXTENSION) * list, int nid, int critical, void *value)
{
    X509_EXTENSION *x = X509V3_EXT_i2d(nid, critical, value);

    if (x != NULL && sk_X509_EXTENSION_push(list, x) > 0)
        return true;
    X509_EXTENSION_free(x);
    return false;
}

/* RFC 5280 section 4.2.1.3: digitalSignature is bit 0. */
static bool push_key_usage(STACK_OF(X509_EXTENSION) * list)
{
    ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
    bool good = bits != NULL && ASN1_BIT_STRING_set_bit(bits, 0, 1) == 1 &&
                push(list, NID_key_usage, 1, bits);

    ASN1_BIT_STRING_free(bits);
    return good;
}

static bool push_purpose(STACK_OF(X509_EXTENSION) * list)
{
    EXTENDED_KEY_USAGE *purposes = sk_ASN1_OBJECT_new_null();
    bool good = purposes != NULL && sk_ASN1_OBJECT_push(purposes, OBJ_nid2obj(NID_code_sign)) > 0 &&
                push(list, NID_ext_key_usage, 0, purposes);

    sk_ASN1_OBJECT_free(purposes); /* its object is OpenSSL's own */
    return good;
}

static bool push_email(STACK_OF(X509_EXTENSION) * list, const char *email)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    bool good =
        names != NULL && name != NULL && text != NULL && ASN1_STRING_set(text, email, -1) == 1;

    if (good) {
        GENERAL_NAME_set0_value(name, GEN_EMAIL, text);
        text = NULL;
        good = sk_GENERAL_NAME_push(names, name) > 0;
    }
    if (good)
        name = NULL;
    good = good && push(list, NID_subject_alt_name, 0, names);
    ASN1_IA5STRING_free(text);
    GENERAL_NAME_free(name);
    GENERAL_NAMES_free(names);
    return good;
}

static bool add_extensions(X509_REQ *r, const char *email)
{
    STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
    bool good = list != NULL && push_key_usage(list) && push_purpose(list) &&
                (email == NULL || push_email(list, email)) && X509_REQ_add_extensions(r, list) == 1;

    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    return good;
}

/* RFC 4055 section 5 wants NULL as the parameter for RSA, RFC 5758 section 3.2 none for ECDSA. */
static bool set_algorithm(X509_REQ *r, const struct signer *signer, enum signer_hash hash)
{
    int key = signer->mechanism == SIGNER_RSA_PKCS1 ? EVP_PKEY_RSA : EVP_PKEY_EC, nid;
    X509_ALGOR *algorithm = X509_ALGOR_new();
    bool good = algorithm != NULL &&
                OBJ_find_sigid_by_algs(&nid, EVP_MD_get_type(signer_hash_md(hash)), key) == 1 &&
                X509_ALGOR_set0(algorithm, OBJ_nid2obj(nid),
                                signer->mechanism == SIGNER_RSA_PKCS1 ? V_ASN1_NULL : V_ASN1_UNDEF,
                                NULL) == 1 &&
                X509_REQ_set1_signature_algo(r, algorithm) == 1;

    X509_ALGOR_free(algorithm);
    return good;
}

static X509_REQ *unsigned_request(const struct csr_spec *spec, const struct signer *signer,
                                  struct error *e)
{
    X509_REQ *r = X509_REQ_new();

    if (r != NULL && X509_REQ_set_version(r, X509_REQ_VERSION_1) == 1 &&
        X509_REQ_set_subject_name(r, spec->subject) == 1 &&
        X509_REQ_set_pubkey(r, signer->public_key) == 1 && add_extensions(r, spec->email) &&
        set_algorithm(r, signer, spec->hash))
        return r;
    X509_REQ_free(r);
    error_set_openssl(e, ERROR_SYSTEM, "cannot make the request");
    return NULL;
}

/* Takes the signature's bytes. The string has no unused bits (X.690 section 8.6.2.3). */
static bool set_signature(X509_REQ *r, const struct buffer *signature, struct error *e)
{
    ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();

    if (bits == NULL || ASN1_BIT_STRING_set(bits, signature->data, (int)signature->length) != 1) {
        ASN1_BIT_STRING_free(bits);
        return error_set_memory(e);
    }
    bits->flags &= ~(ASN1_STRING_FLAG_BITS_LEFT | 7);
    bits->flags |= ASN1_STRING_FLAG_BITS_LEFT;
    X509_REQ_set0_signature(r, bits);
    return true;
}

static bool sign(X509_REQ *r, const struct signer *signer, enum signer_hash hash, struct error *e)
{
    struct buffer signature = BUFFER_INIT;
    uint8_t *tbs = NULL, digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    int size = i2d_re_X509_REQ_tbs(r, &tbs);
    bool good =
        size > 0 && EVP_Digest(tbs, (size_t)size, digest, &length, signer_hash_md(hash), NULL) == 1;

    OPENSSL_free(tbs);
    if (!good)
        return error_set_openssl(e, ERROR_SYSTEM, "cannot encode the request");
    good = signer->sign(signer->data, 0, hash, digest, length, &signature, e) &&
           buffer_ok(&signature, e) && set_signature(r, &signature, e);
    buffer_free(&signature);
    return good;
}

/* Through its encoding: what is checked is what will be written. */
static X509_REQ *reread(X509_REQ *r, struct error *e)
{
    struct buffer der = BUFFER_INIT;
    X509_REQ *again = NULL;

    if (csr_encode(r, false, &der, e))
        again = csr_load("the new request", der.data, der.length, e);
    buffer_free(&der);
    if (again != NULL && csr_verify(again, e))
        return again;
    X509_REQ_free(again);
    return NULL;
}

X509_REQ *csr_build(const struct csr_spec *spec, const struct signer *signer, struct error *e)
{
    X509_REQ *r, *checked = NULL;

    if (spec->email != NULL && !csr_check_email(spec->email, e))
        return NULL;
    r = unsigned_request(spec, signer, e);
    if (r != NULL && sign(r, signer, spec->hash, e))
        checked = reread(r, e);
    X509_REQ_free(r);
    return checked;
}

static X509_REQ *load_der(const uint8_t *bytes, size_t length)
{
    const uint8_t *at = bytes;
    X509_REQ *r = d2i_X509_REQ(NULL, &at, (long)length);

    if (r == NULL || at == bytes + length)
        return r;
    X509_REQ_free(r);
    return NULL;
}

static X509_REQ *load_pem(const void *bytes, size_t length)
{
    BIO *in = BIO_new_mem_buf(bytes, (int)length);
    X509_REQ *r = in == NULL ? NULL : PEM_read_bio_X509_REQ(in, NULL, NULL, NULL);

    BIO_free(in);
    return r;
}

X509_REQ *csr_load(const char *name, const void *bytes, size_t length, struct error *e)
{
    X509_REQ *r = NULL;

    if (length > 0 && length <= CSR_FILE_MAX) {
        r = load_der(bytes, length);
        if (r == NULL)
            r = load_pem(bytes, length);
    }
    ERR_clear_error();
    if (r != NULL && X509_REQ_get0_pubkey(r) == NULL) {
        X509_REQ_free(r);
        ERR_clear_error();
        error_set(e, ERROR_FORMAT, "'%s': the public key in the request cannot be read", name);
        return NULL;
    }
    if (r == NULL)
        error_set(e, ERROR_FORMAT, "'%s' is no certification request (PKCS #10, PEM or DER)", name);
    return r;
}

X509_REQ *csr_load_file(const char *path, struct error *e)
{
    struct buffer bytes = BUFFER_INIT;
    X509_REQ *r = NULL;

    if (path_read_file(path, CSR_FILE_MAX, &bytes, e))
        r = csr_load(path, bytes.data, bytes.length, e);
    buffer_free(&bytes);
    return r;
}

bool csr_verify(X509_REQ *r, struct error *e)
{
    EVP_PKEY *key = X509_REQ_get0_pubkey(r);
    bool good = key != NULL && X509_REQ_verify(r, key) == 1;

    ERR_clear_error();
    return good || error_set(e, ERROR_SIGNATURE,
                             "the request's signature was not made by the key that is in it");
}

bool csr_encode(const X509_REQ *r, bool pem, struct buffer *out, struct error *e)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    bool good =
        bio != NULL && (pem ? PEM_write_bio_X509_REQ(bio, r) : i2d_X509_REQ_bio(bio, r)) > 0;
    long length = good ? BIO_get_mem_data(bio, &data) : 0;

    if (good)
        buffer_append(out, data, (size_t)length);
    BIO_free(bio);
    return good ? buffer_ok(out, e)
                : error_set_openssl(e, ERROR_SYSTEM, "cannot encode the request");
}

int csr_digest(const X509_REQ *r)
{
    int digest = NID_undef;

    if (OBJ_find_sigid_algs(X509_REQ_get_signature_nid(r), &digest, NULL) != 1)
        digest = NID_undef;
    return digest;
}
