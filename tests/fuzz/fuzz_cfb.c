/* SPDX-License-Identifier: Apache-2.0 */
/* A file that claims to be an installer's compound file: read, digested, its signatures judged.
 * What lets itself be signed must be good afterwards, and give the same file back when the
 * signature is taken out. */
#include <openssl/ec.h>
#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sign/format.h"
#include "sign/note.h"
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

static void same_as(int fd, const uint8_t *data, size_t size)
{
    uint8_t *back = malloc(size + 1);

    if (back == NULL || pread(fd, back, size + 1, 0) != (ssize_t)size ||
        memcmp(back, data, size) != 0)
        abort();
    free(back);
}

/* Whatever the note says, the signature comes out, and a good file is left. */
static void take_out_with(struct format_file *f, const struct buffer *note)
{
    int output = memfd_create("removed", 0);
    struct format_file *out;

    if (!format_msi.remove(f, note, output, NULL, NULL))
        abort();
    out = format_msi.open(output, "fuzz", NULL);
    if (out == NULL)
        abort();
    format_msi.close(&out);
    close(output);
}

/* With its note: the file that was signed; without, or with another. */
static void take_out(int fd, const uint8_t *data, size_t size)
{
    struct buffer der = BUFFER_INIT, note = BUFFER_INIT;
    struct format_file *f = format_msi.open(fd, "fuzz", NULL);
    int output = memfd_create("removed", 0);

    if (f == NULL || !format_msi.extract(f, 0, &der, NULL) || !note_get(&der, &note, NULL))
        abort();
    if (note.length > 0) {
        if (!format_msi.remove(f, &note, output, NULL, NULL))
            abort();
        same_as(output, data, size);
        for (size_t i = 0; i < 3; i++)
            note.data[(data[size - 1 - i] + i * 64) % note.length] ^= data[size - 4 - i] | 1;
        take_out_with(f, &note);
        buffer_reset(&note);
    }
    take_out_with(f, &note);
    format_msi.close(&f);
    buffer_free(&der);
    buffer_free(&note);
    close(output);
}

static bool is_signed(int fd)
{
    struct format_file *f = format_msi.open(fd, "fuzz", NULL);
    struct buffer der = BUFFER_INIT;
    bool found = f != NULL && (!format_msi.extract(f, 0, &der, NULL) || der.length > 0);

    format_msi.close(&f);
    buffer_free(&der);
    return found;
}

static void sign(int fd, enum sign_existing existing, const uint8_t *data, size_t size)
{
    int output = memfd_create("signed", 0);
    enum sign_state state;
    struct sign_job *job;

    spec.existing = existing;
    job = sign_begin(fd, "fuzz", output, &spec, &state, NULL, NULL);
    if (job != NULL && state == SIGN_READY && finish(job)) {
        judge(output, true);
        if (!is_signed(fd))
            take_out(output, data, size);
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
        spec.signature_ex = size % 2 == 0;
        sign(fd, SIGN_REPLACE, data, size);
        spec.signature_ex = size % 3 == 0;
        sign(fd, SIGN_APPEND, data, size);
    }
    if (fd >= 0)
        close(fd);
    return 0;
}
