/* SPDX-License-Identifier: Apache-2.0 */
#include "cert/delivery.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cert/chain.h"
#include "cert/view.h"

static bool stands_before(STACK_OF(X509) * all, int index)
{
    for (int i = 0; i < index; i++)
        if (X509_cmp(sk_X509_value(all, i), sk_X509_value(all, index)) == 0)
            return true;
    return false;
}

bool delivery_unique(STACK_OF(X509) * sent, struct error *e)
{
    for (int i = sk_X509_num(sent) - 1; i > 0; i--)
        if (stands_before(sent, i))
            X509_free(sk_X509_delete(sent, i));
    return sk_X509_num(sent) <= DELIVERY_MAX ||
           error_set(e, ERROR_FORMAT,
                     "these are %d different certificates; a CA sends a few: name its files alone",
                     sk_X509_num(sent));
}

static bool is_key_of(const X509 *x, EVP_PKEY *key)
{
    EVP_PKEY *own = X509_get0_pubkey(x);
    bool same = own != NULL && EVP_PKEY_eq(own, key) == 1;

    ERR_clear_error();
    return same;
}

X509 *delivery_leaf(STACK_OF(X509) * sent, EVP_PKEY *const *keys, size_t count, size_t *which,
                    struct error *e)
{
    X509 *best = NULL;

    for (size_t k = 0; k < count; k++)
        for (int i = 0; i < sk_X509_num(sent); i++) {
            X509 *x = sk_X509_value(sent, i);

            if (cert_is_ca(x) || !is_key_of(x, keys[k]))
                continue;
            if (best != NULL && !is_key_of(best, keys[k])) {
                error_set(e, ERROR_USAGE,
                          "there are certificates for several keys of this token; import one after "
                          "the other");
                return NULL;
            }
            if (best == NULL || cert_not_after(x) > cert_not_after(best))
                best = x;
            *which = k;
        }
    return best;
}

/* Where the CA publishes the issuer (RFC 5280 section 4.2.2.1, caIssuers). */
static char *issuer_url(const X509 *x)
{
    AUTHORITY_INFO_ACCESS *all = X509_get_ext_d2i(x, NID_info_access, NULL, NULL);
    char *url = NULL;

    for (int i = 0; url == NULL && i < sk_ACCESS_DESCRIPTION_num(all); i++) {
        const ACCESS_DESCRIPTION *one = sk_ACCESS_DESCRIPTION_value(all, i);
        const ASN1_STRING *text = one->location->type == GEN_URI ? one->location->d.ia5 : NULL;

        if (OBJ_obj2nid(one->method) == NID_ad_ca_issuers && text != NULL)
            url = text_printable(ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text));
    }
    AUTHORITY_INFO_ACCESS_free(all);
    ERR_clear_error();
    return url;
}

static bool refuse(const X509 *x, const char *why, struct error *e)
{
    char *name = cert_common_name(x);

    error_set(e, ERROR_SIGNATURE, "the certificate '%s' %s", name == NULL ? "?" : name, why);
    free(name);
    return false;
}

/* The chain ends at `last`, whose issuer was not found. One that has the issuer's name was sent all
 * the same: that is no certificate to go on with. Another CA of this name may be there too. */
static bool check_end(X509 *last, const STACK_OF(X509) * chain, STACK_OF(X509) * sent,
                      struct error *e)
{
    const char *why = NULL;

    for (int i = 0; i < sk_X509_num(sent); i++) {
        X509 *issuer = sk_X509_value(sent, i);

        if (X509_NAME_cmp(X509_get_subject_name(issuer), X509_get_issuer_name(last)) != 0)
            continue;
        if (X509_get0_pubkey(issuer) == NULL || X509_verify(last, X509_get0_pubkey(issuer)) != 1)
            why = why != NULL
                      ? why
                      : "was not signed by the issuer that was sent with it: it is damaged, "
                        "or not from this CA; get the files again";
        else if (cert_chain_holds(chain, issuer))
            why = "is issued in a circle, which never comes to a root; these are not a CA's files";
        else
            why = "has an issuer here that may not issue it, or the chain is too long; these are "
                  "not a CA's files";
    }
    ERR_clear_error();
    return why == NULL || refuse(last, why, e);
}

static bool add_all(STACK_OF(X509) * to, STACK_OF(X509) * from)
{
    for (int i = 0; i < sk_X509_num(from); i++)
        if (sk_X509_push(to, sk_X509_value(from, i)) <= 0)
            return false;
    return true;
}

bool delivery_chain(X509 *leaf, STACK_OF(X509) * sent, STACK_OF(X509) * known, struct delivery *out,
                    struct error *e)
{
    STACK_OF(X509) *pool = sk_X509_new_null();
    X509 *last;
    bool sound;

    *out = (struct delivery){0};
    if (pool == NULL || !add_all(pool, sent) || !add_all(pool, known)) {
        sk_X509_free(pool);
        return error_set_memory(e);
    }
    out->issuers = cert_chain_build(leaf, pool, &out->missing, e);
    sk_X509_free(pool);
    if (out->issuers == NULL)
        return false;
    last = sk_X509_value(out->issuers, sk_X509_num(out->issuers) - 1);
    sound = out->missing == NULL || check_end(last, out->issuers, sent, e);
    if (out->missing != NULL)
        out->missing_url = issuer_url(last);
    out->leaf = sk_X509_shift(out->issuers);
    return sound;
}

void delivery_free(struct delivery *d)
{
    X509_free(d->leaf);
    sk_X509_pop_free(d->issuers, X509_free);
    free(d->missing);
    free(d->missing_url);
    *d = (struct delivery){0};
}
