/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a file of certificates or revocation lists, and every question that is asked about
 * what comes out. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cert/chain.h"
#include "cert/crl.h"
#include "cert/delivery.h"
#include "cert/expiry.h"
#include "cert/load.h"
#include "cert/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { NOW = 1767225600 }; /* 2026-01-01 */

/* All texts are one line without control characters, whatever the certificate says. */
static void check_text(char *text)
{
    if (text == NULL)
        abort();
    for (const unsigned char *at = (unsigned char *)text; *at != '\0'; at++)
        if (*at < 0x20 || *at == 0x7f)
            abort();
    free(text);
}

static void look_at(const X509 *x)
{
    char hex[CERT_FINGERPRINT_SIZE];
    struct error e = ERROR_INIT;
    char *pin = cert_pin(x);

    check_text(cert_subject(x));
    check_text(cert_issuer(x));
    check_text(cert_common_name(x));
    check_text(cert_serial(x));
    check_text(cert_key_usage(x));
    check_text(cert_extended_key_usage(x));
    check_text(cert_key_text(X509_get0_pubkey(x)));
    cert_days_left(x, NOW);
    cert_is_ca(x);
    cert_self_issued(x);
    if (strlen(cert_fingerprint(x, EVP_sha256(), hex)) != 64 || !cert_pin_matches(x, pin))
        abort();
    free(pin);
    if (cert_fit_to_sign(x, NULL, NOW, &e) && !cert_for_code_signing(x))
        abort();
}

/* The password of the seeds. */
static struct secret *password(void *data, const char *name, struct error *e)
{
    (void)data, (void)name;
    return secret_new("test", 4, e);
}

/* Whoever's key the first one has: what is found is one of those that were sent. */
static void sort_out(STACK_OF(X509) * all)
{
    EVP_PKEY *key = X509_get0_pubkey(sk_X509_value(all, 0));
    struct error e = ERROR_INIT;
    struct delivery d = {0};
    size_t which = 0;
    X509 *leaf;

    if (!delivery_unique(all, &e)) {
        if (e.code == ERROR_NONE)
            abort();
        return;
    }
    leaf = key == NULL ? NULL : delivery_leaf(all, &key, 1, &which, &e);
    if (leaf != NULL && !delivery_chain(leaf, all, NULL, &d, &e) && e.code == ERROR_NONE)
        abort();
    delivery_free(&d);
    cert_is_continued(sk_X509_value(all, 0), all);
    free(cert_expiry_warning(sk_X509_value(all, 0), NOW));
}

/* The same bytes as revocation lists. */
static void load_lists(const uint8_t *bytes, size_t length)
{
    STACK_OF(X509_CRL) *all = sk_X509_CRL_new_null();
    struct error e = ERROR_INIT;

    if (cert_crl_load("input", bytes, length, all, &e) != (sk_X509_CRL_num(all) > 0) ||
        (sk_X509_CRL_num(all) == 0) != (e.code != ERROR_NONE))
        abort();
    for (int i = 0; i < sk_X509_CRL_num(all); i++)
        check_text(cert_name_text(X509_CRL_get_issuer(sk_X509_CRL_value(all, i))));
    sk_X509_CRL_pop_free(all, X509_CRL_free);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct cert_reading reading = {.password = password};
    STACK_OF(X509) *all = sk_X509_new_null(), *chain;
    struct error e = ERROR_INIT;
    char *missing = NULL;

    if (cert_load_with("input", bytes, length, &reading, all, &e)) {
        for (int i = 0; i < sk_X509_num(all); i++)
            look_at(sk_X509_value(all, i));
        chain = cert_chain_build(sk_X509_value(all, 0), all, &missing, &e);
        if (chain == NULL || sk_X509_num(chain) < 1)
            abort();
        sk_X509_pop_free(chain, X509_free);
        free(missing);
        sort_out(all);
    } else if (e.code == ERROR_NONE || sk_X509_num(all) != 0) {
        abort();
    }
    sk_X509_pop_free(all, X509_free);
    load_lists(bytes, length);
    return 0;
}
