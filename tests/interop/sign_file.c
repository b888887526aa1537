/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signs one file with a key from a PEM file: core/sign without a token, for judges that are not
 * ours. usage: sign_file KEY CERTIFICATES INPUT OUTPUT sha256|sha384|sha512 keep|replace|append
 * [DESCRIPTION URL]
 */
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cert/load.h"
#include "sign/sign.h"

static EVP_PKEY *read_key(const char *path)
{
    FILE *file = fopen(path, "r");
    EVP_PKEY *key = file == NULL ? NULL : PEM_read_PrivateKey(file, NULL, NULL, NULL);

    if (file != NULL)
        fclose(file);
    return key;
}

static size_t sign_with(EVP_PKEY *key, enum signer_hash hash, const uint8_t *digest, size_t length,
                        uint8_t *out, size_t room)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);

    if (EVP_PKEY_sign_init(ctx) <= 0 ||
        EVP_PKEY_CTX_set_signature_md(ctx, signer_hash_md(hash)) <= 0 ||
        EVP_PKEY_sign(ctx, out, &room, digest, length) <= 0)
        room = 0;
    EVP_PKEY_CTX_free(ctx);
    return room;
}

int main(int argc, char **argv)
{
    struct error e = ERROR_INIT;
    struct sign_spec spec = {.purpose = SIGN_COMMERCIAL};
    enum sign_state state;
    struct sign_job *job;
    EVP_PKEY *key;
    uint8_t signature[1024];
    const uint8_t *digest;
    size_t length;

    if (argc < 7 || !signer_hash_parse(argv[5], &spec.hash) || (key = read_key(argv[1])) == NULL)
        return 2;
    spec.chain = sk_X509_new_null();
    if (!cert_load_file(argv[2], spec.chain, &e))
        return fprintf(stderr, "%s\n", e.text), 2;
    spec.leaf = sk_X509_value(spec.chain, 0);
    signer_mechanism_for(key, &spec.mechanism, &e);
    spec.existing = strcmp(argv[6], "append") == 0    ? SIGN_APPEND
                    : strcmp(argv[6], "replace") == 0 ? SIGN_REPLACE
                                                      : SIGN_KEEP;
    spec.description = argc > 7 ? argv[7] : NULL;
    spec.url = argc > 8 ? argv[8] : NULL;
    job = sign_begin(open(argv[3], O_RDONLY), argv[3],
                     open(argv[4], O_RDWR | O_CREAT | O_TRUNC, 0644), &spec, &state, NULL, &e);
    if (job == NULL)
        return fprintf(stderr, "%s\n", e.text), 1;
    if (state == SIGN_KEPT)
        return printf("kept: %s\n", sign_kept_signer(job)), 0;
    digest = sign_digest(job, &length);
    length = sign_with(key, spec.hash, digest, length, signature, sizeof signature);
    if (!sign_finish(job, signature, length, &e))
        return fprintf(stderr, "%s\n", e.text), 1;
    sign_free(&job);
    return 0;
}
