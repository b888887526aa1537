/* SPDX-License-Identifier: Apache-2.0 */
#include "cert/lint.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/text.h"
#include "cert/name.h"
#include "cert/roca.h"
#include "cert/rules.h"
#include "cert/view.h"

/* identifier, level, name, where it stands */
#define RULES(X)                                                                                   \
    X(KEY_SIZE, LINT_ERROR, "key-size", "CSBR 6.1.5.2")                                            \
    X(KEY_TYPE, LINT_ERROR, "key-type", "CSBR 6.1.5.2")                                            \
    X(CURVE, LINT_ERROR, "curve", "CSBR 6.1.5.2")                                                  \
    X(EXPONENT, LINT_ERROR, "exponent", "CSBR 6.1.6")                                              \
    X(EXPONENT_RANGE, LINT_WARNING, "exponent-range", "CSBR 6.1.6")                                \
    X(MODULUS, LINT_ERROR, "modulus", "CSBR 6.1.6")                                                \
    X(POINT, LINT_ERROR, "public-point", "CSBR 6.1.6")                                             \
    X(ROCA, LINT_ERROR, "roca", "CSBR 6.1.1.3 (3), CVE-2017-15361")                                \
    X(EXTRACTABLE, LINT_ERROR, "key-extractable", "CSBR 6.2.7.4.2")                                \
    X(NOT_SENSITIVE, LINT_ERROR, "key-not-sensitive", "CSBR 6.2.7.4.2")                            \
    X(IMPORTED, LINT_WARNING, "key-imported", "CSBR 6.2.7.4.2")                                    \
    X(UNTOLD, LINT_WARNING, "key-untold", "CSBR 6.2.7.4.2")                                        \
    X(DIGEST, LINT_ERROR, "weak-digest", "CSBR 7.1.3.2")                                           \
    X(NO_COMMON_NAME, LINT_ERROR, "common-name", "CSBR 7.1.4.2.2 a")                               \
    X(OTHER_COMMON_NAME, LINT_WARNING, "common-name-differs", "CSBR 7.1.4.2.2 a")                  \
    X(UNIT, LINT_WARNING, "unit", "CSBR 7.1.4.2.2 b")                                              \
    X(DOMAIN, LINT_ERROR, "domain-component", "CSBR 7.1.4.2.2 c")                                  \
    X(METADATA, LINT_ERROR, "placeholder", "CSBR 7.1.4.2.2 d")                                     \
    X(NO_ORGANIZATION, LINT_ERROR, "organization", "CSBR 7.1.4.2.3 a")                             \
    X(NO_PLACE, LINT_ERROR, "place", "CSBR 7.1.4.2.3 c, d")                                        \
    X(NO_COUNTRY, LINT_ERROR, "country", "CSBR 7.1.4.2.3 f")                                       \
    X(COUNTRY_CODE, LINT_ERROR, "country-code", "CSBR 7.1.4.2.3 f, ISO 3166-1")                    \
    X(SUBJECT, LINT_ERROR, "subject", "CSBR 7.1.2.4, RFC 5280 appendix A.1")

enum rule {
#define X(rule, level, name, section) rule,
    RULES(X)
#undef X
        RULE_COUNT
};

static const struct {
    enum lint_level level;
    const char *name, *section;
} rules[] = {
#define X(rule, level, name, section) [rule] = {level, name, section},
    RULES(X)
#undef X
};

