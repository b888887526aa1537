/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/schema.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "gate/pin_source.h"
#include "token/uri.h"

enum {
    SECOND = 1000,
    MINUTE = 60 * SECOND,
    HOUR = 60 * MINUTE,
    MOST_ITEMS = 1000,
    LONGEST_NAME = 64
};

static const char *const digests[] = {"sha256", "sha384", "sha512", NULL};
static const char *const existings[] = {"keep", "replace", "append", NULL};
static const char *const purposes[] = {"commercial", "individual", NULL};
static const char *const crlfs[] = {"refuse", "convert", NULL};
static const char *const encodings[] = {"refuse", "utf-8", NULL};

#define AT(member) .offset = offsetof(struct profile, member)

const struct schema_key schema_keys[] = {
    {.name = "signet",
     .type = SCHEMA_INTEGER,
     AT(version),
     .minimum = 1,
     .maximum = 1,
     .otherwise = -1,
     .help = "Version of the profile format. Must be there.",
     .example = "1"},
    {.name = "name",
     .type = SCHEMA_NAME,
     AT(name),
     .help = "Name of the profile, for people; by default the file's.",
     .example = "release"},
    {.name = "use",
     .type = SCHEMA_NAME,
     AT(use),
     .help = "Takes module, key, certificate, chain, pin, tries-left and container from this "
             "profile of the machine, where this one has none. So a repository keeps files and "
             "description, the machine token and PIN. A name, never a path. Its PIN does not go "
             "to a module that this profile names.",
     .example = "token-room"},
    {.name = "module",
     .type = SCHEMA_MODULE,
     AT(module),
     .shared = true,
     .help = "PKCS#11 module, by its p11-kit name or path (with a slash in it; relative to the "
             "profile's folder). Absent: all registered and known ones are asked.",
     .example = "softhsm2"},
    {.name = "key",
     .type = SCHEMA_URI,
     AT(key),
     .shared = true,
     .help = "The private key, as a pkcs11: URI; signet objects prints it. A PIN in it is refused.",
     .example = "pkcs11:token=release;serial=bcea268916c31934;id=%01"},
    {.name = "certificate",
     .type = SCHEMA_CERTIFICATE,
     AT(certificate),
     .shared = true,
     .help = "The one certificate that this profile may sign with: sha256: and its fingerprint, "
             "on the token; or a file, where the token has none, relative to the profile's "
             "folder.",
     .example = "sha256:5f0b1c…"},
    {.name = "chain",
     .type = SCHEMA_LIST_OF_PATHS,
     AT(chain),
     .shared = true,
     .help = "Files with intermediate certificates, merged with what the token holds. Relative to "
             "the profile's folder.",
     .example = "[intermediate.pem]"},
    {.name = "pin",
     .type = SCHEMA_PIN,
     AT(pin),
     .shared = true,
     .help = "Where the PIN comes from, never the PIN: prompt, env:NAME, file:PATH, fd:N, "
             "credential:NAME, command:…, pinpad. Absent: it is asked for. A relative path is "
             "meant from the profile's folder. A command runs as whoever uses the profile: sign "
             "with profiles of people you trust.",
     .example = "env:SIGNET_PIN"},
    {.name = "tries-left",
     .type = SCHEMA_INTEGER,
     AT(tries_left),
     .minimum = 2,
     .maximum = 255,
     .otherwise = -1,
     .shared = true,
     .help = "Log in unattended only while the token has at least so many tries left. Absent: all "
             "of them. A token that tells no number must have lost none.",
     .example = "15"},
    {.name = "container.name",
     .type = SCHEMA_TEXT,
     AT(container_name),
     .shared = true,
     .help = "The key's container name under Windows, for signet profile signtool.",
     .example = "\"p11#0123456789abcdef\""},
    {.name = "container.provider",
     .type = SCHEMA_TEXT,
     AT(container_provider),
     .shared = true,
     .help = "The cryptographic provider of the container.",
     .example = "eToken Base Cryptographic Provider"},
    {.name = "digest",
     .type = SCHEMA_CHOICE,
     AT(digest),
     .choices = digests,
     .help = "Digest of files and signature.",
     .example = "sha256"},
    {.name = "description",
     .type = SCHEMA_TEXT,
     AT(description),
     .help = "What is signed, in words; Windows shows it when it asks for permission.",
     .example = "Example App"},
    {.name = "url",
     .type = SCHEMA_HTTP,
     AT(url),
     .help = "Where more is to be found.",
     .example = "https://example.com"},
    {.name = "timestamp.servers",
     .type = SCHEMA_LIST_OF_HTTP,
     AT(timestamp_servers),
     .help = "RFC 3161 servers, tried in order. This version does not timestamp: a profile that "
             "requires it is refused when signing.",
     .example = "[http://timestamp.example.com]"},
    {.name = "timestamp.required",
     .type = SCHEMA_BOOLEAN,
     AT(timestamp_required),
     .otherwise = 0,
     .help = "A file that gets no timestamp fails.",
     .example = "true"},
    {.name = "timestamp.timeout",
     .type = SCHEMA_DURATION,
     AT(timestamp_timeout),
     .minimum = SECOND,
     .maximum = HOUR,
     .otherwise = 10 * SECOND,
     .help = "How long a server may take.",
     .example = "10s"},
    {.name = "timestamp.tries",
     .type = SCHEMA_INTEGER,
     AT(timestamp_tries),
     .minimum = 1,
     .maximum = 100,
     .otherwise = 3,
     .help = "How often each file is tried.",
     .example = "3"},
    {.name = "existing",
     .type = SCHEMA_CHOICE,
     AT(existing),
     .choices = existings,
     .help = "What happens to a file that is signed already: it is kept as it is, signed anew, or "
             "gets one more signature nested in the first.",
     .example = "keep"},
    {.name = "files",
     .type = SCHEMA_LIST_OF_TEXT,
     AT(files),
     .help = "Patterns of the files to sign when none are named, from the folder that "
             "signet-batch runs in; ** spans folders, ! leaves out what an earlier pattern took "
             "in.",
     .example = "[\"dist/**/*.exe\", \"!dist/vendor/**\"]"},
    {.name = "output.directory",
     .type = SCHEMA_PATH,
     AT(output_directory),
     .help = "Signed files go into this folder, relative to the one that signet-batch runs in. "
             "Absent: in place.",
     .example = "signed"},
    {.name = "purpose",
     .type = SCHEMA_CHOICE,
     AT(purpose),
     .choices = purposes,
     .help = "The statement in the signature: published by a company, or by a person.",
     .example = "commercial"},
    {.name = "page-hashes",
     .type = SCHEMA_BOOLEAN,
     AT(page_hashes),
     .otherwise = 0,
     .help = "Hashes of single pages in a Windows program. This version does not make them: true "
             "is refused when signing.",
     .example = "false"},
    {.name = "scripts.crlf",
     .type = SCHEMA_CHOICE,
     AT(scripts_crlf),
     .choices = crlfs,
     .help = "Scripts with LF line ends are refused, or converted to CRLF.",
     .example = "refuse"},
    {.name = "scripts.encoding",
     .type = SCHEMA_CHOICE,
     AT(scripts_encoding),
     .choices = encodings,
     .help = "Scripts with other characters than ASCII and no byte order mark are refused, or get "
             "one for UTF-8.",
     .example = "refuse"},
    {.name = "limits.sessions",
     .type = SCHEMA_INTEGER,
     AT(sessions),
     .minimum = 1,
     .maximum = 64,
     .otherwise = 1,
     .help = "Sessions that sign side by side, where the token gains from it.",
     .example = "4"},
    {.name = "limits.wait-for-token",
     .type = SCHEMA_DURATION,
     AT(wait_for_token),
     .minimum = 0,
     .maximum = 24 * HOUR,
     .otherwise = 10 * MINUTE,
     .help = "How long to queue while another process has the token.",
     .example = "10m"},
    {.name = "limits.signatures-per-month",
     .type = SCHEMA_INTEGER,
     AT(signatures_per_month),
     .minimum = 0,
     .maximum = 1000000000,
     .otherwise = 0,
     .help = "What the CA's contract allows; 0: no limit. This version does not count: another "
             "value is refused when signing.",
     .example = "0"},
};
const size_t schema_key_count = sizeof schema_keys / sizeof *schema_keys;

