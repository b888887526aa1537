/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of any kind, made on the spot. Whatever cannot be made ends the test program. */
#ifndef SIGNET_TESTS_CERT_MAKE_H
#define SIGNET_TESTS_CERT_MAKE_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <time.h>

struct certificate {
    const char *name;     /* CN */
    EVP_PKEY *key;        /* the public half goes in */
    X509 *issuer;         /* NULL: self-issued */
    EVP_PKEY *issuer_key; /* NULL: `key` */
    time_t from, to;      /* both 0: from 2020 to 2040 */
    long serial;
    bool ca;
    const char *usage;    /* as OpenSSL's configuration writes keyUsage; NULL: none */
    const char *purposes; /* extendedKeyUsage; NULL: none */
    const char *md;       /* of its signature; NULL: SHA256, or what the key wants */
    const char *access;   /* authorityInfoAccess; NULL: none */
};

enum { YEAR_2020 = 1577836800, YEAR_2026 = 1767225600 };
#define YEAR_2040 ((time_t)2208988800)

/* The caller frees it with X509_free. */
X509 *make_certificate(const struct certificate *c);

/* The caller frees it with EVP_PKEY_free. "RSA:2048", "P-256", "secp256k1", "ED25519" … */
EVP_PKEY *make_key(const char *type);

/* A stack of the certificates up to NULL, with references of its own. */
STACK_OF(X509) * make_stack(X509 *first, ...) __attribute__((sentinel));

void make_free_stack(STACK_OF(X509) * stack);

#endif
