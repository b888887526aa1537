/* SPDX-License-Identifier: Apache-2.0 */
/* A SignedData as somebody else may have put it into a file. */
#include <stddef.h>
#include <stdint.h>

#include "sign/authenticode.h"
#include "sign/unsigned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer outer = BUFFER_INIT, der = BUFFER_INIT;
    struct authenticode_view v;

    if (authenticode_view(data, size, &v, NULL)) {
        authenticode_check(&v, NULL);
        for (int i = 0; authenticode_nested(&v, i) != NULL; i++)
            continue;
        authenticode_view_free(&v);
        buffer_append(&outer, data, size);
        unsigned_nest(&outer, &outer, &der, NULL);
    }
    buffer_free(&outer);
    buffer_free(&der);
    return 0;
}
