/* SPDX-License-Identifier: Apache-2.0 */
#include "op/names.h"

#include <stdio.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))

const struct name_bit name_token_flags[] = {
    {CKF_RNG, "random-numbers"},
    {CKF_WRITE_PROTECTED, "write-protected"},
    {CKF_LOGIN_REQUIRED, "login-required"},
    {CKF_USER_PIN_INITIALIZED, "user-pin-initialized"},
    {CKF_RESTORE_KEY_NOT_NEEDED, "restore-key-not-needed"},
    {CKF_CLOCK_ON_TOKEN, "clock"},
    {CKF_PROTECTED_AUTHENTICATION_PATH, "pinpad"},
    {CKF_DUAL_CRYPTO_OPERATIONS, "dual-crypto-operations"},
    {CKF_TOKEN_INITIALIZED, "initialized"},
    {CKF_SECONDARY_AUTHENTICATION, "secondary-authentication"},
    {CKF_USER_PIN_COUNT_LOW, "user-pin-count-low"},
    {CKF_USER_PIN_FINAL_TRY, "user-pin-final-try"},
    {CKF_USER_PIN_LOCKED, "user-pin-locked"},
    {CKF_USER_PIN_TO_BE_CHANGED, "user-pin-to-be-changed"},
    {CKF_SO_PIN_COUNT_LOW, "so-pin-count-low"},
    {CKF_SO_PIN_FINAL_TRY, "so-pin-final-try"},
    {CKF_SO_PIN_LOCKED, "so-pin-locked"},
    {CKF_SO_PIN_TO_BE_CHANGED, "so-pin-to-be-changed"},
    {1u << 24, "error-state"},
};
const size_t name_token_flag_count = COUNT(name_token_flags);

const struct name_bit name_slot_flags[] = {
    {CKF_TOKEN_PRESENT, "token-present"},
    {CKF_REMOVABLE_DEVICE, "removable"},
    {CKF_HW_SLOT, "hardware"},
};
const size_t name_slot_flag_count = COUNT(name_slot_flags);

const struct name_bit name_mechanism_flags[] = {
    {CKF_HW, "hardware"},       {CKF_ENCRYPT, "encrypt"},
    {CKF_DECRYPT, "decrypt"},   {CKF_DIGEST, "digest"},
    {CKF_SIGN, "sign"},         {CKF_SIGN_RECOVER, "sign-recover"},
    {CKF_VERIFY, "verify"},     {CKF_VERIFY_RECOVER, "verify-recover"},
    {CKF_GENERATE, "generate"}, {CKF_GENERATE_KEY_PAIR, "generate-key-pair"},
    {CKF_WRAP, "wrap"},         {CKF_UNWRAP, "unwrap"},
    {CKF_DERIVE, "derive"},
};
const size_t name_mechanism_flag_count = COUNT(name_mechanism_flags);

#define M(name)                                                                                    \
    {                                                                                              \
        name, #name                                                                                \
    }
