/* SPDX-License-Identifier: Apache-2.0 */
#include "cert/name.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/text.h"

/* Names as people write them; the ASN.1 type; the upper bound in characters (X.520 annex C, for
 * emailAddress PKCS #9, for DC the length of a DNS label, for UID what RFC 4524 has); whether it
 * may stand several times. */
static const struct part_kind {
    const char *names[3];
    int nid, type;
    size_t most;
    bool several;
} kinds[] = {
    {{"CN", "commonName"}, NID_commonName, V_ASN1_UTF8STRING, 64, false},
    {{"O", "organizationName"}, NID_organizationName, V_ASN1_UTF8STRING, 64, false},
    {{"OU", "organizationalUnitName"}, NID_organizationalUnitName, V_ASN1_UTF8STRING, 64, true},
    {{"C", "countryName"}, NID_countryName, V_ASN1_PRINTABLESTRING, 2, false},
    {{"ST", "stateOrProvinceName", "S"}, NID_stateOrProvinceName, V_ASN1_UTF8STRING, 128, false},
    {{"L", "localityName"}, NID_localityName, V_ASN1_UTF8STRING, 128, false},
    {{"street", "streetAddress"}, NID_streetAddress, V_ASN1_UTF8STRING, 128, true},
    {{"postalCode"}, NID_postalCode, V_ASN1_UTF8STRING, 40, false},
    {{"serialNumber"}, NID_serialNumber, V_ASN1_PRINTABLESTRING, 64, false},
    {{"emailAddress", "E"}, NID_pkcs9_emailAddress, V_ASN1_IA5STRING, 255, false},
    {{"DC", "domainComponent"}, NID_domainComponent, V_ASN1_IA5STRING, 63, true},
    {{"UID", "userId"}, NID_userId, V_ASN1_UTF8STRING, 256, false},
    {{"GN", "givenName"}, NID_givenName, V_ASN1_UTF8STRING, 64, false},
    {{"SN", "surname"}, NID_surname, V_ASN1_UTF8STRING, 64, false},
    {{"title"}, NID_title, V_ASN1_UTF8STRING, 64, false},
    {{"businessCategory"}, NID_businessCategory, V_ASN1_UTF8STRING, 128, false},
    {{"organizationIdentifier"}, NID_organizationIdentifier, V_ASN1_UTF8STRING, 256, false},
    {{"jurisdictionC", "jurisdictionCountryName"},
     NID_jurisdictionCountryName,
     V_ASN1_PRINTABLESTRING,
     2,
     false},
    {{"jurisdictionST", "jurisdictionStateOrProvinceName"},
     NID_jurisdictionStateOrProvinceName,
     V_ASN1_UTF8STRING,
     128,
     false},
    {{"jurisdictionL", "jurisdictionLocalityName"},
     NID_jurisdictionLocalityName,
     V_ASN1_UTF8STRING,
     128,
     false},
};
enum { KINDS = sizeof kinds / sizeof *kinds, ALIASES = 3 };

struct parser {
    const char *text;
    size_t length, at;
    bool slashes; /* the notation that begins with one */
};

static const struct part_kind *kind_of(const char *word)
{
    for (size_t i = 0; i < KINDS; i++)
        for (size_t n = 0; n < ALIASES && kinds[i].names[n] != NULL; n++)
            if (strcasecmp(word, kinds[i].names[n]) == 0)
                return &kinds[i];
    return NULL;
}

/* By its number, which every attribute has. */
static const struct part_kind *kind_by_object(const ASN1_OBJECT *object)
{
    int nid = OBJ_obj2nid(object);

    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].nid == nid)
            return &kinds[i];
    return NULL;
}

/* In characters, from 1. */
static size_t position(const struct parser *p, size_t at)
{
    size_t count = 1;

    for (size_t i = 0; i < at; i++)
        count += ((unsigned char)p->text[i] & 0xc0) != 0x80;
    return count;
}

static bool refuse(const struct parser *p, size_t at, struct error *e, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static bool refuse(const struct parser *p, size_t at, struct error *e, const char *format, ...)
{
    char reason[256];
    va_list args;

    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    return error_set(e, ERROR_USAGE, "subject, character %zu: %s", position(p, at), reason);
}

/* X.680 section 41.4 */
static bool is_printable_string(const struct buffer *value)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                              " '()+,-./:=?";

    for (size_t i = 0; i < value->length; i++)
        if (memchr(set, value->data[i], sizeof set - 1) == NULL)
            return false;
    return true;
}