const struct schema_key *schema_find(const char *name)
{
    for (size_t i = 0; i < schema_key_count; i++)
        if (strcmp(schema_keys[i].name, name) == 0)
            return &schema_keys[i];
    return NULL;
}

const struct schema_key *schema_map(const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < schema_key_count; i++)
        if (strncmp(schema_keys[i].name, name, length) == 0 && schema_keys[i].name[length] == '.')
            return &schema_keys[i];
    return NULL;
}

static const char *last_part(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot == NULL ? name : dot + 1;
}

/* The key that has this name in another map, or in other letters. */
static const char *misplaced(const char *name)
{
    for (size_t i = 0; i < schema_key_count; i++)
        if (strcasecmp(last_part(schema_keys[i].name), last_part(name)) == 0)
            return schema_keys[i].name;
    return NULL;
}

static bool nearest(const char *name, char *out, size_t size)
{
    enum { MOST = 128, MAP_SIZE = 32 };
    char maps[MOST / 2][MAP_SIZE];
    const char *names[MOST], *found;
    size_t count = 0;

    for (size_t i = 0; i < schema_key_count && count + 2 <= MOST; i++) {
        const char *dot = strchr(schema_keys[i].name, '.');

        names[count++] = schema_keys[i].name;
        if (dot == NULL)
            continue;
        snprintf(maps[i], MAP_SIZE, "%.*s", (int)(dot - schema_keys[i].name), schema_keys[i].name);
        names[count++] = maps[i];
    }
    found = misplaced(name);
    if (found == NULL)
        found = text_nearest(name, names, count);
    if (found != NULL)
        snprintf(out, size, "did you mean %s?", found);
    return found != NULL;
}

