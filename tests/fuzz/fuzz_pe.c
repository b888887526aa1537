/* SPDX-License-Identifier: Apache-2.0 */
/* A file that claims to be a program: parsed, digested, its signatures and page hashes read and
 * judged. And what lets itself be signed must be good afterwards, and come back as it was. */
#include <openssl/ec.h>
#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sign/file_io.h"
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
                         report.signature[report.count - 1].page_hashes == VERIFY_PAGES_BAD ||
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

/* Whether these bytes are all that the file holds. */
static bool holds(int fd, const uint8_t *data, size_t size)
{
    return lseek(fd, 0, SEEK_END) == (off_t)size && file_io_holds(fd, data, size, 0);
}

/* With the note of its first signature, or one that was made up; `is_signed`: whether there was
 * something to remove. */
static void take_out(int fd, const uint8_t *note, size_t length, int output, bool *is_signed)
{
    struct format_file *f = format_pe.open(fd, "fuzz", NULL);
    struct buffer first = BUFFER_INIT, told = BUFFER_INIT;

    if (note != NULL)
        buffer_append(&told, note, length);
    else if (f != NULL && format_pe.extract(f, 0, &first, NULL))
        note_get(&first, &told, NULL);
    *is_signed = f != NULL && format_pe.remove(f, &told, output, NULL, NULL);
    format_pe.close(&f);
    buffer_free(&first);
    buffer_free(&told);
}

/* `signed_fd` was made of the unsigned `data`. */
static void must_come_back(int signed_fd, const uint8_t *data, size_t size)
{
    int output = memfd_create("removed", 0);
    bool removed;

    take_out(signed_fd, NULL, 0, output, &removed);
    if (!removed || !holds(output, data, size))
        abort();
    close(output);
}

/* Whether there is a signature to take out; its note may be anything, and the file only becomes
 * shorter. */
static bool was_signed(int fd, const uint8_t *data, size_t size)
{
    int output = memfd_create("removed", 0);
    bool removed;

    take_out(fd, data + (size > 6 ? size - 6 : 0), size > 6 ? 6 : size, output, &removed);
    if (removed && lseek(output, 0, SEEK_END) >= (off_t)size)
        abort();
    close(output);
    return removed;
}

static void sign(int fd, enum sign_existing existing, const uint8_t *unsigned_data, size_t size)
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
        if (done && unsigned_data != NULL)
            must_come_back(output, unsigned_data, size);
    }
    sign_free(&job);
    close(output);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("fuzz", 0);

    set_up();
    if (fd >= 0 && write(fd, data, size) == (ssize_t)size) {
        bool is_signed = was_signed(fd, data, size);

        judge(fd, false);
        spec.page_hashes = false;
        sign(fd, SIGN_KEEP, is_signed ? NULL : data, size);
        sign(fd, SIGN_REPLACE, NULL, 0);
        spec.page_hashes = true;
        sign(fd, SIGN_APPEND, is_signed ? NULL : data, size);
    }
    if (fd >= 0)
        close(fd);
    return 0;
}
