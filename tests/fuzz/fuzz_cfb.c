/* SPDX-License-Identifier: Apache-2.0 */
/* A file that claims to be an installer's compound file: read, digested, its signatures judged.
 * What lets itself be signed must be good afterwards, and come back when the signature is taken
 * out. */
#include <stddef.h>
#include <stdint.h>

#include "signing_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    signing_fuzz(&format_msi, data, size);
    return 0;
}
