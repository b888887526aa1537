/* SPDX-License-Identifier: Apache-2.0 */
/* Values of a profile's keys: checked, stored, told. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "gate/pin_source.h"
#include "profiles/schema.h"
#include "token/uri.h"

enum {
    SECOND = 1000,
    MINUTE = 60 * SECOND,
    HOUR = 60 * MINUTE,
    MOST_ITEMS = 1000,
    LONGEST_NAME = 64,
};

static bool wrong(char *why, size_t size, const char *what)
{
    snprintf(why, size, "%s", what);
    return false;
}

static bool set_choice(const struct schema_key *k, int64_t *out, const char *value, char *why,
                       size_t size)
{
    size_t used = (size_t)snprintf(why, size, "one of");

    for (int64_t i = 0; k->choices[i] != NULL; i++) {
        if (strcmp(k->choices[i], value) == 0) {
            *out = i;
            return true;
        }
        if (used < size)
            used +=
                (size_t)snprintf(why + used, size - used, "%s %s", i > 0 ? "," : "", k->choices[i]);
    }
    return false;
}

static bool set_boolean(int64_t *out, const char *value, char *why, size_t size)
{
    if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
        return wrong(why, size, "true or false");
    *out = *value == 't';
    return true;
}

static bool parse_number(const char *value, int64_t *number, const char **rest)
{
    char *end;

    if (!isdigit((unsigned char)*value))
        return false;
    errno = 0;
    *number = strtoll(value, &end, 10);
    *rest = end;
    return errno == 0;
}

static bool set_integer(const struct schema_key *k, int64_t *out, const char *value, char *why,
                        size_t size)
{
    const char *rest;
    int64_t number;

    if (parse_number(value, &number, &rest) && *rest == '\0' && number >= k->minimum &&
        number <= k->maximum) {
        *out = number;
        return true;
    }
    if (k->minimum == k->maximum)
        snprintf(why, size, "%lld, the version that this Signet reads", (long long)k->minimum);
    else
        snprintf(why, size, "a whole number from %lld to %lld", (long long)k->minimum,
                 (long long)k->maximum);
    return false;
}

static void format_duration(int64_t ms, char *out, size_t size)
{
    if (ms % HOUR == 0 && ms > 0)
        snprintf(out, size, "%lldh", (long long)(ms / HOUR));
    else if (ms % MINUTE == 0 && ms > 0)
        snprintf(out, size, "%lldm", (long long)(ms / MINUTE));
    else if (ms % SECOND == 0)
        snprintf(out, size, "%llds", (long long)(ms / SECOND));
    else
        snprintf(out, size, "%lldms", (long long)ms);
}

static bool set_duration(const struct schema_key *k, int64_t *out, const char *value, char *why,
                         size_t size)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", SECOND}, {"m", MINUTE}, {"h", HOUR}};
    char least[32], most[32];
    const char *rest;
    int64_t number;

    if (parse_number(value, &number, &rest))
        for (size_t i = 0; i < sizeof units / sizeof *units; i++)
            if (strcmp(rest, units[i].unit) == 0 && number <= k->maximum / units[i].ms &&
                number * units[i].ms >= k->minimum) {
                *out = number * units[i].ms;
                return true;
            }
    format_duration(k->minimum, least, sizeof least);
    format_duration(k->maximum, most, sizeof most);
    snprintf(why, size, "a time from %s to %s, as in 10s, 5m, 1h", least, most);
    return false;
}

static bool check_name(const char *value, char *why, size_t size)
{
    for (const char *at = value; *at != '\0'; at++)
        if (!isalnum((unsigned char)*at) && strchr("-_.", *at) == NULL)
            return wrong(why, size, "a name of letters, digits, '-', '_' and '.'");
    if (strlen(value) > LONGEST_NAME)
        return wrong(why, size, "a name of at most 64 characters");
    return value[0] != '.' || wrong(why, size, "a name that does not begin with a dot");
}

static bool check_uri(const char *value, char *why, size_t size)
{
    struct error e = ERROR_INIT;
    struct token_uri *uri;

    if (!token_uri_is(value))
        return wrong(why, size, "a pkcs11: URI, as signet objects prints it");
    if (strcasestr(value, "pin-value") != NULL || strcasestr(value, "pin-source") != NULL)
        return wrong(why, size, "a URI without a PIN; say where the PIN comes from with pin");
    uri = token_uri_parse(value, &e);
    if (uri == NULL)
        return wrong(why, size, "a pkcs11: URI (RFC 7512); this one cannot be read");
    token_uri_free(&uri);
    return true;
}

static bool check_certificate(const char *value, char *why, size_t size)
{
    uint8_t bytes[32];
    size_t length;

    if (token_uri_is(value))
        return wrong(why, size, "sha256: and 64 hex digits, or the path of a file; not a URI");
    if (strncasecmp(value, "sha256:", 7) != 0)
        return true;
    return (text_unhex(value + 7, bytes, sizeof bytes, &length) && length == sizeof bytes) ||
           wrong(why, size, "sha256: and 64 hex digits, or the path of a file");
}

static bool check_module(const char *value, char *why, size_t size)
{
    return !token_uri_is(value) || wrong(why, size, "p11-kit's name of a module, or a path");
}

static bool check_http(const char *value, char *why, size_t size)
{
    const char *host = strncmp(value, "http://", 7) == 0    ? value + 7
                       : strncmp(value, "https://", 8) == 0 ? value + 8
                                                            : "";
    bool http = *host != '\0' && *host != '/';

    for (const char *at = value; *at != '\0'; at++)
        http = http && (unsigned char)*at > 0x20 && (unsigned char)*at < 0x7f;
    return http || wrong(why, size, "an http:// or https:// address in ASCII");
}

static bool check_pin(const char *value, char *why, size_t size)
{
    struct pin_source *source = pin_source_parse(value, NULL);

    if (source == NULL)
        return wrong(
            why, size,
            "where the PIN comes from: prompt, env:NAME, file:PATH, fd:N, credential:NAME, "
            "command:…, pinpad; never the PIN itself");
    pin_source_free(&source);
    return true;
}

/* Neither a terminal nor the window in which Windows asks for permission is to be fooled. */
static bool is_printable(const char *value)
{
    char *printable = text_printable(value, strlen(value));
    bool same = printable != NULL && strcmp(printable, value) == 0;

    free(printable);
    return same;
}

