/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/verify_chain.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cert/view.h"

char *verify_chain_name(const X509 *x)
{
    return x == NULL ? strdup("?") : cert_common_name(x);
}

static const char *or_unknown(const char *name)
{
    return name == NULL ? "?" : name;
}

static void tell_no_issuer(const struct verify_chain *asked, const char *who, const X509 *at)
{
    char *issuer = at == NULL ? NULL : cert_issuer(at);

    verify_say(asked->problems,
               "no trusted root for '%s': its issuer, %s, is not known here; name the root with "
               "%s FILE",
               who, or_unknown(issuer), asked->option);
    free(issuer);
}

/* OpenSSL's reason, in words that say what to do where there is something to do. */
static void tell(const struct verify_chain *asked, int error, X509 *at)
{
    char *name = verify_chain_name(at), when[CLOCK_TEXT_SIZE];
    const char *who = or_unknown(name);

    switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        verify_say(asked->problems, "certificate '%s' expired at %s%s", who,
                   clock_text(at == NULL ? 0 : cert_not_after(at), when), asked->expired);
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        verify_say(asked->problems, "certificate '%s' is valid only from %s on%s", who,
                   clock_text(at == NULL ? 0 : cert_not_before(at), when), asked->early);
        break;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        tell_no_issuer(asked, who, at);
        break;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        verify_say(asked->problems,
                   "the root '%s' is not trusted here; name it with %s FILE if it should be", who,
                   asked->option);
        break;
    case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
        verify_say(asked->problems,
                   "certificate '%s' has a critical extension that is not known here: what it "
                   "demands cannot be checked",
                   who);
        break;
    default:
        verify_say(asked->problems, "certificate '%s': %s", who,
                   X509_verify_cert_error_string(error));
    }
    free(name);
}

/* OpenSSL asks this about each thing that is wrong; all of them are wanted, so it goes on. */
static int note(int good, X509_STORE_CTX *ctx)
{
    if (!good)
        tell(X509_STORE_CTX_get_app_data(ctx), X509_STORE_CTX_get_error(ctx),
             X509_STORE_CTX_get_current_cert(ctx));
    return 1;
}

/* OpenSSL 3.0 has no purpose for code signing. A CA that names purposes at all must name this one
 * (RFC 5280 section 4.2.1.12, as Windows reads it for a whole chain). */
static void judge_issuers(const struct verify_chain *asked, STACK_OF(X509) * chain)
{
    for (int i = 1; i < sk_X509_num(chain); i++) {
        X509 *issuer = sk_X509_value(chain, i);
        char *name;

        if ((X509_get_extension_flags(issuer) & EXFLAG_XKUSAGE) == 0 ||
            (X509_get_extended_key_usage(issuer) & (asked->purpose | XKU_ANYEKU)) != 0)
            continue;
        name = verify_chain_name(issuer);
        verify_say(asked->problems, "the CA '%s' may not issue certificates for %s",
                   or_unknown(name),
                   asked->purpose == XKU_TIMESTAMP ? "timestamps" : "code signing");
        free(name);
    }
}

/* What a certificate must be worth. Long ago, authorities had RSA keys of 1024 bits and SHA-1, and
 * what they stamped then still counts, as it does in Windows; MD5 was broken in a chain like that
 * already. */
static const struct strength {
    int key_bits; /* as OpenSSL counts security: RSA of 2048 bits and P-224 have 112, of 1024, 80 */
    int hash_size; /* bytes */
} for_code = {112, 28}, for_timestamps = {80, 20};

static void judge_key(const struct verify_chain *asked, const struct strength *least, X509 *x)
{
    EVP_PKEY *key = X509_get0_pubkey(x);
    char *name, *what;

    if (key != NULL && EVP_PKEY_get_security_bits(key) >= least->key_bits)
        return;
    name = verify_chain_name(x);
    what = cert_key_text(key);
    verify_say(asked->problems, "certificate '%s' has a key that is too weak (%s)",
               or_unknown(name), or_unknown(what));
    free(name);
    free(what);
}

static void judge_hash(const struct verify_chain *asked, const struct strength *least, X509 *x)
{
    int nid = NID_undef;
    const EVP_MD *md = NULL;
    char *name;

    if (X509_get_signature_info(x, &nid, NULL, NULL, NULL) == 1)
        md = EVP_get_digestbynid(nid);
    if (md == NULL || EVP_MD_get_size(md) >= least->hash_size)
        return;
    name = verify_chain_name(x);
    verify_say(asked->problems, "certificate '%s' was issued with %s, which nobody trusts any more",
               or_unknown(name), OBJ_nid2sn(nid));
    free(name);
}

/* Whoever trusts a root does so whatever it was signed with, for that is itself. */
static void judge_strength(const struct verify_chain *asked, STACK_OF(X509) * chain)
{
    const struct strength *least = asked->purpose == XKU_TIMESTAMP ? &for_timestamps : &for_code;

    for (int i = 0; i < sk_X509_num(chain); i++) {
        judge_key(asked, least, sk_X509_value(chain, i));
        if (i + 1 < sk_X509_num(chain))
            judge_hash(asked, least, sk_X509_value(chain, i));
    }
}

STACK_OF(X509) * verify_chain_others(const struct verify_chain *asked)
{
    STACK_OF(X509) *all = sk_X509_new_null();
    STACK_OF(X509) *const from[] = {asked->brought, asked->pool};

    for (size_t i = 0; all != NULL && i < sizeof from / sizeof *from; i++)
        for (int k = 0; k < sk_X509_num(from[i]); k++)
            sk_X509_push(all, sk_X509_value(from[i], k));
    return all;
}

STACK_OF(X509) * verify_chain(const struct verify_chain *asked)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    STACK_OF(X509) *others = verify_chain_others(asked), *chain = NULL;
    size_t before = *asked->problems.count;

    if (ctx == NULL || others == NULL ||
        X509_STORE_CTX_init(ctx, asked->trust, asked->leaf, others) <= 0) {
        verify_say(asked->problems, "its chain could not be checked: no memory");
    } else {
        X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(ctx), asked->when);
        X509_STORE_CTX_set_app_data(ctx, (void *)asked);
        X509_STORE_CTX_set_verify_cb(ctx, note);
        if (X509_verify_cert(ctx) != 1 && *asked->problems.count == before)
            tell(asked, X509_STORE_CTX_get_error(ctx), asked->leaf);
        chain = X509_STORE_CTX_get1_chain(ctx);
        judge_issuers(asked, chain);
        judge_strength(asked, chain);
    }
    X509_STORE_CTX_free(ctx);
    sk_X509_free(others);
    ERR_clear_error();
    return chain;
}
