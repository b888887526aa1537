/* SPDX-License-Identifier: Apache-2.0 */
#include "cert/chain.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cert/view.h"

enum { LONGEST_CHAIN = 16, LEAST_RSA_BITS = 2048 };

/* By names, key identifiers and the signature itself. */
static X509 *issuer_of(X509 *x, STACK_OF(X509) * pool)
{
    for (int i = 0; i < sk_X509_num(pool); i++) {
        X509 *candidate = sk_X509_value(pool, i);

        if (X509_check_issued(candidate, x) == X509_V_OK &&
            X509_verify(x, X509_get0_pubkey(candidate)) == 1)
            return candidate;
    }
    return NULL;
}

STACK_OF(X509) *
    cert_chain_build(X509 *leaf, STACK_OF(X509) * pool, char **missing, struct error *e)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    X509 *x = leaf;
    bool good = chain != NULL;

    if (missing != NULL)
        *missing = NULL;
    while (good && sk_X509_num(chain) < LONGEST_CHAIN) {
        X509 *issuer;

        good = X509_up_ref(x) && sk_X509_push(chain, x) > 0;
        if (cert_self_issued(x))
            break;
        issuer = issuer_of(x, pool);
        if (issuer == NULL && missing != NULL)
            *missing = cert_issuer(x);
        if (issuer == NULL || cert_self_issued(issuer))
            break;
        x = issuer;
    }
    ERR_clear_error();
    if (good)
        return chain;
    sk_X509_pop_free(chain, X509_free);
    error_set_memory(e);
    return NULL;
}

static bool fit_key(const X509 *x, const char *name, struct error *e)
{
    EVP_PKEY *key = X509_get0_pubkey(x);
    char *text = key == NULL ? NULL : cert_key_text(key);
    bool good = false;

    if (text == NULL)
        error_set(e, ERROR_UNFIT, "the public key of certificate '%s' cannot be read", name);
    else if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
        good = EVP_PKEY_get_bits(key) >= LEAST_RSA_BITS;
    else
        good = strncmp(text, "P-", 2) == 0;
    if (text != NULL && !good)
        error_set(e, ERROR_UNFIT,
                  "certificate '%s' has a key of type %s; code is signed with RSA of 2048 bits or "
                  "more, P-256, "
                  "P-384 or P-521",
                  name, text);
    free(text);
    return good;
}

static bool fit_time(const X509 *x, const char *name, time_t now, struct error *e)
{
    time_t from = cert_not_before(x), to = cert_not_after(x);
    char text[CLOCK_TEXT_SIZE];

    if (now < from)
        return error_set(e, ERROR_UNFIT,
                         "certificate '%s' is valid only from %s on; is the clock right?", name,
                         clock_text(from, text));
    if (now > to)
        return error_set(e, ERROR_UNFIT, "certificate '%s' expired at %s; renew it", name,
                         clock_text(to, text));
    return true;
}

static bool fit_purpose(const X509 *x, const char *name, struct error *e)
{
    uint32_t usage = X509_get_key_usage((X509 *)(uintptr_t)x);

    if (!cert_for_code_signing(x))
        return error_set(
            e, ERROR_UNFIT,
            "certificate '%s' is not for code signing (extended key usage); order one that is",
            name);
    if (usage != UINT32_MAX && !(usage & KU_DIGITAL_SIGNATURE))
        return error_set(e, ERROR_UNFIT,
                         "certificate '%s' may not make digital signatures (key usage)", name);
    return true;
}

bool cert_fit_to_sign(const X509 *x, EVP_PKEY *key, time_t now, struct error *e)
{
    char *name = cert_common_name(x);
    bool fit = false;

    if (name == NULL)
        error_set_memory(e);
    else if (key != NULL && EVP_PKEY_eq(X509_get0_pubkey(x), key) != 1)
        error_set(e, ERROR_UNFIT, "certificate '%s' does not belong to the key", name);
    else
        fit = fit_purpose(x, name, e) && fit_key(x, name, e) && fit_time(x, name, now, e);
    ERR_clear_error();
    free(name);
    return fit;
}
