/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a request: it is read, checked, and compared with the CAs' rules. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cert/csr.h"
#include "cert/lint.h"
#include "cert/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void judge(X509_REQ *r)
{
    const struct lint_key facts = {.not_looked = true};
    struct lint found;
    bool warned = false;

    lint_request(X509_REQ_get_subject_name(r), X509_REQ_get0_pubkey(r), csr_digest(r), &facts,
                 &found);
    for (size_t i = 0; i < found.count; i++) {
        const struct lint_finding *f = &found.finding[i];

        warned = warned || f->level == LINT_WARNING;
        if (!lint_is_rule(f->rule) || f->text[0] == '\0' || (warned && f->level != LINT_WARNING))
            abort();
        for (const unsigned char *at = (const unsigned char *)f->text; *at != '\0'; at++)
            if (*at < 0x20 || *at == 0x7f)
                abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct error e = ERROR_INIT, why = ERROR_INIT;
    X509_REQ *r = csr_load("input", bytes, length, &e);
    struct buffer pem = BUFFER_INIT;

    if (r == NULL) {
        if (e.code != ERROR_FORMAT)
            abort();
        return 0;
    }
    if (csr_verify(r, &why) != (why.code == ERROR_NONE))
        abort();
    judge(r);
    if (csr_encode(r, true, &pem, &e)) {
        X509_REQ *again = csr_load("again", pem.data, pem.length, &e);

        if (again == NULL)
            abort();
        X509_REQ_free(again);
    }
    buffer_free(&pem);
    X509_REQ_free(r);
    return 0;
}
