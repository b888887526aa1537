/* SPDX-License-Identifier: Apache-2.0 */
#include "op/new_key.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "op/record.h"

const struct key_kind key_kinds[] = {
    {"rsa:2048", 2048, "", 0, "RSA-2048"},  {"rsa:3072", 3072, "", 0, "RSA-3072"},
    {"rsa:4096", 4096, "", 0, "RSA-4096"},  {"ec:P-256", 0, "P-256", 256, "P-256"},
    {"ec:P-384", 0, "P-384", 384, "P-384"}, {0},
};

/* Sizes of 0 are those of a module that does not tell them. */
bool key_kind_fits(const struct key_kind *kind, const struct wire_slot *slot)
{
    CK_MECHANISM_TYPE wanted = kind->rsa_bits > 0 ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN;
    CK_ULONG bits = kind->rsa_bits > 0 ? kind->rsa_bits : kind->ec_bits;

    for (size_t i = 0; i < slot->mechanism_count; i++) {
        const CK_MECHANISM_INFO *info = &slot->mechanisms[i].info;

        if (slot->mechanisms[i].type == wanted)
            return info->ulMaxKeySize == 0 ||
                   (bits >= info->ulMinKeySize && bits <= info->ulMaxKeySize);
    }
    return slot->mechanism_count == 0;
}

bool new_label_check(const char *label, struct error *e)
{
    size_t length = strlen(label);
    char *shown = text_printable(label, length);
    bool plain = shown != NULL && strcmp(shown, label) == 0 && label[0] != ' ' &&
                 (length == 0 || label[length - 1] != ' ');

    free(shown);
    return plain || error_set(e, ERROR_USAGE,
                              "--label: control characters, and blanks at its ends, are not for a "
                              "label");
}

static json_t *pem_of(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    json_t *text = NULL;
    char *data = NULL;

    if (bio != NULL && PEM_write_bio_PUBKEY(bio, key)) {
        long length = BIO_get_mem_data(bio, &data);

        text = json_stringn(data, (size_t)length);
    }
    BIO_free(bio);
    return text;
}

bool new_key_describe(json_t *record, const uint8_t *spki, size_t length, struct error *e)
{
    const unsigned char *at = spki;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)length);
    uint8_t digest[SHA256_DIGEST_LENGTH];

    if (key == NULL)
        return error_set_openssl(e, ERROR_TOKEN, "the key was made, but its public half is none");
    SHA256(spki, length, digest);
    json_object_set_new(record, "public-key", pem_of(key));
    json_object_set_new(record, "public-key-sha256", record_take(text_hex(digest, sizeof digest)));
    EVP_PKEY_free(key);
    ERR_clear_error();
    return true;
}
