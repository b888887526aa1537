/* SPDX-License-Identifier: Apache-2.0 */
/* The table of keys, and finding one in it. */
#include "profiles/schema.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };

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
             "description, the machine token and PIN. A name, never a path. Its PIN goes "
             "to its own module and key alone.",
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
     .help = "RFC 3161 servers, tried in order.",
     .example = "[http://timestamp.example.com]"},
    {.name = "timestamp.required",
     .type = SCHEMA_BOOLEAN,
     AT(timestamp_required),
     .otherwise = -1,
     .help = "A file that gets no timestamp fails. With false it is signed without one, and that "
             "is said. Absent: true where servers are named.",
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
     .help = "How often each file is tried, all servers counted once a try; between tries there is "
             "a pause that grows, or the one that the server asks for.",
     .example = "3"},
    {.name = "timestamp.parallel",
     .type = SCHEMA_INTEGER,
     AT(timestamp_parallel),
     .minimum = 1,
     .maximum = 16,
     .otherwise = 4,
     .help = "How many requests are under way at once.",
     .example = "4"},
    {.name = "timestamp.rate",
     .type = SCHEMA_INTEGER,
     AT(timestamp_rate),
     .minimum = 0,
     .maximum = 6000,
     .otherwise = 0,
     .help = "Requests a minute that one server gets at most; 0: no limit.",
     .example = "120"},
    {.name = "timestamp.ca",
     .type = SCHEMA_LIST_OF_PATHS,
     AT(timestamp_ca),
     .help =
         "Files with the roots, or the CAs below them, that the servers' certificates must lead "
         "to; relative to the profile's folder. Absent: the signature, purpose and time of an "
         "answer are judged, not its chain.",
     .example = "[tsa-root.pem]"},
    {.name = "timestamp.proxy",
     .type = SCHEMA_HTTP,
     AT(timestamp_proxy),
     .help = "Proxy for the servers. Absent: what http_proxy, https_proxy and no_proxy in the "
             "environment say.",
     .example = "http://proxy.example.com:3128"},
    {.name = "fetch-intermediates",
     .type = SCHEMA_BOOLEAN,
     AT(fetch_intermediates),
     .otherwise = 0,
     .help = "Intermediate certificates that neither the token nor chain: has are fetched from the "
             "address in the certificate (Authority Information Access), through the same "
             "proxy.",
     .example = "false"},
    {.name = "existing",
     .type = SCHEMA_CHOICE,
     AT(existing),
     .choices = existings,
     .help = "What happens to a file that is signed already: it is kept as it is, signed anew, or "
             "gets one more signature, nested in the first, or in an EFI image beside it.",
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
     .help = "Adds the SHA-256 of each page to the signature of a Windows program, as drivers may "
             "need it. A program with more than 238 MB of sections is refused then.",
     .example = "false"},
    {.name = "msi-signature-ex",
     .type = SCHEMA_BOOLEAN,
     AT(msi_signature_ex),
     .otherwise = 0,
     .help =
         "Adds the stream MsiDigitalSignatureEx to MSI packages, so that the signature protects "
         "names, times and order of what is in them too.",
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