bool schema_fits(const struct schema_key *k, const char *value, char *why, size_t size)
{
    if (*value == '\0')
        return wrong(why, size, "something; leave the key out for nothing");
    if (strcasestr(value, "pin-value=") != NULL)
        return wrong(why, size, "a text without a PIN; say where the PIN comes from with pin");
    if (!is_printable(value))
        return wrong(why, size, "a text without control characters and line breaks");
    switch (k->type) {
    case SCHEMA_NAME:
        return check_name(value, why, size);
    case SCHEMA_MODULE:
        return check_module(value, why, size);
    case SCHEMA_URI:
        return check_uri(value, why, size);
    case SCHEMA_CERTIFICATE:
        return check_certificate(value, why, size);
    case SCHEMA_PIN:
        return check_pin(value, why, size);
    case SCHEMA_HTTP:
    case SCHEMA_LIST_OF_HTTP:
        return check_http(value, why, size);
    default:
        return true;
    }
}

bool schema_may_show(const struct schema_key *k, const char *value)
{
    bool uri = token_uri_is(value) || k->type == SCHEMA_URI;

    /* An address may have a password for its server. */
    if ((k->type == SCHEMA_HTTP || k->type == SCHEMA_LIST_OF_HTTP) && strchr(value, '@') != NULL)
        return false;
    return k->type != SCHEMA_PIN && strcasestr(value, "pin-value") == NULL &&
           !(uri && (strcasestr(value, "pin") != NULL || strchr(value, '?') != NULL));
}

static bool append(struct profile_list *list, const char *value, char *why, size_t size)
{
    char **grown;

    if (list->count == MOST_ITEMS)
        return wrong(why, size, "a list of at most 1000 items");
    grown = realloc(list->item, (list->count + 1) * sizeof *grown);
    if (grown == NULL)
        return wrong(why, size, "no memory");
    list->item = grown;
    grown[list->count] = strdup(value);
    if (grown[list->count] == NULL)
        return wrong(why, size, "no memory");
    list->count++;
    return true;
}

bool schema_set(const struct schema_key *k, struct profile *p, const char *value, char *why,
                size_t size)
{
    char *copy;

    switch (k->type) {
    case SCHEMA_CHOICE:
        return set_choice(k, schema_number(k, p), value, why, size);
    case SCHEMA_BOOLEAN:
        return set_boolean(schema_number(k, p), value, why, size);
    case SCHEMA_INTEGER:
        return set_integer(k, schema_number(k, p), value, why, size);
    case SCHEMA_DURATION:
        return set_duration(k, schema_number(k, p), value, why, size);
    default:
        break;
    }
    if (!schema_fits(k, value, why, size))
        return false;
    if (schema_is_list(k))
        return append(schema_list(k, p), value, why, size);
    copy = strdup(value);
    if (copy == NULL)
        return wrong(why, size, "no memory");
    free(*schema_text(k, p));
    *schema_text(k, p) = copy;
    return true;
}

char *schema_value(const struct schema_key *k, const struct profile *p, size_t index)
{
    struct profile *mutable = (struct profile *)(uintptr_t)p;
    const struct profile_list *list;
    char duration[32];
    int64_t number;

    if (schema_is_list(k)) {
        list = schema_list(k, mutable);
        return index < list->count ? strdup(list->item[index]) : NULL;
    }
    if (index > 0)
        return NULL;
    if (!schema_is_number(k))
        return *schema_text(k, mutable) == NULL ? NULL : strdup(*schema_text(k, mutable));
    number = *schema_number(k, mutable);
    if (number < 0)
        return NULL;
    switch (k->type) {
    case SCHEMA_CHOICE:
        return strdup(k->choices[number]);
    case SCHEMA_BOOLEAN:
        return strdup(number ? "true" : "false");
    case SCHEMA_DURATION:
        format_duration(number, duration, sizeof duration);
        return strdup(duration);
    default:
        return text_format("%lld", (long long)number);
    }
}

bool schema_is_default(const struct schema_key *k, const struct profile *p)
{
    struct profile *mutable = (struct profile *)(uintptr_t)p;

    if (schema_is_list(k))
        return schema_list(k, mutable)->count == 0;
    if (!schema_is_number(k))
        return *schema_text(k, mutable) == NULL;
    return *schema_number(k, mutable) == k->otherwise;
}

bool schema_same(const struct schema_key *k, const struct profile *a, const struct profile *b)
{
    bool same = true;

    for (size_t i = 0; same; i++) {
        char *one = schema_value(k, a, i), *two = schema_value(k, b, i);
        bool end = one == NULL && two == NULL;

        same = end || (one != NULL && two != NULL && strcmp(one, two) == 0);
        free(one);
        free(two);
        if (end)
            break;
    }
    return same;
}