static bool is_ia5(const struct buffer *value)
{
    for (size_t i = 0; i < value->length; i++)
        if (value->data[i] >= 0x80)
            return false;
    return true;
}

/* Control characters are what a terminal must not see. */
static bool is_clean(const struct buffer *value)
{
    struct buffer shown = BUFFER_INIT;
    bool clean;

    text_append_printable(&shown, value->data, value->length);
    clean = !shown.failed && shown.length == value->length;
    buffer_free(&shown);
    return clean;
}

static size_t characters(const struct buffer *value)
{
    size_t count = 0;

    for (size_t i = 0; i < value->length; i++)
        count += (value->data[i] & 0xc0) != 0x80;
    return count;
}

/* NULL, or what is wrong with a value; `why` is room for it. */
static const char *judge(const struct part_kind *kind, const struct buffer *value, char *why,
                         size_t size)
{
    const char *name = kind->names[0];

    if (value->length == 0)
        snprintf(why, size, "%s is empty; leave it out", name);
    else if (memchr(value->data, 0, value->length) != NULL)
        snprintf(why, size, "%s has a NUL in it", name);
    else if (!text_is_utf8(value->data, value->length))
        snprintf(why, size, "%s is not UTF-8", name);
    else if (!is_clean(value))
        snprintf(why, size, "%s has a control character in it", name);
    else if ((kind->nid == NID_countryName || kind->nid == NID_jurisdictionCountryName) &&
             characters(value) != kind->most)
        snprintf(why, size, "%s is the two letters of a country, such as DE", name);
    else if (characters(value) > kind->most)
        snprintf(why, size, "%s has %zu characters; %zu are allowed", name, characters(value),
                 kind->most);
    else if (kind->type == V_ASN1_PRINTABLESTRING && !is_printable_string(value))
        snprintf(why, size, "%s may have only letters, digits, blanks and '()+,-./:=?", name);
    else if (kind->type == V_ASN1_IA5STRING && !is_ia5(value))
        snprintf(why, size, "%s may have only ASCII characters", name);
    else
        return NULL;
    return why;
}

static const char *judge_repeat(const X509_NAME *name, const struct part_kind *kind, char *why,
                                size_t size)
{
    if (X509_NAME_entry_count(name) >= NAME_PARTS_MAX)
        snprintf(why, size, "more than %d attributes", NAME_PARTS_MAX);
    else if (!kind->several && X509_NAME_get_index_by_NID(name, kind->nid, -1) >= 0)
        snprintf(why, size, "%s stands twice", kind->names[0]);
    else
        return NULL;
    return why;
}

static bool add(X509_NAME *name, const struct part_kind *kind, const struct buffer *value,
                struct error *e)
{
    return X509_NAME_add_entry_by_NID(name, kind->nid, kind->type, value->data, (int)value->length,
                                      -1, 0) == 1 ||
           error_set_openssl(e, ERROR_SYSTEM, "cannot encode %s", kind->names[0]);
}

static void skip_blanks(struct parser *p)
{
    while (p->at < p->length && p->text[p->at] == ' ')
        p->at++;
}

static bool unknown_kind(const struct parser *p, size_t start, const char *word, struct error *e)
{
    const char *words[KINDS], *near;

    for (size_t i = 0; i < KINDS; i++)
        words[i] = kinds[i].names[0];
    near = text_nearest(word, words, KINDS);
    if (near != NULL)
        return refuse(p, start, e, "there is no attribute '%s'; did you mean %s?", word, near);
    return refuse(p, start, e, "there is no attribute '%s'; usual are C, ST, L, O, OU, CN", word);
}

/* An attribute's name or number, and the '=' behind it. */
static bool parse_kind(struct parser *p, const struct part_kind **kind, struct error *e)
{
    char word[48] = "";
    size_t start, end;
    ASN1_OBJECT *object;

    skip_blanks(p);
    start = end = p->at;
    while (end < p->length && strchr("=,/+;\\", p->text[end]) == NULL)
        end++;
    if (end >= p->length || p->text[end] != '=')
        return refuse(p, start, e, "an attribute such as CN= is missing; inside a value, %s",
                      p->slashes ? "write \\/ for a slash" : "write \\, for a comma");
    p->at = end + 1;
    while (end > start && p->text[end - 1] == ' ')
        end--;
    if (end == start || end - start >= sizeof word ||
        memchr(p->text + start, 0, end - start) != NULL)
        return refuse(p, start, e, "this is no attribute; usual are C, ST, L, O, OU, CN");
    memcpy(word, p->text + start, end - start);
    object = word[0] >= '0' && word[0] <= '9' ? OBJ_txt2obj(word, 1) : NULL;
    *kind = object != NULL ? kind_by_object(object) : kind_of(word);
    ASN1_OBJECT_free(object);
    ERR_clear_error();
    return *kind != NULL || unknown_kind(p, start, word, e);
}

