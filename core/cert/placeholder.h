/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stand-in for the certificate that is not issued yet. Modules for PIV cards (OpenSC) show the
 * key of a slot by the slot's certificate alone: without one, nothing could sign the request for
 * it. It is for no use, signed by a key that is thrown away, and gives way to the real one.
 */
#ifndef SIGNET_CERT_PLACEHOLDER_H
#define SIGNET_CERT_PLACEHOLDER_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* One for the public key (DER of a SubjectPublicKeyInfo), without an end (RFC 5280 section
 * 4.1.2.5). Freed with X509_free. NULL: ERROR_UNFIT (no such key), ERROR_SYSTEM. */
X509 *cert_placeholder(const uint8_t *spki, size_t length, struct error *e);

/* Whether it is such a one, by its subject. */
bool cert_is_placeholder(const X509 *x);

#endif
