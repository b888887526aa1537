/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a certificate is no longer good, said in time. A CA needs days or weeks to issue the next
 * one, and one that is issued since March 2026 is valid for 460 days at most: CA/Browser Forum,
 * Baseline Requirements for the Issuance and Management of Publicly-Trusted Code Signing
 * Certificates 3.10, section 6.3.2.
 */
#ifndef SIGNET_CERT_EXPIRY_H
#define SIGNET_CERT_EXPIRY_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <time.h>

/* From how many days before the end on all of Signet warns; and how long new ones are valid. */
enum { CERT_WARN_DAYS = 60, CERT_LONGEST_DAYS = 460 };

/* What there is to say of its time at `now`: it expires soon, has expired, is not valid yet. New
 * text, freed by the caller; NULL when there is nothing to say. */
char *cert_expiry_warning(const X509 *x, time_t now);

/* True when one of `all` takes the place of `x`: for code signing, valid longer, of the same
 * subject or the same key. */
bool cert_is_continued(X509 *x, STACK_OF(X509) * all);

#endif
