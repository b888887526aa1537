/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders: a folder with what is sent to a CA for one certificate, and what came back. `order.json`
 * in it says which files there are, each with its SHA-256:
 *
 *   signet-order   1, the version of this format
 *   state          "made", "ordered" or "issued"
 *   made, ordered, issued          times in UTC, ISO 8601; null: not yet
 *   subject, email, digest         of the request; e-mail may be null
 *   key            uri, type ("RSA-3072"), sha256 (of its SubjectPublicKeyInfo)
 *   token          label, serial, model, manufacturer, as PKCS#11 has them
 *   facts          [{name, value, by}]: what is told of the token and the key; by "module",
 *                  "card" or "attestation"
 *   csr, public-key                {file, sha256}
 *   attestation    {file, sha256} or null
 *   proofs         [{file, sha256, added}]
 *   certificate    null, or {file, sha256, added, fingerprint, subject, issuer, not-before,
 *                  not-after}
 */
#ifndef SIGNET_CERT_ORDER_H
#define SIGNET_CERT_ORDER_H

#include <jansson.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "base/buffer.h"
#include "base/error.h"

#define ORDER_FILE "order.json"
#define ORDER_CSR "csr.pem"
#define ORDER_PUBLIC_KEY "public-key.pem"
#define ORDER_ATTESTATION "attestation.pem"
#define ORDER_CERTIFICATE "certificate.pem"

enum {
    ORDER_VERSION = 1,
    ORDER_FILE_MAX = 256 << 10, /* bytes of order.json */
    ORDER_PROOF_MAX = 16 << 20, /* bytes of a file that is attached */
    ORDER_PROOFS_MAX = 32,
    ORDER_SHA256_SIZE = 65, /* hex and NUL */
};

/* Reads and checks what an order.json says: every key above and no other, of the right type; file
 * names that stay in the folder. `name` stands in the messages. NULL: ERROR_FORMAT says which key
 * is wrong. A new reference. */
json_t *order_parse(const char *name, const void *bytes, size_t length, struct error *e);

/* The same from a folder; ERROR_MISSING: it has no order.json. */
json_t *order_load(const char *folder, struct error *e);

/* Writes order.json in one step. ERROR_FORMAT: it has what order_parse would not take; the one that
 * is there stays. */
bool order_save(const char *folder, const json_t *order, struct error *e);

/* One file of a new order. */
struct order_file {
    const char *name;
    const void *bytes;
    size_t length;
};

/* Makes the folder with these files and order.json, whole or not at all. ERROR_USAGE: it is there
 * already. */
bool order_create(const char *folder, const struct order_file *files, size_t count,
                  const json_t *order, struct error *e);

/* {file, sha256} of a file's bytes. A new reference; NULL: no memory. */
json_t *order_entry(const char *name, const void *bytes, size_t length);

/* Lower-case hex of the SHA-256 of some bytes. Returns `out`. */
const char *order_sha256(const void *bytes, size_t length, char out[ORDER_SHA256_SIZE]);

/* Adds a file to the folder and to the order, which is saved: the CA's certificate with its chain
 * (PEM, leaf first), or something that proves. The state becomes "issued" with a certificate. */
bool order_add_certificate(const char *folder, json_t *order, STACK_OF(X509) * chain, time_t now,
                           struct error *e);
bool order_add_proof(const char *folder, json_t *order, const char *name, const void *bytes,
                     size_t length, time_t now, struct error *e);

/* The state "ordered"; ERROR_USAGE: it was ordered or issued already. */
bool order_mark_ordered(const char *folder, json_t *order, time_t now, struct error *e);

/* A time of order.json; (time_t)-1: null, or none. */
time_t order_time(const json_t *order, const char *key);

enum order_word {
    ORDER_PROVED,  /* by mathematics, as far as its text says */
    ORDER_CLAIMED, /* someone says so */
    ORDER_OPEN,    /* not looked at, or nobody says */
    ORDER_FALSE,   /* it is not so */
};
enum { ORDER_FACTS_MAX = 96 };

struct order_fact {
    enum order_word word;
    char what[40];
    char text[320]; /* one line, printable */
};

struct order_facts {
    struct order_fact fact[ORDER_FACTS_MAX];
    size_t count;
    bool holds; /* nothing is false */
};

const char *order_word_name(enum order_word word);

/* Looks at every file of the folder, without a token and without a network. `roots` (may be NULL or
 * empty): whom to believe an attestation. ERROR_FORMAT, ERROR_MISSING: a file cannot be read; what
 * is not so is a fact. */
bool order_verify(const char *folder, const json_t *order, STACK_OF(X509) * roots, time_t now,
                  struct order_facts *out, struct error *e);

#endif