static void find(struct lint *out, enum rule rule, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void find(struct lint *out, enum rule rule, const char *format, ...)
{
    struct lint_finding *f;
    va_list args;

    if (out->count == LINT_MOST)
        return;
    f = &out->finding[out->count++];
    *f = (struct lint_finding){
        .level = rules[rule].level, .rule = rules[rule].name, .section = rules[rule].section};
    va_start(args, format);
    vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
    text_make_printable(f->text);
}

/* The officially assigned codes of ISO 3166-1 alpha-2, and XX, which the CA/Browser Forum has for
 * what is not among them. */
static bool is_country(const char *code)
{
    static const char codes[] =
        "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ "
        "BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM "
        "DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS "
        "GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN "
        "KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ "
        "MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM "
        "PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV "
        "SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI "
        "VN VU WF WS XX YE YT ZA ZM ZW";

    for (const char *at = codes; strlen(at) >= 2; at += at[2] == '\0' ? 2 : 3)
        if (strlen(code) == 2 && memcmp(at, code, 2) == 0)
            return true;
    return false;
}

static void look_at_country(const X509_NAME *subject, struct lint *out)
{
    char *c = name_value(subject, NID_countryName);

    if (c == NULL)
        find(out, NO_COUNTRY, "the subject has no country (C)");
    else if (!is_country(c))
        find(out, COUNTRY_CODE, "'%s' is no country of ISO 3166-1, in capitals (DE, US)", c);
    free(c);
}

static void look_at_organization(const X509_NAME *subject, struct lint *out)
{
    char *cn = name_value(subject, NID_commonName), *o = name_value(subject, NID_organizationName);

    if (o == NULL)
        find(out, NO_ORGANIZATION,
             "the subject has no organization (O); a person's name stands there too");
    if (cn == NULL)
        find(out, NO_COMMON_NAME, "the subject has no common name (CN): the legal name, as in O");
    else if (o != NULL && strcmp(cn, o) != 0)
        find(out, OTHER_COMMON_NAME,
             "CN '%.60s' is not O '%.60s'; CAs put the verified legal name into both", cn, o);
    free(cn);
    free(o);
}

/* Values that say that there is none, and those that OpenSSL proposes. */
static bool is_placeholder(const char *value)
{
    static const char *const words[] = {"n/a",
                                        "none",
                                        "null",
                                        "unknown",
                                        "Some-State",
                                        "Default City",
                                        "Default Company Ltd",
                                        "Internet Widgits Pty Ltd"};

    if (value[strspn(value, ".- _*?")] == '\0')
        return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(value, words[i]) == 0)
            return true;
    return false;
}

static void look_at_values(const X509_NAME *subject, struct lint *out)
{
    static const struct {
        int nid;
        const char *name;
    } parts[] = {{NID_commonName, "CN"},
                 {NID_organizationName, "O"},
                 {NID_organizationalUnitName, "OU"},
                 {NID_localityName, "L"},
                 {NID_stateOrProvinceName, "ST"},
                 {NID_streetAddress, "street"},
                 {NID_postalCode, "postalCode"}};

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char *value = name_value(subject, parts[i].nid);

        if (value != NULL && is_placeholder(value))
            find(out, METADATA,
                 "%s '%.60s' stands for no value; leave it out or write the real one",
                 parts[i].name, value);
        free(value);
    }
}

static bool has(const X509_NAME *subject, int nid)
{
    return X509_NAME_get_index_by_NID(subject, nid, -1) >= 0;
}

static void look_at_subject(const X509_NAME *subject, struct lint *out)
{
    struct error e = ERROR_INIT;

    if (!name_check(subject, &e))
        find(out, SUBJECT, "%s", e.text);
    look_at_country(subject, out);
    look_at_organization(subject, out);
    if (!has(subject, NID_localityName) && !has(subject, NID_stateOrProvinceName))
        find(out, NO_PLACE, "the subject has neither a locality (L) nor a state or province (ST)");
    if (has(subject, NID_organizationalUnitName))
        find(out, UNIT, "OU: CAs must prove what stands there, and most leave it out");
    if (has(subject, NID_domainComponent))
        find(out, DOMAIN, "DC may not stand in a code-signing certificate");
    look_at_values(subject, out);
}

static void look_at_exponent(const BIGNUM *e, struct lint *out)
{
    enum { LARGEST_BITS = 256, SMALLEST = 65537 };

    if (!BN_is_odd(e) || BN_is_one(e))
        find(out, EXPONENT, "the public exponent must be odd, and 3 or more");
    else if (BN_num_bits(e) > LARGEST_BITS || BN_get_word(e) < SMALLEST)
        find(out, EXPONENT_RANGE,
             "the public exponent should be from 65537 to 2^256 - 1; most CAs want 65537");
}

/* SP 800-89 section 5.3.3: no factor below 752. */
static void look_at_modulus(const BIGNUM *n, struct lint *out)
{
    enum { FACTORS_END = 752 };

    for (unsigned d = 2; d < FACTORS_END; d++)
        if (BN_mod_word(n, d) == 0) {
            find(out, MODULUS, "the modulus can be divided by %u: it is no RSA modulus", d);
            return;
        }
    if (roca_has_fingerprint(n))
        find(out, ROCA,
             "the key was made by Infineon's weak method (ROCA), and can be computed from its "
             "public half; make a new one, on another device or newer firmware");
}