/* The keys of the map that `name` claims to be in. */
static void map_keys(const char *name, char *out, size_t size)
{
    size_t length = strcspn(name, "."), used = 0;

    for (size_t i = 0; i < schema_key_count && used < size; i++) {
        const char *key = schema_keys[i].name;

        if (name[length] == '.' && strncmp(key, name, length + 1) == 0)
            used += (size_t)snprintf(out + used, size - used, "%s %s",
                                     used == 0 ? "known here:" : ",", key);
    }
}

void schema_hint(const char *name, char *out, size_t size)
{
    const char *dot = strchr(name, '.');

    *out = '\0';
    if (schema_find(name) != NULL && dot != NULL)
        snprintf(out, size, "it is written %.*s: {%s: …}", (int)(dot - name), name, dot + 1);
    else if (!nearest(name, out, size))
        map_keys(name, out, size);
}

bool schema_is_list(const struct schema_key *k)
{
    return k->type == SCHEMA_LIST_OF_TEXT || k->type == SCHEMA_LIST_OF_PATHS ||
           k->type == SCHEMA_LIST_OF_HTTP;
}

bool schema_is_number(const struct schema_key *k)
{
    return k->type == SCHEMA_CHOICE || k->type == SCHEMA_BOOLEAN || k->type == SCHEMA_INTEGER ||
           k->type == SCHEMA_DURATION;
}

static void *member(const struct schema_key *k, struct profile *p)
{
    return (char *)p + k->offset;
}

char **schema_text(const struct schema_key *k, struct profile *p)
{
    return member(k, p);
}

struct profile_list *schema_list(const struct schema_key *k, struct profile *p)
{
    return member(k, p);
}

int64_t *schema_number(const struct schema_key *k, struct profile *p)
{
    return member(k, p);
}

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

static bool check_text(const struct schema_key *k, const char *value, char *why, size_t size)
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
    if (!check_text(k, value, why, size))
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

/* scdoc gives these a meaning. */
static void escaped(struct buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("_*\\<>#~", *text) != NULL)
            buffer_append_byte(out, '\\');
        buffer_append_byte(out, (uint8_t)*text);
    }
}

static void manual_range(const struct schema_key *k, struct buffer *out)
{
    char least[32], most[32];

    for (size_t i = 0; k->type == SCHEMA_CHOICE && k->choices[i] != NULL; i++)
        buffer_printf(out, "%s*%s*", i == 0 ? " One of " : ", ", k->choices[i]);
    if (k->type == SCHEMA_CHOICE)
        buffer_append_byte(out, '.');
    if (k->type == SCHEMA_INTEGER && k->minimum != k->maximum)
        buffer_printf(out, " From %lld to %lld.", (long long)k->minimum, (long long)k->maximum);
    if (k->type == SCHEMA_DURATION) {
        format_duration(k->minimum, least, sizeof least);
        format_duration(k->maximum, most, sizeof most);
        buffer_printf(out, " From %s to %s.", least, most);
    }
}

/* As it is written: a dotted name is a map. */
static void manual_example(const struct schema_key *k, struct buffer *out)
{
    const char *dot = strchr(k->name, '.');
    char *text = dot == NULL ? text_format("%s: %s", k->name, k->example)
                             : text_format("%.*s: {%s: %s}", (int)(dot - k->name), k->name, dot + 1,
                                           k->example);

    if (text != NULL)
        escaped(out, text);
    free(text);
}

void schema_manual(struct buffer *out)
{
    struct profile *defaults = profile_new(NULL);

    for (size_t i = 0; defaults != NULL && i < schema_key_count; i++) {
        const struct schema_key *k = &schema_keys[i];
        char *value = schema_is_number(k) ? schema_value(k, defaults, 0) : NULL;

        buffer_printf(out, "*%s*\n\t", k->name);
        escaped(out, k->help);
        manual_range(k, out);
        if (value != NULL)
            buffer_printf(out, " Default: %s.", value);
        if (k->shared)
            buffer_append_text(out, " Taken from *use* where absent.");
        buffer_append_text(out, "++\nExample: ");
        manual_example(k, out);
        buffer_append_text(out, "\n\n");
        free(value);
    }
    profile_free(&defaults);
}
