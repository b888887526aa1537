/* SPDX-License-Identifier: Apache-2.0 */
#include "cert/expiry.h"

#include <openssl/err.h>

#include "base/clock.h"
#include "base/text.h"
#include "cert/view.h"

char *cert_expiry_warning(const X509 *x, time_t now)
{
    time_t from = cert_not_before(x), to = cert_not_after(x);
    long days = cert_days_left(x, now);
    char date[CLOCK_TEXT_SIZE];

    if (from == (time_t)-1 || to == (time_t)-1)
        return text_format("its dates cannot be read");
    if (now < from)
        return text_format("it is not valid yet, but from %.16s UTC on; is this machine's clock "
                           "right?",
                           clock_text(from, date));
    if (now > to)
        return text_format("it expired on %.10s, %ld day%s ago", clock_text(to, date), -days,
                           days == -1 ? "" : "s");
    if (days >= CERT_WARN_DAYS)
        return NULL;
    return text_format("it expires on %.10s, in %ld day%s; order the next one now (CAs issue none "
                       "for longer than %d days)",
                       clock_text(to, date), days, days == 1 ? "" : "s", CERT_LONGEST_DAYS);
}

/* OpenSSL takes two keys that it cannot read for the same. */
static bool same_key(X509 *a, X509 *b)
{
    return X509_get0_pubkey(a) != NULL &&
           EVP_PKEY_eq(X509_get0_pubkey(a), X509_get0_pubkey(b)) == 1;
}

bool cert_is_continued(X509 *x, STACK_OF(X509) * all)
{
    bool continued = false;

    for (int i = 0; !continued && i < sk_X509_num(all); i++) {
        X509 *next = sk_X509_value(all, i);

        continued = cert_not_after(next) > cert_not_after(x) && cert_for_code_signing(next) &&
                    (X509_NAME_cmp(X509_get_subject_name(next), X509_get_subject_name(x)) == 0 ||
                     same_key(next, x));
    }
    ERR_clear_error();
    return continued;
}
