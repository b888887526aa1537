/* SPDX-License-Identifier: Apache-2.0 */
#include "signing.h"

#include <openssl/pkcs7.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sign/format.h"
#include "sign/note.h"

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "cannot go on: %s\n", what);
    abort();
}

void signing_identity_make(struct signing_identity *i, const char *key_type)
{
    *i = (struct signing_identity){.key = make_key(key_type), .ca_key = make_key("P-256")};
    i->root =
        make_certificate(&(struct certificate){.name = "Test Root", .key = i->ca_key, .ca = true});
    i->intermediate = make_certificate(&(struct certificate){.name = "Test CA",
                                                             .key = i->ca_key,
                                                             .issuer = i->root,
                                                             .issuer_key = i->ca_key,
                                                             .serial = 2,
                                                             .ca = true});
    i->leaf = make_certificate(&(struct certificate){.name = "Test Signer",
                                                     .key = i->key,
                                                     .issuer = i->intermediate,
                                                     .issuer_key = i->ca_key,
                                                     .serial = 3,
                                                     .usage = "critical,digitalSignature",
                                                     .purposes = "codeSigning"});
    i->chain = make_stack(i->leaf, i->intermediate, NULL);
}

void signing_identity_free(struct signing_identity *i)
{
    EVP_PKEY_free(i->key);
    EVP_PKEY_free(i->ca_key);
    X509_free(i->root);
    X509_free(i->intermediate);
    X509_free(i->leaf);
    make_free_stack(i->chain);
}

struct sign_spec signing_spec(const struct signing_identity *i)
{
    struct sign_spec spec = {
        .hash = SIGNER_SHA256,
        .leaf = i->leaf,
        .chain = i->chain,
        .description = "Example",
        .url = "https://example.com",
    };

    must(signer_mechanism_for(i->key, &spec.mechanism, NULL), "mechanism");
    return spec;
}

struct verify_options signing_trust(const struct signing_identity *i)
{
    struct verify_options options = {.trust = X509_STORE_new(), .now = YEAR_2026};

    must(X509_STORE_add_cert(options.trust, i->root) == 1, "trust");
    return options;
}

void signing_sign(EVP_PKEY *key, enum signer_hash hash, const uint8_t *digest, size_t length,
                  struct buffer *signature)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    size_t room = (size_t)EVP_PKEY_get_size(key);
    uint8_t *at = buffer_extend(signature, room);

    must(EVP_PKEY_sign_init(ctx) > 0, "key");
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
        must(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0, "padding");
    must(EVP_PKEY_CTX_set_signature_md(ctx, signer_hash_md(hash)) > 0, "hash");
    must(EVP_PKEY_sign(ctx, at, &room, digest, length) > 0, "signature");
    signature->length = (size_t)(at - signature->data) + room;
    EVP_PKEY_CTX_free(ctx);
}

int signing_file(const void *bytes, size_t length)
{
    int fd = memfd_create("test", MFD_CLOEXEC);

    must(fd >= 0 && write(fd, bytes, length) == (ssize_t)length, "file");
    return fd;
}

void signing_read(int fd, struct buffer *bytes)
{
    off_t size = lseek(fd, 0, SEEK_END);
    uint8_t *at;

    buffer_reset(bytes);
    at = buffer_extend(bytes, (size_t)size);
    must(at != NULL && pread(fd, at, (size_t)size, 0) == size, "reading");
}

bool signing_run(const struct signing_identity *i, const struct sign_spec *spec,
                 const struct buffer *file, struct buffer *signed_file, enum sign_state *state,
                 struct error *e)
{
    int input = signing_file(file->data, file->length), output = signing_file("", 0);
    enum sign_state own;
    struct sign_job *job = sign_begin(input, "test.exe", output, spec, &own, NULL, e);
    struct buffer signature = BUFFER_INIT;
    const uint8_t *digest;
    size_t length;
    bool done = job != NULL;

    if (done && own == SIGN_READY) {
        digest = sign_digest(job, &length);
        signing_sign(i->key, spec->hash, digest, length, &signature);
        done = sign_put(job, signature.data, signature.length, e) && sign_finish(job, e);
    }
    if (state != NULL)
        *state = own;
    signing_read(output, signed_file);
    sign_free(&job);
    buffer_free(&signature);
    close(input);
    close(output);
    return done;
}

void signing_must(const struct signing_identity *i, const struct sign_spec *spec,
                  const struct buffer *file, struct buffer *signed_file)
{
    struct error e = ERROR_INIT;

    must(signing_run(i, spec, file, signed_file, NULL, &e), e.text);
}

bool signing_remove(const struct buffer *file, struct buffer *out, struct error *e)
{
    int input = signing_file(file->data, file->length), output = signing_file("", 0);
    struct format_file *f = format_pe.open(input, "test.exe", e);
    struct buffer first = BUFFER_INIT, note = BUFFER_INIT;
    bool done = f != NULL && format_pe.extract(f, 0, &first, e) && note_get(&first, &note, e) &&
                format_pe.remove(f, &note, output, NULL, e);

    signing_read(output, out);
    format_pe.close(&f);
    buffer_free(&first);
    buffer_free(&note);
    close(input);
    close(output);
    return done;
}

void signing_extract(const struct buffer *file, unsigned index, struct buffer *der)
{
    int fd = signing_file(file->data, file->length);
    struct error e = ERROR_INIT;
    const struct format *format = format_detect(fd, "test.exe", &e);
    struct format_file *f = format == NULL ? NULL : format->open(fd, "test.exe", &e);

    must(f != NULL && format->extract(f, index, der, &e), e.text);
    format->close(&f);
    close(fd);
}

void signing_add_unsigned(struct buffer *der, const char *oid, const uint8_t *value, int length)
{
    signing_add_many(der, oid, value, length, 1);
}

void signing_add_many(struct buffer *der, const char *oid, const uint8_t *value, int length,
                      int count)
{
    const unsigned char *at = der->data;
    PKCS7 *p7 = d2i_PKCS7(NULL, &at, (long)der->length);
    PKCS7_SIGNER_INFO *info = sk_PKCS7_SIGNER_INFO_value(PKCS7_get_signer_info(p7), 0);
    X509_ATTRIBUTE *attribute = X509_ATTRIBUTE_new();
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    unsigned char *encoded = NULL;

    must(X509_ATTRIBUTE_set1_object(attribute, object) > 0, "attribute");
    for (int i = 0; i < count; i++)
        must(X509_ATTRIBUTE_set1_data(attribute, V_ASN1_SEQUENCE, value, length) > 0, "value");
    must(X509at_add1_attr(&info->unauth_attr, attribute) != NULL, "attribute");
    length = i2d_PKCS7(p7, &encoded);
    must(length > 0, "encoding");
    buffer_reset(der);
    buffer_append(der, encoded, (size_t)length);
    OPENSSL_free(encoded);
    ASN1_OBJECT_free(object);
    X509_ATTRIBUTE_free(attribute);
    PKCS7_free(p7);
}
