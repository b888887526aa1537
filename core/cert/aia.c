/* SPDX-License-Identifier: Apache-2.0 */
#include "cert/aia.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cert/chain.h"
#include "cert/load.h"
#include "cert/view.h"

/* The address of an access description that is of use here; NULL. Its text is not terminated. */
static const ASN1_IA5STRING *address(const ACCESS_DESCRIPTION *d)
{
    const ASN1_IA5STRING *uri;
    const char *text;
    int length;

    if (OBJ_obj2nid(d->method) != NID_ad_ca_issuers || d->location->type != GEN_URI)
        return NULL;
    uri = d->location->d.uniformResourceIdentifier;
    text = (const char *)ASN1_STRING_get0_data(uri);
    length = ASN1_STRING_length(uri);
    if (length < 8 || length > AIA_URL_MAX ||
        (strncasecmp(text, "http://", 7) != 0 && strncasecmp(text, "https://", 8) != 0))
        return NULL;
    for (int i = 0; i < length; i++)
        if (text[i] < 0x21 || text[i] > 0x7e)
            return NULL;
    return uri;
}

char *aia_url(const X509 *x, size_t index)
{
    AUTHORITY_INFO_ACCESS *list = X509_get_ext_d2i(x, NID_info_access, NULL, NULL);
    char *url = NULL;

    for (int i = 0; url == NULL && i < sk_ACCESS_DESCRIPTION_num(list); i++) {
        const ASN1_IA5STRING *uri = address(sk_ACCESS_DESCRIPTION_value(list, i));

        if (uri != NULL && index-- == 0)
            url =
                strndup((const char *)ASN1_STRING_get0_data(uri), (size_t)ASN1_STRING_length(uri));
    }
    AUTHORITY_INFO_ACCESS_free(list);
    ERR_clear_error();
    return url;
}

X509 *aia_issuer(X509 *x, const void *bytes, size_t length, struct error *e)
{
    struct cert_reading plain = {.no_pkcs12 = true}; /* RFC 5280 section 4.2.2.1 knows none here */
    STACK_OF(X509) *found = sk_X509_new_null();
    X509 *issuer = NULL;

    if (found == NULL) {
        error_set_memory(e);
        return NULL;
    }
    if (length > AIA_MAX) {
        error_set(e, ERROR_FORMAT, "the answer is larger than 1 MiB");
    } else if (cert_load_with("the answer", bytes, length, &plain, found, e)) {
        issuer = cert_chain_issuer(x, found);
        if (issuer == NULL)
            error_set(e, ERROR_FORMAT, "what is there did not issue the certificate");
        else if (!X509_up_ref(issuer))
            issuer = NULL;
    }
    sk_X509_pop_free(found, X509_free);
    ERR_clear_error();
    return issuer;
}

/* By the first of its addresses that has the issuer. */
static X509 *fetch_issuer(X509 *x, aia_fetch *fetch, void *data, struct error *e)
{
    X509 *issuer = NULL;

    error_set(e, ERROR_MISSING, "the certificate does not say where it is to be had");
    for (size_t i = 0; issuer == NULL && i < AIA_URLS; i++) {
        char *url = aia_url(x, i);
        struct buffer bytes = BUFFER_INIT;

        if (url == NULL)
            break;
        error_clear(e);
        if (fetch(data, url, &bytes, e))
            issuer = aia_issuer(x, bytes.data, bytes.length, e);
        buffer_free(&bytes);
        free(url);
        if (e->code == ERROR_CANCELLED || e->code == ERROR_MEMORY)
            break;
    }
    return issuer;
}

/* The certificate whose issuer is missing; NULL: the chain is complete. *issuer is its name. */
static X509 *open_end(X509 *leaf, STACK_OF(X509) * pool, char **issuer, struct error *e)
{
    STACK_OF(X509) *chain = cert_chain_build(leaf, pool, issuer, e);
    X509 *last = chain == NULL ? NULL : sk_X509_value(chain, sk_X509_num(chain) - 1);

    /* It is the leaf or the pool's, which live on. */
    sk_X509_pop_free(chain, X509_free);
    return chain == NULL || *issuer != NULL ? last : NULL;
}

/* New reference; NULL: it is not there. */
static X509 *known_issuer(X509 *x, X509_STORE *known)
{
    X509_STORE_CTX *ctx = known == NULL ? NULL : X509_STORE_CTX_new();
    STACK_OF(X509) *one = ctx == NULL ? NULL : sk_X509_new_null();
    X509 *issuer = NULL;

    if (one != NULL && X509_STORE_CTX_init(ctx, known, x, NULL) == 1 &&
        X509_STORE_CTX_get1_issuer(&issuer, ctx, x) != 1)
        issuer = NULL;
    /* By more than its name. */
    if (issuer != NULL && (sk_X509_push(one, issuer) <= 0 || cert_chain_issuer(x, one) == NULL)) {
        X509_free(issuer);
        issuer = NULL;
    }
    sk_X509_free(one);
    X509_STORE_CTX_free(ctx);
    ERR_clear_error();
    return issuer;
}

/* What is above `x`; `*count` tells of the network's use. */
static X509 *find_issuer(X509 *x, X509_STORE *known, aia_fetch *fetch, void *data, size_t *count,
                         struct error *e)
{
    X509 *issuer = known_issuer(x, known);

    if (issuer != NULL)
        return issuer;
    if (*count == AIA_HOPS) {
        error_set(e, ERROR_MISSING, "more than %d certificates are missing", AIA_HOPS);
        return NULL;
    }
    issuer = fetch_issuer(x, fetch, data, e);
    *count += issuer != NULL;
    return issuer;
}

bool aia_complete(X509 *leaf, STACK_OF(X509) * pool, X509_STORE *known, aia_fetch *fetch,
                  void *data, size_t *count, struct error *e)
{
    struct error why = ERROR_INIT;
    char *missing = NULL;
    X509 *last;

    *count = 0;
    while ((last = open_end(leaf, pool, &missing, &why)) != NULL) {
        X509 *issuer = find_issuer(last, known, fetch, data, count, &why);

        if (issuer != NULL && (X509_cmp(issuer, leaf) == 0 || cert_chain_holds(pool, issuer))) {
            X509_free(issuer);
            issuer = NULL;
            error_set(&why, ERROR_MISSING,
                      "the certificates above it issue each other in a circle, or are too many");
        }
        if (issuer == NULL || sk_X509_push(pool, issuer) <= 0) {
            X509_free(issuer);
            break;
        }
        free(missing);
        missing = NULL;
    }
    if (last != NULL && why.code != ERROR_CANCELLED && why.code != ERROR_MEMORY)
        error_set(e, ERROR_MISSING, "'%s' could not be fetched: %s", missing, why.text);
    else if (why.code != ERROR_NONE && e != NULL)
        *e = why;
    free(missing);
    return last == NULL && why.code == ERROR_NONE;
}
