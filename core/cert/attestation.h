/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a YubiKey says of a key that it made: a certificate over that key (the statement), signed by
 * the device's own key (slot F9), whose certificate leads to a root of Yubico, or of whoever put
 * another key and certificate there. Formats: Yubico, "PIV attestation"
 * (developers.yubico.com/PIV/Introduction/PIV_attestation.html) and "PIV Attestation OID Arc"
 * (docs.yubico.com/hardware/oid/oid-piv-arc.html).
 */
#ifndef SIGNET_CERT_ATTESTATION_H
#define SIGNET_CERT_ATTESTATION_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { ATTESTATION_UNTOLD = -1 };

struct attestation {
    X509 *statement; /* of the key */
    X509 *device;    /* of slot F9; NULL: the device holds none */

    /* As the statement says; worth no more than its chain (attestation_prove). */
    int slot;       /* PIV key reference, in the subject; ATTESTATION_UNTOLD */
    int version[3]; /* of the firmware; the first is ATTESTATION_UNTOLD where it says nothing */
    int64_t serial; /* of the device; ATTESTATION_UNTOLD */
    char pin_policy[24];   /* "once", "always", "unknown (9)"; "" untold */
    char touch_policy[24]; /* "never", "always", "cached 15 s" */
    char form_factor[32];  /* "USB-C keychain" */
    bool fips;             /* a YubiKey of the FIPS series */
    bool cspn;             /* ... certified by ANSSI's CSPN */
};

/* Takes a statement and the device's certificate (NULL, 0: none), in DER, apart. ERROR_FORMAT: one
 * is no certificate, or an extension of Yubico's is malformed; the text says which. Freed by
 * attestation_free in both cases. */
bool attestation_read(const uint8_t *statement, size_t length, const uint8_t *device,
                      size_t device_length, struct attestation *out, struct error *e);
void attestation_free(struct attestation *a);

/* True when `spki`, a SubjectPublicKeyInfo in DER, is the key that is attested. */
bool attestation_is_of(const struct attestation *a, const uint8_t *spki, size_t length);

/* Whether the statement was signed by the device's key, and the device's certificate leads to a
 * root (a self-signed certificate) among `given`; the others there may stand between. ERROR_UNFIT
 * says where the chain breaks; ERROR_USAGE: there is no root in `given`. `root` (may be NULL) gets
 * the root's subject, freed by the caller; NULL on failure. What is not looked at, and why, stands
 * with the code. */
bool attestation_prove(const struct attestation *a, STACK_OF(X509) * given, char **root,
                       struct error *e);

#endif
