/* SPDX-License-Identifier: Apache-2.0 */
/* Chains by what certificates say and what their signatures prove; trust is the verifier's
 * business. */
#include "cert/chain.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cert/view.h"

enum { DEPTH_MAX = 16, RSA_BITS_MIN = 2048 };

/* By names and key identifiers first, which costs little, then by the signature. */
static bool issued_by(X509 *x, X509 *issuer)
{
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    bool issued =
        key != NULL && X509_check_issued(issuer, x) == X509_V_OK && X509_verify(x, key) == 1;

    ERR_clear_error();
    return issued;
}

static bool is_root(X509 *x)
{
    return cert_self_issued(x) && issued_by(x, x);
}

bool cert_chain_holds(const STACK_OF(X509) * all, const X509 *x)
{
    for (int i = 0; i < sk_X509_num(all); i++)
        if (X509_cmp(sk_X509_value(all, i), x) == 0)
            return true;
    return false;
}

/* Which of two issuers of the same certificate leads further: one that is not a root (a verifier
 * can cut a chain short at a root of its own, but cannot find a cross certificate that was left
 * out), then the one that is valid longer. */
static bool better(X509 *a, X509 *b)
{
    bool a_root = is_root(a), b_root = is_root(b);

    return a_root != b_root ? b_root : cert_not_after(a) > cert_not_after(b);
}

static X509 *find_issuer(X509 *x, STACK_OF(X509) * pool, STACK_OF(X509) * chain)
{
    X509 *best = NULL;

    for (int i = 0; i < sk_X509_num(pool); i++) {
        X509 *candidate = sk_X509_value(pool, i);

        if (issued_by(x, candidate) && !cert_chain_holds(chain, candidate) &&
            (best == NULL || better(candidate, best)))
            best = candidate;
    }
    return best;
}

X509 *cert_chain_issuer(X509 *x, STACK_OF(X509) * pool)
{
    for (int i = 0; i < sk_X509_num(pool); i++) {
        X509 *candidate = sk_X509_value(pool, i);

        if (X509_cmp(candidate, x) != 0 && issued_by(x, candidate))
            return candidate;
    }
    return NULL;
}

/* Whether the pool has a root with the name and key of `x`, which then is its cross certificate.
 */
static bool root_in_disguise(X509 *x, STACK_OF(X509) * pool)
{
    for (int i = 0; i < sk_X509_num(pool); i++) {
        X509 *root = sk_X509_value(pool, i);

        if (X509_NAME_cmp(X509_get_subject_name(root), X509_get_subject_name(x)) == 0 &&
            EVP_PKEY_eq(X509_get0_pubkey(root), X509_get0_pubkey(x)) == 1 && is_root(root))
            return true;
    }
    ERR_clear_error();
    return false;
}

static bool push(STACK_OF(X509) * chain, X509 *x)
{
    if (sk_X509_push(chain, x) <= 0)
        return false;
    X509_up_ref(x);
    return true;
}

STACK_OF(X509) *
    cert_chain_build(X509 *leaf, STACK_OF(X509) * pool, char **missing, struct error *e)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    X509 *last = leaf, *next = NULL;

    if (missing != NULL)
        *missing = NULL;
    if (chain == NULL || !push(chain, leaf))
        goto memory;
    while (!is_root(last) && sk_X509_num(chain) < DEPTH_MAX) {
        next = find_issuer(last, pool, chain);
        if (next == NULL || is_root(next))
            break;
        if (!push(chain, next))
            goto memory;
        last = next;
    }
    if (missing != NULL && !is_root(last) && (next == NULL || !is_root(next)) &&
        !root_in_disguise(last, pool)) {
        *missing = cert_issuer(last);
        if (*missing == NULL)
            goto memory;
    }
    return chain;
memory:
    sk_X509_pop_free(chain, X509_free);
    error_set_memory(e);
    return NULL;
}

static bool good_usage(const X509 *x, const char *who, struct error *e)
{
    int critical = -1;
    ASN1_BIT_STRING *usage;
    bool good;

    if (!cert_for_code_signing(x))
        return error_set(e, ERROR_UNFIT,
                         "the certificate '%s' is not for code signing (it lacks that extended key "
                         "usage); choose the code-signing certificate of this key",
                         who);
    usage = X509_get_ext_d2i(x, NID_key_usage, &critical, NULL);
    good = usage == NULL ? critical == -1 : ASN1_BIT_STRING_get_bit(usage, 0) == 1;
    ASN1_BIT_STRING_free(usage);
    ERR_clear_error();
    if (!good)
        return error_set(e, ERROR_UNFIT,
                         "the certificate '%s' may not sign (its key usage lacks digital "
                         "signature); ask the CA for one that may",
                         who);
    return true;
}

static bool good_date(const X509 *x, const char *who, time_t now, struct error *e)
{
    time_t from = cert_not_before(x), to = cert_not_after(x);
    char date[CLOCK_TEXT_SIZE], clock[CLOCK_TEXT_SIZE];

    if (from == (time_t)-1 || to == (time_t)-1)
        return error_set(e, ERROR_UNFIT, "the certificate '%s' has dates that cannot be read", who);
    if (now < from)
        return error_set(e, ERROR_UNFIT,
                         "the certificate '%s' is valid from %s on, and it is %s here; wait, or "
                         "set this machine's clock",
                         who, clock_text(from, date), clock_text(now, clock));
    if (now > to)
        return error_set(e, ERROR_UNFIT,
                         "the certificate '%s' expired on %s, and it is %s here; renew it, and "
                         "name the new one in the profile",
                         who, clock_text(to, date), clock_text(now, clock));
    return true;
}

static bool good_key(EVP_PKEY *key, const char *who, struct error *e)
{
    static const int curves[] = {NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1};
    char *text = cert_key_text(key), group[80];
    bool good = false;

    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
        good = EVP_PKEY_get_bits(key) >= RSA_BITS_MIN;
    else if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
             EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1)
        for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
            good = good || OBJ_txt2nid(group) == curves[i];
    ERR_clear_error();
    if (!good)
        error_set(e, ERROR_UNFIT,
                  "the certificate '%s' has a key of type %s; code is signed with RSA of %d bits "
                  "or more, P-256, P-384 or P-521",
                  who, text == NULL ? "?" : text, RSA_BITS_MIN);
    free(text);
    return good;
}

bool cert_fit_to_sign(const X509 *x, EVP_PKEY *key, time_t now, struct error *e)
{
    EVP_PKEY *own = X509_get0_pubkey(x);
    char *name = cert_common_name(x);
    const char *who = name == NULL ? "?" : name;
    bool fit;

    ERR_clear_error();
    if (own == NULL)
        fit =
            error_set(e, ERROR_UNFIT, "the certificate '%s' has a public key of unknown type", who);
    else if (key != NULL && EVP_PKEY_eq(own, key) != 1)
        fit = error_set(e, ERROR_UNFIT,
                        "the certificate '%s' belongs to another key than the one that would "
                        "sign; choose the certificate that was issued for this key",
                        who);
    else
        fit = good_usage(x, who, e) && good_date(x, who, now, e) && good_key(own, who, e);
    ERR_clear_error();
    free(name);
    return fit;
}
