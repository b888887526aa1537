/* SPDX-License-Identifier: Apache-2.0 */
/* A file that claims to be a program: parsed, digested, its signatures and page hashes read and
 * judged. And what lets itself be signed must be good afterwards, and come back as it was. */
#include <stddef.h>
#include <stdint.h>

#include "signing_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    signing_fuzz(&format_pe, data, size);
    return 0;
}
