/* SPDX-License-Identifier: Apache-2.0 */
/* Is a signed file good? Every signature in it, nested ones too, each with everything that is
 * wrong, in words. */
#ifndef SIGNET_SIGN_VERIFY_H
#define SIGNET_SIGN_VERIFY_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "base/cancel.h"
#include "base/error.h"
#include "base/signer.h"

struct verify_options {
    X509_STORE *trust;     /* roots; NULL: the system's (X509_STORE_set_default_paths) */
    STACK_OF(X509) * pool; /* more intermediates; may be NULL */
    time_t now;
    const char *certificate; /* "sha256:…" that must have signed; NULL: any */
};

enum verify_page_hashes { VERIFY_PAGES_NONE, VERIFY_PAGES_GOOD, VERIFY_PAGES_BAD };

struct verify_signature {
    unsigned depth; /* 0 for the outer one, then 1, 2, … for nested ones */
    X509 *signer;   /* NULL when none is in the signature */
    STACK_OF(X509) * certificates;
    const EVP_MD *hash; /* static */
    char *file_digest;  /* hex, as the signature has it */
    char *description;  /* printable; NULL for none */
    char *url;
    bool commercial;     /* purpose */
    bool has_timestamp;  /* an RFC 3161 or legacy timestamp stands in it (not yet judged) */
    bool digest_good;    /* the file is what was signed */
    bool signature_good; /* the signer's key made it */
    bool chain_good;     /* it leads to a trusted root, for code signing, in time */
    enum verify_page_hashes page_hashes;
    char **problems; /* printable sentences: what is wrong; empty when good */
    size_t problem_count;
};

struct verify_report {
    const char *format; /* "pe"; static */
    struct verify_signature *signature;
    size_t count;
    /* Of the file as a whole: unsigned, not by the wanted certificate, a CheckSum that is neither
     * zero nor right, bytes behind a signature that nothing protects. */
    char **problems;
    size_t problem_count;
    bool good; /* signed, and nothing is wrong, in any of its signatures */
};

/* False only when the file could not be judged (ERROR_FORMAT, ERROR_UNSUPPORTED, ERROR_SYSTEM,
 * ERROR_CANCELLED); what is wrong with its signatures stands in the report. Freed by
 * verify_report_free. */
bool verify_file(int input, const char *name, const struct verify_options *options,
                 struct verify_report *report, struct cancel *cancel, struct error *e);
void verify_report_free(struct verify_report *report);

#endif
