/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timestamps from servers (RFC 3161 section 3.4, over HTTP): which one is asked, when, and how
 * often. One `struct tsa` serves any number of threads at once; what one of them learns of a
 * server, the others know.
 */
#ifndef SIGNET_SIGN_TSA_H
#define SIGNET_SIGN_TSA_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/buffer.h"
#include "base/cancel.h"
#include "base/error.h"

enum {
    TSA_PAUSE_MS = 1000,           /* before the second try; then twice as long each time */
    TSA_PAUSE_MAX_MS = 30 * 1000,  /* and no longer than this */
    TSA_ASKED_MAX_MS = 60 * 1000,  /* of what a server's Retry-After asks for */
    TSA_REMEMBERED_MS = 60 * 1000, /* how long a server that failed is asked last */
};

struct tsa_spec {
    const char *const *servers; /* URLs, in the order in which they are asked; 1 or more */
    size_t count;
    int64_t timeout_ms; /* that one server may take */
    unsigned tries;     /* of each stamp; all servers once is one try; 1 or more */
    unsigned rate;      /* requests that one server gets in any minute, at most; 0: any number */
    const char *proxy;  /* NULL: the environment's */
    X509_STORE *trust;  /* roots that each answer must lead to; NULL: its chain is not judged */
    const EVP_MD *md;   /* of the imprint */
};

struct tsa;

/* Copies what it needs of the spec. NULL: ERROR_MEMORY, ERROR_PROFILE (no server). */
struct tsa *tsa_new(const struct tsa_spec *spec, struct error *e);
void tsa_free(struct tsa **t); /* when no thread is in tsa_stamp any more */

struct tsa_result {
    const char *server; /* that answered; as it may be shown; the tsa's */
    time_t time;        /* of the timestamp */
    unsigned tries;     /* that were made, the good one counted */
};

/* A timestamp for the value of a signature (SignerInfo.encryptedDigest): appends the token (DER of
 * a ContentInfo) to `token`, judged by timestamp_check. Waits as long as it takes: a server that
 * fails is followed by the next at once; when all have, there is a pause that grows; no server is
 * asked earlier than its Retry-After said. ERROR_TIMESTAMP names each server with its last reason;
 * ERROR_CANCELLED, within a tenth of a second; ERROR_MEMORY. `result` may be NULL. */
bool tsa_stamp(struct tsa *t, const uint8_t *signature, size_t length, struct buffer *token,
               struct tsa_result *result, struct cancel *cancel, struct error *e);

#endif
