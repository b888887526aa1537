/* SPDX-License-Identifier: Apache-2.0 */
/* What can be wrong with what every file of a run has in common. */
#include <string.h>

#include "base/text.h"
#include "sign/sign.h"

/* A character beyond U+FFFF: four bytes of UTF-8, two units of UTF-16, none of BMPString. */
static bool beyond_bmp(const char *utf8)
{
    for (; *utf8 != '\0'; utf8++)
        if ((unsigned char)*utf8 >= 0xf0)
            return true;
    return false;
}

static bool is_visible_ascii(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x21 || (unsigned char)*text > 0x7e)
            return false;
    return true;
}

static bool check_texts(const struct sign_spec *spec, struct error *e)
{
    const char *description = spec->description;

    if (description != NULL && !text_is_utf8(description, strlen(description)))
        return error_set(e, ERROR_PROFILE, "description: it is not UTF-8");
    if (description != NULL && beyond_bmp(description))
        return error_set(
            e, ERROR_PROFILE,
            "description: it has characters that a Windows signature cannot carry (outside the "
            "Basic Multilingual Plane, such as emoji)");
    if (spec->url != NULL && !is_visible_ascii(spec->url))
        return error_set(e, ERROR_PROFILE, "url: only printable ASCII; encode the rest with %%");
    return true;
}

bool sign_spec_check(const struct sign_spec *spec, struct error *e)
{
    EVP_PKEY *key = spec->stamp_only ? NULL : X509_get0_pubkey(spec->leaf);
    enum signer_mechanism mechanism;

    if (spec->stamp_only)
        return true;
    if (!check_texts(spec, e))
        return false;
    if (key == NULL)
        return error_set(e, ERROR_UNFIT, "the certificate has a public key of unknown type");
    if (!signer_mechanism_for(key, &mechanism, e))
        return false;
    return mechanism == spec->mechanism ||
           error_set(e, ERROR_UNFIT, "the certificate's key is of another type than the token's");
}