/* What follows a backslash: RFC 4514 section 2.4; with slashes, the character itself. */
static bool parse_escape(struct parser *p, struct buffer *value, struct error *e)
{
    size_t start = p->at++, got;
    char pair[3] = "";
    uint8_t byte;

    if (p->at >= p->length)
        return refuse(p, start, e, "a backslash at the end");
    if (p->slashes || (p->text[p->at] != '\0' && strchr(" \"#+,;<=>\\", p->text[p->at]) != NULL)) {
        buffer_append_byte(value, (uint8_t)p->text[p->at++]);
        return true;
    }
    memcpy(pair, p->text + p->at, p->length - p->at < 2 ? 1 : 2);
    if (strlen(pair) != 2 || !text_unhex(pair, &byte, 1, &got))
        return refuse(p, start, e,
                      "after a backslash stands one of \"#+,;<=>\\ or two hexadecimal digits");
    buffer_append_byte(value, byte);
    p->at += 2;
    return true;
}

/* A character that ends the value, or must not stand in it as it is. */
static bool special(const struct parser *p, char c, bool *ends, struct error *e)
{
    *ends = c == (p->slashes ? '/' : ',');
    if (c == '+')
        return refuse(p, p->at, e,
                      "'+' joins two attributes into one RDN, which CAs do not take; a plus sign "
                      "is written \\+");
    if (!p->slashes && c != '\0' && strchr("\";<>", c) != NULL)
        return refuse(p, p->at, e, "'%c' is written \\%c inside a value (RFC 4514)", c, c);
    return true;
}

static bool parse_value(struct parser *p, struct buffer *value, struct error *e)
{
    size_t keep = 0; /* unescaped blanks at the end are not of the value */
    bool ends = false;

    if (!p->slashes)
        skip_blanks(p);
    if (!p->slashes && p->at < p->length && p->text[p->at] == '#')
        return refuse(p, p->at, e, "values in hexadecimal are not taken; '#' is written \\#");
    while (p->at < p->length) {
        char c = p->text[p->at];

        if (c == '\\') {
            if (!parse_escape(p, value, e))
                return false;
            keep = value->length;
            continue;
        }
        if (!special(p, c, &ends, e))
            return false;
        if (ends)
            break;
        buffer_append_byte(value, (uint8_t)c);
        p->at++;
        if (c != ' ' || p->slashes)
            keep = value->length;
    }
    if (!value->failed)
        value->length = keep;
    return buffer_ok(value, e);
}

static bool parse_part(struct parser *p, X509_NAME *name, struct error *e)
{
    const struct part_kind *kind = NULL;
    struct buffer value = BUFFER_INIT;
    const char *wrong = NULL;
    char why[192];
    size_t start;
    bool good;

    if (!parse_kind(p, &kind, e))
        return false;
    start = p->at;
    good = parse_value(p, &value, e);
    if (good)
        wrong = judge(kind, &value, why, sizeof why);
    if (good && wrong == NULL)
        wrong = judge_repeat(name, kind, why, sizeof why);
    if (wrong != NULL)
        good = refuse(p, start, e, "%s", wrong);
    good = good && add(name, kind, &value, e);
    buffer_free(&value);
    return good;
}

/* Parts in the order in which they are written. */
static bool parse_parts(struct parser *p, X509_NAME *name, struct error *e)
{
    p->slashes = p->text[0] == '/';
    p->at = p->slashes ? 1 : 0;
    for (;;) {
        if (!parse_part(p, name, e))
            return false;
        if (p->at >= p->length)
            return true;
        p->at++; /* the separator */
    }
}

static int nid_at(const X509_NAME *name, int index)
{
    return OBJ_obj2nid(X509_NAME_ENTRY_get_object(X509_NAME_get_entry(name, index)));
}

