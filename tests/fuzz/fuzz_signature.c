/* SPDX-License-Identifier: Apache-2.0 */
/* A SignedData as somebody else may have put it into a file. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "sign/authenticode.h"
#include "sign/countersignature.h"
#include "sign/unsigned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Timestamps of both kinds, good or not: what is told of each must be there to be read. */
static void judge_timestamps(const struct authenticode_view *v)
{
    struct countersignature c;
    struct error e = ERROR_INIT;

    for (unsigned i = 0; countersignature_read(v, i, &c, &e); i++) {
        if (e.code == ERROR_NONE && (c.signer == NULL || c.when <= 0 || c.hash == NULL))
            abort();
        countersignature_free(&c);
        error_clear(&e);
    }
}

/* What is written anew is a signature still. */
static void read_again(const struct buffer *der)
{
    struct authenticode_view v;

    if (!authenticode_view(der->data, der->length, &v, NULL))
        abort();
    authenticode_view_free(&v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer outer = BUFFER_INIT, der = BUFFER_INIT;
    struct authenticode_view v;
    char first[80] = "";

    if (authenticode_view(data, size, &v, NULL)) {
        authenticode_check(&v, NULL);
        judge_timestamps(&v);
        for (int i = 0; authenticode_nested(&v, i) != NULL; i++)
            continue;
        if ((unsigned_unknown(&v, first, sizeof first) > 0) != (first[0] != '\0'))
            abort();
        authenticode_view_free(&v);
        buffer_append(&outer, data, size);
        unsigned_nest(&outer, &outer, &der, NULL);
        buffer_reset(&der);
        if (unsigned_remove(&outer, COUNTERSIGNATURE_OID, &der, NULL))
            read_again(&der);
    }
    buffer_free(&outer);
    buffer_free(&der);
    return 0;
}
