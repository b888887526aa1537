/* SPDX-License-Identifier: Apache-2.0 */
#include "signing_fuzz.h"

#include <openssl/ec.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sign/note.h"
#include "sign/sign.h"
#include "sign/verify.h"

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

static bool is_signed(const struct format *format, int fd)
{
    struct format_file *f = format->open(fd, "fuzz", NULL);
    struct buffer der = BUFFER_INIT;
    bool found = f != NULL && (!format->extract(f, 0, &der, NULL) || der.length > 0);

    format->close(&f);
    buffer_free(&der);
    return found;
}

static bool holds(int fd, const uint8_t *data, size_t size)
{
    uint8_t *bytes = malloc(size + 1);
    bool same = bytes != NULL && pread(fd, bytes, size + 1, 0) == (ssize_t)size &&
                memcmp(bytes, data, size) == 0;

    free(bytes);
    return same;
}

static bool opens(const struct format *format, int fd)
{
    struct format_file *f = format->open(fd, "fuzz", NULL);
    bool good = f != NULL;

    format->close(&f);
    return good;
}

/* By this note. */
static void take_out_by(const struct format *format, struct format_file *f,
                        const struct buffer *note, const uint8_t *data, size_t size)
{
    bool exact = format != &format_msi || note->length > 0;
    int output = memfd_create("removed", 0);

    if (!format->remove(f, note, output, NULL, NULL) ||
        !(exact ? holds(output, data, size) : opens(format, output)))
        abort();
    close(output);
}

/* Takes out the signature that was put into `data`. */
static void take_out(const struct format *format, int fd, const uint8_t *data, size_t size)
{
    static const struct buffer nothing = BUFFER_INIT;
    struct format_file *f = format->open(fd, "fuzz", NULL);
    struct buffer der = BUFFER_INIT, note = BUFFER_INIT;

    if (f == NULL || !format->extract(f, 0, &der, NULL) || !note_get(&der, &note, NULL))
        abort();
    take_out_by(format, f, &note, data, size);
    if (format == &format_msi)
        take_out_by(format, f, &nothing, data, size);
    format->close(&f);
    buffer_free(&der);
    buffer_free(&note);
}

/* Whatever note a signature may have, and whoever made it. */
static void take_out_anything(const struct format *format, int fd, const uint8_t *data, size_t size)
{
    struct format_file *f = format->open(fd, "fuzz", NULL);
    size_t tail = size < 32 ? size : 32;
    struct buffer note = BUFFER_INIT;
    int output = memfd_create("removed", 0);

    buffer_append(&note, data + size - tail, tail);
    if (f != NULL)
        format->remove(f, &note, output, NULL, NULL);
    format->close(&f);
    buffer_free(&note);
    close(output);
}

static void sign(const struct format *format, int fd, enum sign_existing existing,
                 const uint8_t *data, size_t size)
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
        if (done && !is_signed(format, fd))
            take_out(format, output, data, size);
    }
    sign_free(&job);
    close(output);
}

void signing_fuzz(const struct format *format, const uint8_t *data, size_t size)
{
    int fd = memfd_create("fuzz", 0);

    set_up();
    if (fd >= 0 && write(fd, data, size) == (ssize_t)size && format->detect(data, size)) {
        judge(fd, false);
        spec.page_hashes = false;
        spec.signature_ex = size % 2 == 0;
        sign(format, fd, SIGN_KEEP, data, size);
        sign(format, fd, SIGN_REPLACE, data, size);
        spec.page_hashes = true;
        spec.signature_ex = size % 3 == 0;
        sign(format, fd, SIGN_APPEND, data, size);
        take_out_anything(format, fd, data, size);
    }
    if (fd >= 0)
        close(fd);
}