/* As certificates are shown, the country first. */
static bool is_in_order(const X509_NAME *name)
{
    return nid_at(name, 0) == NID_countryName &&
           nid_at(name, X509_NAME_entry_count(name) - 1) != NID_countryName;
}

static X509_NAME *reversed(const X509_NAME *name, struct error *e)
{
    X509_NAME *other = X509_NAME_new();
    bool good = other != NULL;

    for (int i = X509_NAME_entry_count(name) - 1; i >= 0 && good; i--)
        good = X509_NAME_add_entry(other, X509_NAME_get_entry(name, i), -1, 0) == 1;
    if (good)
        return other;
    X509_NAME_free(other);
    error_set_memory(e);
    return NULL;
}

X509_NAME *name_parse(const void *text, size_t length, struct error *e)
{
    struct parser p = {.text = text, .length = length};
    X509_NAME *name, *other;

    if (length == 0 || length > NAME_TEXT_MAX) {
        error_set(e, ERROR_USAGE,
                  length == 0 ? "the subject is empty; write one such as /C=DE/L=Bonn/O=Example "
                                "AG/CN=Example AG"
                              : "the subject is longer than %d bytes",
                  NAME_TEXT_MAX);
        return NULL;
    }
    name = X509_NAME_new();
    if (name == NULL) {
        error_set_memory(e);
        return NULL;
    }
    if (parse_parts(&p, name, e)) {
        if (p.slashes || is_in_order(name))
            return name;
        other = reversed(name, e);
        X509_NAME_free(name);
        return other;
    }
    X509_NAME_free(name);
    return NULL;
}

/* One part of a name from elsewhere, added to `out`. */
static bool take_entry(const X509_NAME *name, int index, X509_NAME *out, struct error *e)
{
    const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, index);
    const struct part_kind *kind = kind_by_object(X509_NAME_ENTRY_get_object(entry));
    struct buffer value = BUFFER_INIT;
    const char *wrong = NULL;
    char why[192], number[64];
    uint8_t *utf8 = NULL;
    int length;
    bool good;

    OBJ_obj2txt(number, sizeof number, X509_NAME_ENTRY_get_object(entry), 0);
    if (kind == NULL)
        return error_set(e, ERROR_UNFIT, "its subject has an attribute '%s' that is not known",
                         number);
    if (index > 0 &&
        X509_NAME_ENTRY_set(entry) == X509_NAME_ENTRY_set(X509_NAME_get_entry(name, index - 1)))
        return error_set(e, ERROR_UNFIT, "its subject has two attributes in one RDN");
    length = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry));
    if (length > 0)
        buffer_append(&value, utf8, (size_t)length);
    if (length < 0)
        wrong = "it cannot be decoded";
    if (wrong == NULL)
        wrong = judge(kind, &value, why, sizeof why);
    if (wrong == NULL)
        wrong = judge_repeat(out, kind, why, sizeof why);
    good = wrong == NULL ? buffer_ok(&value, e) && add(out, kind, &value, e)
                         : error_set(e, ERROR_UNFIT, "its subject: %s: %s", kind->names[0], wrong);
    OPENSSL_free(utf8);
    buffer_free(&value);
    ERR_clear_error();
    return good;
}

static X509_NAME *encode_anew(const X509_NAME *name, struct error *e)
{
    X509_NAME *out = X509_NAME_new();
    int count = X509_NAME_entry_count(name);
    bool good = out != NULL || error_set_memory(e);

    if (good && count == 0)
        good = error_set(e, ERROR_UNFIT, "its subject is empty");
    for (int i = 0; i < count && good; i++)
        good = take_entry(name, i, out, e);
    if (good)
        return out;
    X509_NAME_free(out);
    return NULL;
}

X509_NAME *name_from_certificate(const X509 *x, struct error *e)
{
    return encode_anew(X509_get_subject_name(x), e);
}

bool name_check(const X509_NAME *name, struct error *e)
{
    X509_NAME *out = encode_anew(name, e);
    bool good = out != NULL;

    X509_NAME_free(out);
    return good;
}

char *name_value(const X509_NAME *name, int nid)
{
    int at = X509_NAME_get_index_by_NID(name, nid, -1);
    uint8_t *utf8 = NULL;
    char *text = NULL;
    int length;

    if (at < 0)
        return NULL;
    length = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (length >= 0)
        text = text_printable(utf8, (size_t)length);
    OPENSSL_free(utf8);
    ERR_clear_error();
    return text;
}
