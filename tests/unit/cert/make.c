/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for the tests. */
#include "make.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "cannot make a certificate: %s\n", what);
    ERR_print_errors_fp(stderr);
    abort();
}

EVP_PKEY *make_key(const char *type)
{
    EVP_PKEY *key;

    if (strncmp(type, "RSA:", 4) == 0)
        key = EVP_RSA_gen((unsigned)atoi(type + 4));
    else if (strncmp(type, "ED", 2) == 0)
        key = EVP_PKEY_Q_keygen(NULL, NULL, type);
    else
        key = EVP_EC_gen(type);
    must(key != NULL, type);
    return key;
}

static void extend(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    must(extension != NULL && X509_add_ext(x, extension, -1) == 1, value);
    X509_EXTENSION_free(extension);
}

X509 *make_certificate(const struct certificate *c)
{
    X509 *x = X509_new(), *issuer = c->issuer == NULL ? x : c->issuer;
    X509_NAME *subject = X509_NAME_new();
    EVP_PKEY *signing = c->issuer_key == NULL ? c->key : c->issuer_key;
    const EVP_MD *md = EVP_PKEY_get_base_id(signing) == EVP_PKEY_ED25519 ? NULL
                       : c->md == NULL                                   ? EVP_sha256()
                                       : EVP_get_digestbyname(c->md);

    must(X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, (const uint8_t *)"Practice", -1,
                                    -1, 0) == 1 &&
             X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const uint8_t *)c->name, -1,
                                        -1, 0) == 1,
         c->name);
    must(X509_set_version(x, X509_VERSION_3) == 1 && X509_set_subject_name(x, subject) == 1 &&
             X509_set_issuer_name(x, X509_get_subject_name(issuer)) == 1 &&
             X509_set_pubkey(x, c->key) == 1 &&
             ASN1_INTEGER_set(X509_get_serialNumber(x), c->serial == 0 ? 1 : c->serial) == 1,
         "fields");
    ASN1_TIME_set(X509_getm_notBefore(x), c->from == 0 && c->to == 0 ? YEAR_2020 : c->from);
    ASN1_TIME_set(X509_getm_notAfter(x), c->from == 0 && c->to == 0 ? YEAR_2040 : c->to);
    extend(x, issuer, NID_subject_key_identifier, "hash");
    extend(x, issuer, NID_authority_key_identifier, "keyid");
    if (c->ca)
        extend(x, issuer, NID_basic_constraints, "critical,CA:TRUE");
    if (c->usage != NULL)
        extend(x, issuer, NID_key_usage, c->usage);
    if (c->purposes != NULL)
        extend(x, issuer, NID_ext_key_usage, c->purposes);
    if (c->access != NULL)
        extend(x, issuer, NID_info_access, c->access);
    must(X509_sign(x, signing, md) > 0, "signature");
    X509_NAME_free(subject);
    return x;
}

STACK_OF(X509) * make_stack(X509 *first, ...)
{
    STACK_OF(X509) *stack = sk_X509_new_null();
    va_list more;

    va_start(more, first);
    for (X509 *x = first; x != NULL; x = va_arg(more, X509 *)) {
        must(X509_up_ref(x) == 1, "reference");
        sk_X509_push(stack, x);
    }
    va_end(more);
    return stack;
}

void make_free_stack(STACK_OF(X509) * stack)
{
    sk_X509_pop_free(stack, X509_free);
}
