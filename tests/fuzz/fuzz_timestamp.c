/* SPDX-License-Identifier: Apache-2.0 */
/* What a timestamp server may have answered, and a token that may stand in a file. The first byte
 * tells which. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "sign/timestamp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW = 1767225600 }; /* 2026-01-01 */

static X509_STORE *empty;

/* The answer to a request that it cannot be one to. */
static void judge_answer(const uint8_t *data, size_t size)
{
    struct timestamp_request request = {.md = EVP_sha256(), .imprint_length = 32, .nonce = 1};
    struct buffer token = BUFFER_INIT;
    struct error e = ERROR_INIT;
    time_t time;

    if (timestamp_check(&request, data, size, NULL, NOW, &token, &time, &e) ||
        e.code == ERROR_NONE || token.length != 0)
        abort();
    buffer_free(&token);
}

static void judge_token(const uint8_t *data, size_t size)
{
    struct timestamp_view v;
    struct error e = ERROR_INIT;

    if (!timestamp_view(data, size, &v, &e)) {
        if (e.code == ERROR_NONE || v.cms != NULL)
            abort();
        return;
    }
    timestamp_fits(&v, (const uint8_t *)"x", 1, &e);
    timestamp_signature(&v, &e);
    timestamp_signer(&v, true, &e);
    timestamp_signer(&v, false, &e);
    if (timestamp_chain(&v, empty, v.time, &e))
        abort();
    timestamp_view_free(&v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (empty == NULL)
        empty = X509_STORE_new();
    if (size == 0)
        return 0;
    if (data[0] == 'a')
        judge_answer(data + 1, size - 1);
    else
        judge_token(data + 1, size - 1);
    return 0;
}
