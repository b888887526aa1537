/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/hashing.h"

bool hashing_start(struct hashing *h, const EVP_MD *const *md, size_t count, struct error *e)
{
    *h = (struct hashing){.count = 0};
    for (; h->count < count; h->count++) {
        if (h->count == FORMAT_DIGESTS)
            return error_set(e, ERROR_UNSUPPORTED, "too many hashes in one pass");
        h->ctx[h->count] = EVP_MD_CTX_new();
        if (h->ctx[h->count] == NULL)
            return error_set_memory(e);
        if (EVP_DigestInit_ex(h->ctx[h->count], md[h->count], NULL) <= 0) {
            h->count++;
            return error_set_openssl(e, ERROR_SYSTEM, "cannot hash");
        }
    }
    return true;
}

void hashing_free(struct hashing *h)
{
    for (size_t i = 0; i < h->count; i++)
        EVP_MD_CTX_free(h->ctx[i]);
    *h = (struct hashing){.count = 0};
}

bool hashing_add(struct hashing *h, const void *bytes, size_t length)
{
    for (size_t i = 0; i < h->count; i++)
        if (EVP_DigestUpdate(h->ctx[i], bytes, length) <= 0)
            return false;
    return true;
}

bool hashing_again(struct hashing *h)
{
    for (size_t i = 0; i < h->count; i++)
        if (EVP_DigestInit_ex(h->ctx[i], NULL, NULL) <= 0)
            return false;
    return true;
}

bool hashing_finish(struct hashing *h, uint8_t (*digest)[EVP_MAX_MD_SIZE])
{
    for (size_t i = 0; i < h->count; i++)
        if (EVP_DigestFinal_ex(h->ctx[i], digest[i], NULL) <= 0)
            return false;
    return true;
}
