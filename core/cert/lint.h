/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a CA would refuse, before it is asked. The rules are those of the CA/Browser Forum, Baseline
 * Requirements for the Issuance and Management of Publicly-Trusted Code Signing Certificates
 * ("CSBR"), and where it leans on others, of these.
 */
#ifndef SIGNET_CERT_LINT_H
#define SIGNET_CERT_LINT_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

enum lint_level {
    LINT_WARNING, /* a CA may refuse it, or change it */
    LINT_ERROR,   /* no CA may accept it */
};

enum { LINT_UNKNOWN = -1, LINT_MOST = 32 };

/* What is known of the private key, by its token: 0, 1 or LINT_UNKNOWN. */
struct lint_key {
    int extractable, never_extractable;
    int sensitive;
    int local;       /* made on the device */
    bool attested;   /* ... as the device itself attests */
    bool not_looked; /* there is a request alone: nothing of this counts */
};

struct lint_finding {
    enum lint_level level;
    const char *rule;    /* the name that --accept takes; static */
    const char *section; /* document and section; static */
    char text[224];      /* one line, printable */
};

struct lint {
    struct lint_finding finding[LINT_MOST];
    size_t count;
};

/* Looks at a subject, a public key, the digest of the request's signature (an OpenSSL number) and
 * what is known of the private key; errors stand first. */
void lint_request(const X509_NAME *subject, EVP_PKEY *key, int digest, const struct lint_key *facts,
                  struct lint *out);

/* The words of a level, "warning" or "error". */
const char *lint_level_name(enum lint_level level);

/* Is there a rule of this name? */
bool lint_is_rule(const char *rule);

/* The names of all rules, from 0; NULL: no more. */
const char *lint_rule(size_t index);

#endif
