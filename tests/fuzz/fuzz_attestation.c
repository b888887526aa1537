/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an attestation: two bytes of length, the statement, and the device's certificate.
 * What it says fits its fields, and nothing is proved by a root that the bytes bring along. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cert/attestation.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check_word(const char *word, size_t size)
{
    if (strnlen(word, size) == size)
        abort();
}

static void check(const struct attestation *a)
{
    check_word(a->pin_policy, sizeof a->pin_policy);
    check_word(a->touch_policy, sizeof a->touch_policy);
    check_word(a->form_factor, sizeof a->form_factor);
    if (a->slot < ATTESTATION_UNTOLD || a->slot > UINT8_MAX || a->serial > UINT32_MAX ||
        a->version[0] > UINT8_MAX)
        abort();
}

/* With the device's certificate as what is given: a root only where it signed itself. */
static void prove(const struct attestation *a)
{
    STACK_OF(X509) *given = sk_X509_new_null();
    struct error e = ERROR_INIT;
    bool holds;

    if (a->device != NULL)
        sk_X509_push(given, a->device);
    holds = attestation_prove(a, given, NULL, &e);
    if (holds != (e.code == ERROR_NONE) ||
        (holds && (X509_self_signed(a->device, 1) != 1 ||
                   X509_verify(a->statement, X509_get0_pubkey(a->device)) != 1)))
        abort();
    sk_X509_free(given);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    size_t first = length < 2 ? 0 : (size_t)bytes[0] << 8 | bytes[1];
    struct error e = ERROR_INIT;
    struct attestation a;

    if (length < 2 || first > length - 2)
        return 0;
    if (attestation_read(bytes + 2, first, bytes + 2 + first, length - 2 - first, &a, &e)) {
        check(&a);
        prove(&a);
        attestation_is_of(&a, bytes, length);
    } else if (e.code == ERROR_NONE) {
        abort();
    }
    attestation_free(&a);
    return 0;
}
