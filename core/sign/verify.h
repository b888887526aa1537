/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a signed file good? Every signature in it, nested ones too, each with everything that is
 * wrong, in words. A signer is judged at the time of a good timestamp, else now; a signer whose
 * certificate is for lifetime signing always now.
 */
#ifndef SIGNET_SIGN_VERIFY_H
#define SIGNET_SIGN_VERIFY_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "base/cancel.h"
#include "base/error.h"
#include "base/signer.h"
#include "sign/countersignature.h"

/* What is trusted and demanded. Owned by the caller, not changed, shared by threads. */
struct verify_options {
    X509_STORE *trust;           /* roots; NULL: the system's (X509_STORE_set_default_paths) */
    X509_STORE *timestamp_trust; /* roots of timestamp authorities; NULL: as `trust` */
    STACK_OF(X509) * pool;       /* more intermediates; may be NULL */
    STACK_OF(X509_CRL) * crls;   /* NULL: revocation is not asked about */
    time_t now;
    const char *certificate; /* "sha256:…" that must have signed; NULL: any */
    bool timestamp;          /* each signature by that certificate must have a good timestamp */
    bool page_hashes;        /* and, in a Windows program, page hashes */
};

struct verify_timestamp {
    enum countersignature_kind kind;
    time_t when;        /* 0: it cannot be read */
    X509 *signer;       /* NULL: its certificate is not there */
    const EVP_MD *hash; /* of what it testifies to; static; NULL: unknown */
    enum verify_revocation {
        VERIFY_NOT_ASKED,     /* no list was given; or none for a timestamp's authority */
        VERIFY_NOT_REVOKED,   /* nor is any of its issuers, where lists of theirs were given */
        VERIFY_REVOKED_LATER, /* than the timestamp, which therefore saves it */
        VERIFY_REVOKED,
        VERIFY_NOT_KNOWN, /* the lists do not tell: a problem says why */
    } revocation;
    bool good;
    char **problems;
    size_t problem_count;
    bool words_lost;
};

enum verify_page_hashes { VERIFY_PAGES_NONE, VERIFY_PAGES_GOOD, VERIFY_PAGES_BAD };

struct verify_signature {
    unsigned depth; /* 0 for the outer one, then 1, 2, … for nested ones */
    X509 *signer;   /* NULL when none is in the signature */
    STACK_OF(X509) * certificates;
    STACK_OF(X509) * chain; /* signer first, as far as it leads; NULL: none */
    const EVP_MD *hash;     /* static */
    char *file_digest;      /* hex, as the signature has it */
    char *description;      /* printable; NULL for none */
    char *url;
    bool commercial;     /* purpose */
    bool digest_good;    /* the file is what was signed */
    bool signature_good; /* the signer's key made it */
    bool chain_good;     /* it leads to a trusted root, for code signing, at `judged_at` */
    bool has_timestamp;  /* good or not */
    struct verify_timestamp *timestamps;
    size_t timestamp_count;
    const struct verify_timestamp *timestamp; /* the first that is good; NULL: none is */
    time_t judged_at;
    bool saved;                        /* its chain is good at `judged_at`, and would not be now */
    enum verify_revocation revocation; /* of the signer */
    enum verify_page_hashes page_hashes;
    char **problems; /* printable sentences: what is wrong; empty when good */
    size_t problem_count;
    char **notes; /* what is worth knowing, and not wrong */
    size_t note_count;
    bool words_lost;
};

struct verify_report {
    const char *format; /* "pe"; static */
    struct verify_signature *signature;
    size_t count;
    /* Of the file as a whole: unsigned, not by the wanted certificate, a CheckSum that is neither
     * zero nor right, bytes behind a signature that nothing protects. */
    char **problems;
    size_t problem_count;
    bool words_lost; /* memory ran out: never in a report that verify_file gives */
    bool good;       /* signed, and nothing is wrong, in any of its signatures and timestamps */
};

/* False only when the file could not be judged (ERROR_FORMAT, ERROR_UNSUPPORTED, ERROR_SYSTEM,
 * ERROR_CANCELLED); what is wrong with its signatures stands in the report. Freed by
 * verify_report_free. */
bool verify_file(int input, const char *name, const struct verify_options *options,
                 struct verify_report *report, struct cancel *cancel, struct error *e);
void verify_report_free(struct verify_report *report);

#endif
