/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing one file, in steps that different threads may do: begin reads the input once, writes and
 * hashes what it reads into the output, and leaves a digest; a token signs that digest, put checks
 * what it signed; a server stamps that; finish writes the signature and compares. Formats are a
 * table (sign/format.h). Memory does not depend on the size of the file.
 */
#ifndef SIGNET_SIGN_SIGN_H
#define SIGNET_SIGN_SIGN_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/signer.h"

enum sign_purpose { SIGN_COMMERCIAL, SIGN_INDIVIDUAL }; /* SpcStatementType 311.2.1.22, .21 */
enum sign_existing { SIGN_KEEP, SIGN_REPLACE, SIGN_APPEND };

/* What every file of a run has in common. Owned by the caller, not changed, shared by threads. */
struct sign_spec {
    enum signer_hash hash;
    X509 *leaf;
    STACK_OF(X509) *
        chain; /* certificates to include: leaf first, then intermediates (cert_chain_build) */
    enum signer_mechanism mechanism;
    const char *description; /* UTF-8; NULL for none */
    const char *url;         /* ASCII; NULL for none */
    enum sign_purpose purpose;
    enum sign_existing existing;
    bool page_hashes;  /* in Windows programs */
    bool signature_ex; /* MsiDigitalSignatureEx in MSI packages */
    bool timestamp;    /* each signature is to get one; one of the leaf's that lacks it, too */
    bool stamp_only;   /* with `timestamp`: nothing is signed, and every signature that lacks one is
                          to get it, whoever made it, unless its certificate has ended. Of the
                          above only `timestamp` is looked at. */
};

/* All that can be wrong with a spec before any file is read: description not UTF-8, URL not ASCII,
 * a leaf that does not match the mechanism. ERROR_PROFILE. */
bool sign_spec_check(const struct sign_spec *spec, struct error *e);

enum sign_state {
    SIGN_READY,     /* the digest waits to be signed */
    SIGN_KEPT,      /* nothing to write: it carries signatures already, all of which hold, and
                       spec->existing is SIGN_KEEP, or SIGN_APPEND and the very signature that would be
                       added is among them. Whether the signers are trusted is not asked. */
    SIGN_UNSTAMPED, /* as SIGN_KEPT, but spec->timestamp is set and a signature by spec->leaf (with
                       stamp_only: any) has none: nothing is to be signed, sign_to_stamp tells what
                       is to be stamped. The output holds the file already, but for its signatures.
                     */
};

struct sign_job;

/* Reads `input` (a regular file, from its start) into `output` (empty, open for reading and
 * writing). `name` is for messages. NULL: ERROR_FORMAT (what is wrong with the file and where),
 * ERROR_UNSUPPORTED, ERROR_SIGNATURE (it carries a signature that does not hold, and spec says keep
 * or append), ERROR_SYSTEM, ERROR_CANCELLED. In `output` there may be anything after a failure. */
struct sign_job *sign_begin(int input, const char *name, int output, const struct sign_spec *spec,
                            enum sign_state *state, struct cancel *cancel, struct error *e);

/* The same for a file that is elsewhere (sign/file_digest.h): `content` is its
 * SpcIndirectDataContent (checked by sign/content.h), `digest` the file's, spec->hash long. Always
 * SIGN_READY; sign_made takes the place of sign_finish. */
struct sign_job *sign_begin_content(const struct buffer *content, const uint8_t *digest,
                                    const char *name, const struct sign_spec *spec,
                                    struct error *e);

/* The digest that the token is to sign (over the DER of the signed attributes); spec->hash long.
 * Static to the job. */
const uint8_t *sign_digest(const struct sign_job *job, size_t *length);

/* The file's own digest, as the signature carries it. */
const uint8_t *sign_file_digest(const struct sign_job *job, size_t *length);

enum sign_made {
    SIGN_NOT_MADE,
    SIGN_MADE,
    SIGN_MADE_UNSTAMPED, /* but for a timestamp: with SIGN_KEEP it is a SIGN_UNSTAMPED itself */
};

/* After SIGN_READY or SIGN_UNSTAMPED: whether `file` (a regular file) is what sign_finish would
 * make of the input: the very signature (signer, file, description and all; a timestamp may have
 * been added) and as many others as it would be added to, all of which hold; where nothing is to be
 * signed, the input's signatures. SIGN_NOT_MADE, without an error, in any other case. */
enum sign_made sign_is_made(const struct sign_job *job, int file, struct cancel *cancel);

/* The same of a signature that sign_made of an earlier job gave (DER of a ContentInfo). */
enum sign_made sign_is_made_content(const struct sign_job *job, const struct buffer *signature);

/* Who signed it (printable): SIGN_KEPT, the first of those who did; else who is to sign. */
const char *sign_signer(const struct sign_job *job);

/* Bytes read from the input. */
uint64_t sign_size(const struct sign_job *job);

/* After SIGN_READY: checks with the leaf's key that `signature` is one of the digest, and takes it.
 * ERROR_SIGNATURE. */
bool sign_put(struct sign_job *job, const uint8_t *signature, size_t length, struct error *e);

/* The value of the signature that is to get the next timestamp (after sign_put, or SIGN_UNSTAMPED):
 * what a server stamps is its digest (RFC 3161 appendix A). The one that was made comes first, then
 * those that were there. The job's, until sign_put_timestamp. NULL: none is left. */
const uint8_t *sign_to_stamp(const struct sign_job *job, size_t *length);

/* Puts an RFC 3161 token (DER of a ContentInfo, checked by sign/timestamp.h) into the signature
 * that sign_to_stamp told, and goes on to the next. ERROR_SIGNATURE: a signature of somebody else
 * cannot take an addition. */
bool sign_put_timestamp(struct sign_job *job, const struct buffer *token, struct error *e);

/* After sign_put, or with SIGN_UNSTAMPED: writes the signatures into the output, with the
 * timestamps that were put into them, padding, table entry and checksum, and compares what was
 * written. The output is complete afterwards; it is not synced. */
bool sign_finish(struct sign_job *job, struct error *e);

/* After sign_put and, where spec->timestamp asks for it, sign_put_timestamp: the signature alone,
 * DER of a ContentInfo. The job's; empty after sign_finish. */
const struct buffer *sign_made(const struct sign_job *job);

void sign_free(struct sign_job **job);

#endif
