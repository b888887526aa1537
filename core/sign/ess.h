/* SPDX-License-Identifier: Apache-2.0 */
/* Signed attributes that name the signer's certificate by its hash: SigningCertificate (RFC 2634
 * section 5.4, SHA-1) and SigningCertificateV2 (RFC 5035 section 4). */
#ifndef SIGNET_SIGN_ESS_H
#define SIGNET_SIGN_ESS_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "base/error.h"

/* The first certificate that the attribute's value (DER) names is `signer`, by hash, and by issuer
 * and serial number where they are told. What it names beyond the first are issuers. `v1`: it is
 * the older attribute. ERROR_TIMESTAMP. */
bool ess_names(const ASN1_STRING *value, bool v1, const X509 *signer, struct error *e);

#endif