static void look_at_rsa(EVP_PKEY *key, struct lint *out)
{
    BIGNUM *n = NULL, *e = NULL;

    if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
        EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1) {
        look_at_exponent(e, out);
        look_at_modulus(n, out);
    } else {
        find(out, KEY_TYPE, "the RSA key cannot be read");
    }
    BN_free(n);
    BN_free(e);
}

/* SP 800-56A section 5.6.2.3 */
static void look_at_point(EVP_PKEY *key, struct lint *out)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

    if (ctx == NULL || EVP_PKEY_public_check(ctx) != 1)
        find(out, POINT, "the public key is no point of its curve");
    EVP_PKEY_CTX_free(ctx);
}

static void look_at_key(EVP_PKEY *key, struct lint *out)
{
    int type = EVP_PKEY_get_base_id(key);
    bool rsa = type == EVP_PKEY_RSA;
    char *name = cert_key_text(key);
    const char *why;

    if (name == NULL || (!rsa && type != EVP_PKEY_EC)) {
        find(out, KEY_TYPE, "%s keys are not accepted; RSA, P-256, P-384 and P-521 are",
             name == NULL ? "such" : name);
    } else {
        if (!rules_key(rsa ? "" : name, rsa ? (unsigned)EVP_PKEY_get_bits(key) : 0, &why))
            find(out, rsa ? KEY_SIZE : CURVE, "%s: %s", name, why);
        if (rsa)
            look_at_rsa(key, out);
        else
            look_at_point(key, out);
    }
    free(name);
}

static void look_at_facts(const struct lint_key *facts, struct lint *out)
{
    if (facts->not_looked)
        return;
    if (facts->extractable == 1)
        find(out, EXTRACTABLE,
             "the key may leave its device (CKA_EXTRACTABLE); make one that may not");
    if (facts->sensitive == 0)
        find(out, NOT_SENSITIVE,
             "the key can be read in clear (CKA_SENSITIVE is false); make one that cannot");
    if (facts->attested)
        return;
    if (facts->local == 0)
        find(out, IMPORTED,
             "the key was not made on this token, as the token says: copies may exist, and CAs "
             "want keys that were made in hardware");
    else if (facts->extractable == 0 && facts->never_extractable == 0)
        find(out, IMPORTED, "the key was extractable once: copies may exist");
    if (facts->extractable == LINT_UNKNOWN || facts->local == LINT_UNKNOWN)
        find(out, UNTOLD, "the token does not tell %s",
             facts->extractable == LINT_UNKNOWN ? "whether the key may leave it"
                                                : "where the key was made");
}

/* Errors first, each in the order in which they were found. */
static void sort(struct lint *out)
{
    struct lint sorted = {.count = 0};

    for (int level = LINT_ERROR; level >= LINT_WARNING; level--)
        for (size_t i = 0; i < out->count; i++)
            if (out->finding[i].level == (enum lint_level)level)
                sorted.finding[sorted.count++] = out->finding[i];
    *out = sorted;
}

void lint_request(const X509_NAME *subject, EVP_PKEY *key, int digest, const struct lint_key *facts,
                  struct lint *out)
{
    out->count = 0;
    look_at_subject(subject, out);
    look_at_key(key, out);
    if (digest != NID_sha256 && digest != NID_sha384 && digest != NID_sha512)
        find(out, DIGEST, "%s is not accepted; SHA-256, SHA-384 and SHA-512 are",
             digest == NID_undef ? "a signature without a digest of its own" : OBJ_nid2ln(digest));
    look_at_facts(facts, out);
    sort(out);
    ERR_clear_error();
}

const char *lint_level_name(enum lint_level level)
{
    return level == LINT_ERROR ? "error" : "warning";
}

const char *lint_rule(size_t index)
{
    return index < RULE_COUNT ? rules[index].name : NULL;
}

bool lint_is_rule(const char *rule)
{
    for (size_t i = 0; i < RULE_COUNT; i++)
        if (strcmp(rules[i].name, rule) == 0)
            return true;
    return false;
}
