/* SPDX-License-Identifier: Apache-2.0 */
#include "cert/rules.h"

#include <string.h>

enum { SMALLEST_CURVE = 256 };

static bool say(bool accepted, const char *text, const char **why)
{
    *why = text;
    return accepted;
}

bool rules_key(const char *curve, unsigned bits, const char **why)
{
    static const char *const curves[] = {"P-256", "P-384", "P-521"};

    if (*curve == '\0' && bits == 0)
        return say(false, "its size is not known", why);
    if (*curve == '\0')
        return bits >= RULES_RSA_BITS
                   ? say(true, "CAs accept it", why)
                   : say(false, "too small: CAs want RSA of 3072 bits or more", why);
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
        if (strcmp(curve, curves[i]) == 0)
            return say(true, "CAs accept it", why);
    return say(false, "CAs accept only RSA, P-256, P-384 and P-521", why);
}

bool rules_token(unsigned long rsa_bits, unsigned long ec_bits, const char **why)
{
    if (rsa_bits >= RULES_RSA_BITS || ec_bits >= SMALLEST_CURVE)
        return say(true, "it can hold keys that CAs accept", why);
    if (rsa_bits > 0)
        return say(false,
                   "no CA may issue for it any more: its RSA keys end below 3072 bits, and it has "
                   "no elliptic curves",
                   why);
    return say(false, "it does not tell that it can sign with RSA or elliptic curves", why);
}
