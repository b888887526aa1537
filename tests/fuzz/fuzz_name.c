/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a subject. What is taken keeps the rules, is shown in one line, and survives its
 * encoding; what is not is an error with a reason. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cert/csr.h"
#include "cert/name.h"
#include "cert/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check_text(X509_NAME *name)
{
    char *text = cert_name_text(name);

    if (text == NULL || strcmp(text, "unreadable") == 0)
        abort();
    for (const unsigned char *at = (unsigned char *)text; *at != '\0'; at++)
        if (*at < 0x20 || *at == 0x7f)
            abort();
    free(text);
}

static void check_encoding(X509_NAME *name)
{
    uint8_t *der = NULL;
    int length = i2d_X509_NAME(name, &der);
    const uint8_t *at = der;
    X509_NAME *again = length > 0 ? d2i_X509_NAME(NULL, &at, length) : NULL;
    struct error e = ERROR_INIT;

    if (again == NULL || X509_NAME_cmp(name, again) != 0 || !name_check(again, &e))
        abort();
    X509_NAME_free(again);
    OPENSSL_free(der);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct error e = ERROR_INIT;
    X509_NAME *name = name_parse(bytes, length, &e);
    char email[300];

    if (name != NULL) {
        int count = X509_NAME_entry_count(name);

        if (count < 1 || count > NAME_PARTS_MAX)
            abort();
        check_text(name);
        check_encoding(name);
        X509_NAME_free(name);
    } else if (e.code != ERROR_USAGE || e.text[0] == '\0') {
        abort();
    }
    if (length < sizeof email) {
        memcpy(email, bytes, length);
        email[length] = '\0';
        if (csr_check_email(email, NULL) && strpbrk(email, " ,<>\n\"") != NULL)
            abort();
    }
    return 0;
}