static const struct {
    CK_MECHANISM_TYPE type;
    const char *name;
} mechanisms[] = {
    M(CKM_RSA_PKCS_KEY_PAIR_GEN),
    M(CKM_RSA_PKCS),
    M(CKM_RSA_9796),
    M(CKM_RSA_X_509),
    M(CKM_MD5_RSA_PKCS),
    M(CKM_SHA1_RSA_PKCS),
    M(CKM_RSA_PKCS_OAEP),
    M(CKM_RSA_X9_31),
    M(CKM_RSA_PKCS_PSS),
    M(CKM_SHA1_RSA_PKCS_PSS),
    M(CKM_SHA224_RSA_PKCS),
    M(CKM_SHA256_RSA_PKCS),
    M(CKM_SHA384_RSA_PKCS),
    M(CKM_SHA512_RSA_PKCS),
    M(CKM_SHA224_RSA_PKCS_PSS),
    M(CKM_SHA256_RSA_PKCS_PSS),
    M(CKM_SHA384_RSA_PKCS_PSS),
    M(CKM_SHA512_RSA_PKCS_PSS),
    M(CKM_DSA_KEY_PAIR_GEN),
    M(CKM_DSA_PARAMETER_GEN),
    M(CKM_DSA),
    M(CKM_DSA_SHA1),
    M(CKM_DSA_SHA224),
    M(CKM_DSA_SHA256),
    M(CKM_DSA_SHA384),
    M(CKM_DSA_SHA512),
    M(CKM_DH_PKCS_KEY_PAIR_GEN),
    M(CKM_DH_PKCS_PARAMETER_GEN),
    M(CKM_DH_PKCS_DERIVE),
    M(CKM_EC_KEY_PAIR_GEN),
    M(CKM_ECDSA),
    M(CKM_ECDSA_SHA1),
    M(CKM_ECDSA_SHA224),
    M(CKM_ECDSA_SHA256),
    M(CKM_ECDSA_SHA384),
    M(CKM_ECDSA_SHA512),
    M(CKM_ECDH1_DERIVE),
    M(CKM_ECDH1_COFACTOR_DERIVE),
    M(CKM_MD5),
    M(CKM_MD5_HMAC),
    M(CKM_SHA_1),
    M(CKM_SHA_1_HMAC),
    M(CKM_SHA224),
    M(CKM_SHA224_HMAC),
    M(CKM_SHA256),
    M(CKM_SHA256_HMAC),
    M(CKM_SHA384),
    M(CKM_SHA384_HMAC),
    M(CKM_SHA512),
    M(CKM_SHA512_HMAC),
    M(CKM_GENERIC_SECRET_KEY_GEN),
    M(CKM_DES_KEY_GEN),
    M(CKM_DES_ECB),
    M(CKM_DES_CBC),
    M(CKM_DES_CBC_PAD),
    M(CKM_DES2_KEY_GEN),
    M(CKM_DES3_KEY_GEN),
    M(CKM_DES3_ECB),
    M(CKM_DES3_CBC),
    M(CKM_DES3_CBC_PAD),
    M(CKM_DES3_CMAC),
    M(CKM_DES_ECB_ENCRYPT_DATA),
    M(CKM_DES_CBC_ENCRYPT_DATA),
    M(CKM_DES3_ECB_ENCRYPT_DATA),
    M(CKM_DES3_CBC_ENCRYPT_DATA),
    M(CKM_AES_KEY_GEN),
    M(CKM_AES_ECB),
    M(CKM_AES_CBC),
    M(CKM_AES_CBC_PAD),
    M(CKM_AES_CTR),
    M(CKM_AES_GCM),
    M(CKM_AES_CMAC),
    M(CKM_AES_KEY_WRAP),
    M(CKM_AES_KEY_WRAP_PAD),
    M(CKM_AES_ECB_ENCRYPT_DATA),
    M(CKM_AES_CBC_ENCRYPT_DATA),
    M(CKM_CONCATENATE_DATA_AND_BASE),
    M(CKM_CONCATENATE_BASE_AND_DATA),
    M(CKM_CONCATENATE_BASE_AND_KEY),
    {0x00001055, "CKM_EC_EDWARDS_KEY_PAIR_GEN"},
    {0x00001056, "CKM_EC_MONTGOMERY_KEY_PAIR_GEN"},
    {0x00001057, "CKM_EDDSA"},
};
#undef M

const char *name_mechanism(CK_MECHANISM_TYPE type, char out[NAME_SIZE])
{
    snprintf(out, NAME_SIZE, "0x%08lx", type);
    for (size_t i = 0; i < COUNT(mechanisms); i++)
        if (mechanisms[i].type == type)
            snprintf(out, NAME_SIZE, "%s", mechanisms[i].name);
    return out;
}

const char *name_key_type(CK_KEY_TYPE type, char out[NAME_SIZE])
{
    switch (type) {
    case CKK_RSA:
        return "RSA";
    case CKK_EC:
        return "EC";
    case CKK_DSA:
        return "DSA";
    case CKK_DH:
        return "DH";
    case CKK_EC_EDWARDS:
        return "Edwards curve";
    default:
        snprintf(out, NAME_SIZE, "key type 0x%lx", type);
        return out;
    }
}

const char *name_class(CK_OBJECT_CLASS class)
{
    switch (class) {
    case CKO_PRIVATE_KEY:
        return "private-key";
    case CKO_PUBLIC_KEY:
        return "public-key";
    case CKO_CERTIFICATE:
        return "certificate";
    default:
        return "object";
    }
}
