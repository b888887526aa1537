/* SPDX-License-Identifier: Apache-2.0 */
/* A file that claims to be a program: parsed, digested, its signatures read and judged. And what
 * lets itself be signed must be good afterwards. */
#include <openssl/ec.h>
#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sign/sign.h"
#include "sign/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sign_spec spec;
static EVP_PKEY *key;
static X509_STORE *no_roots;

static void set_up(void)
{
    if (key != NULL)
        return;
    key = EVP_EC_gen("P-256");
    no_roots = X509_STORE_new();
    spec = (struct sign_spec){.hash = SIGNER_SHA256,
                              .mechanism = SIGNER_ECDSA,
                              .leaf = X509_new(),
                              .chain = sk_X509_new_null(),
                              .description = "fuzz"};
    X509_set_version(spec.leaf, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(spec.leaf), 1);
    X509_gmtime_adj(X509_getm_notBefore(spec.leaf), 0);
    X509_gmtime_adj(X509_getm_notAfter(spec.leaf), 86400);
    X509_set_pubkey(spec.leaf, key);
    X509_sign(spec.leaf, key, EVP_sha256());
    sk_X509_push(spec.chain, spec.leaf);
}

static void judge(int fd, bool must_be_good)
{
    struct verify_options options = {.trust = no_roots, .now = 1800000000};
    struct verify_report report;
    bool judged = verify_file(fd, "fuzz", &options, &report, NULL, NULL);

    if (must_be_good && (!judged || report.count == 0 || report.problem_count > 0 ||
                         !report.signature[0].digest_good || !report.signature[0].signature_good))
        abort();
    if (judged)
        verify_report_free(&report);
}

/* What a token would do. */
static bool finish(struct sign_job *job)
{
    uint8_t signature[128];
    size_t length, room = sizeof signature;
    const uint8_t *digest = sign_digest(job, &length);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool done = EVP_PKEY_sign_init(ctx) > 0 &&
                EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) > 0 &&
                EVP_PKEY_sign(ctx, signature, &room, digest, length) > 0 &&
                sign_put(job, signature, room, NULL) && sign_finish(job, NULL);

    EVP_PKEY_CTX_free(ctx);
    return done;
}

static void sign(int fd, enum sign_existing existing)
{
    int output = memfd_create("signed", 0);
    enum sign_state state;
    struct sign_job *job;
    bool done;

    spec.existing = existing;
    job = sign_begin(fd, "fuzz", output, &spec, &state, NULL, NULL);
    if (job != NULL && state == SIGN_READY) {
        done = finish(job);
        if (!done && existing == SIGN_REPLACE)
            abort();
        if (done)
            judge(output, true);
    }
    sign_free(&job);
    close(output);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("fuzz", 0);

    set_up();
    if (fd >= 0 && write(fd, data, size) == (ssize_t)size) {
        judge(fd, false);
        sign(fd, SIGN_KEEP);
        sign(fd, SIGN_REPLACE);
        sign(fd, SIGN_APPEND);
    }
    if (fd >= 0)
        close(fd);
    return 0;
}
