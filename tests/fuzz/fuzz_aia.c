/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate, the addresses in it, and behind it what one of those may have answered. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cert/aia.h"
#include "cert/chain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is shown, and asked for, has nothing in it that could harm. */
static void check_url(const char *url)
{
    if (strlen(url) > AIA_URL_MAX)
        abort();
    for (; *url != '\0'; url++)
        if (*url < 0x21 || *url > 0x7e)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const unsigned char *at = data;
    X509 *x = d2i_X509(NULL, &at, (long)size), *issuer;
    struct error e = ERROR_INIT;
    char *url;

    if (x == NULL)
        return 0;
    for (size_t i = 0; (url = aia_url(x, i)) != NULL; i++) {
        check_url(url);
        free(url);
    }
    issuer = aia_issuer(x, at, size - (size_t)(at - data), &e);
    if ((issuer == NULL) == (e.code == ERROR_NONE))
        abort();
    X509_free(issuer);
    X509_free(x);
    return 0;
}
