/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/engine/step.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "sign/content.h"
#include "sign/format.h"

enum { VERSION = 1 };

/* By enum signer_hash and enum sign_existing. */
static const char *const hashes[] = {"sha256", "sha384", "sha512"};
static const char *const existings[] = {"keep", "replace", "append"};
static const char *const formats[] = {"pe", "msi", "cab"};

#define COUNT(list) (sizeof(list) / sizeof *(list))

static const struct {
    const char *marks, *holds;
} kinds[] = {
    [STEP_DIGEST] = {"signet-digest", "content"},
    [STEP_SIGNATURE] = {"signet-signature", "signature"},
};

const char *step_mark(enum step_kind kind)
{
    return kinds[kind].marks;
}

void step_free(struct step *s)
{
    free(s->file);
    free(s->format);
    buffer_free(&s->der);
    *s = (struct step){0};
}

static json_t *base64(const struct buffer *bytes)
{
    unsigned char *text = malloc(4 * (bytes->length + 2) / 3 + 4);
    json_t *value = NULL;

    if (text != NULL) {
        int length = EVP_EncodeBlock(text, bytes->data, (int)bytes->length);

        value = json_stringn((const char *)text, (size_t)length);
    }
    free(text);
    return value;
}

json_t *step_record(enum step_kind kind, const struct step *s, struct error *e)
{
    char *hex = text_hex(s->digest, s->digest_length);
    json_t *record = hex == NULL ? NULL
                                 : json_pack("{s:i, s:s, s:s, s:s, s:s}", kinds[kind].marks,
                                             VERSION, "file", s->file, "format", s->format, "hash",
                                             hashes[s->hash], "digest", hex);
    bool good = record != NULL;

    if (good && s->existing != SIGN_KEEP)
        good = json_object_set_new(record, "existing", json_string(existings[s->existing])) == 0;
    if (good && s->page_hashes)
        good = json_object_set_new(record, "page-hashes", json_true()) == 0;
    if (good && s->signature_ex)
        good = json_object_set_new(record, "msi-signature-ex", json_true()) == 0;
    good = good && json_object_set_new(record, kinds[kind].holds, base64(&s->der)) == 0;
    free(hex);
    if (good)
        return record;
    json_decref(record);
    error_set_memory(e);
    return NULL;
}

static bool wrong(const char *key, const char *what, struct error *e)
{
    return error_set(e, ERROR_FORMAT, "its \"%s\" %s", key, what);
}

static bool read_choice(const json_t *line, const char *key, const char *const *names, size_t count,
                        size_t *out)
{
    const char *text = json_string_value(json_object_get(line, key));

    for (size_t i = 0; text != NULL && i < count; i++)
        if (strcmp(text, names[i]) == 0) {
            *out = i;
            return true;
        }
    return false;
}

static bool read_flag(const json_t *line, const char *key, bool *out)
{
    const json_t *value = json_object_get(line, key);

    *out = json_is_true(value);
    return value == NULL || json_is_boolean(value);
}

/* Only what step_record writes. */
static bool known_members(enum step_kind kind, json_t *line, struct error *e)
{
    const char *const known[] = {
        kinds[kind].marks, kinds[kind].holds, "file",        "format",          "hash",
        "digest",          "existing",        "page-hashes", "msi-signature-ex"};
    const char *key;
    json_t *value;

    json_object_foreach(line, key, value)
    {
        size_t i = 0;

        while (i < COUNT(known) && strcmp(key, known[i]) != 0)
            i++;
        if (i == COUNT(known))
            return error_set(e, ERROR_FORMAT, "\"%s\" is not known here", key);
    }
    return true;
}

static bool read_version(enum step_kind kind, const json_t *line, struct error *e)
{
    const json_t *version = json_object_get(line, kinds[kind].marks);
    const enum step_kind other = kind == STEP_DIGEST ? STEP_SIGNATURE : STEP_DIGEST;

    if (version == NULL && json_object_get(line, kinds[other].marks) != NULL)
        return error_set(e, ERROR_FORMAT, "it has a %s, a %s is wanted: the wrong file is named",
                         kinds[other].marks + 7, kinds[kind].marks + 7);
    if (version == NULL)
        return error_set(e, ERROR_FORMAT, "it is not a line that signet-batch wrote: no \"%s\"",
                         kinds[kind].marks);
    if (!json_is_integer(version) || json_integer_value(version) != VERSION)
        return wrong(kinds[kind].marks, "is not 1: it was written by another version of Signet", e);
    return true;
}

static bool read_names(const json_t *line, struct step *out, struct error *e)
{
    const json_t *file = json_object_get(line, "file");
    size_t length = json_string_length(file), format = 0, hash = 0, existing = SIGN_KEEP;

    if (length == 0 || length > STEP_NAME_MAX)
        return wrong("file", "is no name of a file", e);
    if (!read_choice(line, "format", formats, COUNT(formats), &format))
        return wrong("format", "is none that can be signed", e);
    if (!read_choice(line, "hash", hashes, COUNT(hashes), &hash))
        return wrong("hash", "is not sha256, sha384 or sha512", e);
    if (json_object_get(line, "existing") != NULL &&
        !read_choice(line, "existing", existings, COUNT(existings), &existing))
        return wrong("existing", "is not keep, replace or append", e);
    out->hash = (enum signer_hash)hash;
    out->existing = (enum sign_existing)existing;
    out->file = strdup(json_string_value(file));
    out->format = strdup(formats[format]);
    return (out->file != NULL && out->format != NULL) || error_set_memory(e);
}

static bool read_options(const json_t *line, struct step *out, struct error *e)
{
    if (!read_flag(line, "page-hashes", &out->page_hashes) ||
        (out->page_hashes && strcmp(out->format, "pe") != 0))
        return wrong("page-hashes", "is no boolean, or no option of this format", e);
    if (!read_flag(line, "msi-signature-ex", &out->signature_ex) ||
        (out->signature_ex && strcmp(out->format, "msi") != 0))
        return wrong("msi-signature-ex", "is no boolean, or no option of this format", e);
    return true;
}

static bool read_digest(const json_t *line, struct step *out, struct error *e)
{
    const char *hex = json_string_value(json_object_get(line, "digest"));
    size_t size = (size_t)EVP_MD_get_size(signer_hash_md(out->hash));

    if (hex == NULL || strlen(hex) != 2 * size)
        return wrong("digest", "has not the length of its hash", e);
    for (const char *at = hex; *at != '\0'; at++)
        if (!isdigit((unsigned char)*at) && !(*at >= 'a' && *at <= 'f'))
            return wrong("digest", "is not in hex", e);
    return text_unhex(hex, out->digest, sizeof out->digest, &out->digest_length) ||
           wrong("digest", "is not in hex", e);
}

/* The one encoding that these bytes have (RFC 4648 section 3.5): it is encoded again and compared.
 */
static bool decode(const char *text, size_t length, struct buffer *out)
{
    uint8_t *bytes = length > 0 && length % 4 == 0 ? buffer_extend(out, length / 4 * 3) : NULL;
    unsigned char *again = bytes == NULL ? NULL : malloc(length + 1);
    bool good = again != NULL && EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)length) ==
                                     (int)(length / 4 * 3);

    if (good) {
        out->length -= (size_t)(text[length - 1] == '=') + (size_t)(text[length - 2] == '=');
        good = EVP_EncodeBlock(again, out->data, (int)out->length) == (int)length &&
               memcmp(again, text, length) == 0;
    }
    free(again);
    return good;
}

static bool read_der(enum step_kind kind, const json_t *line, struct step *out, struct error *e)
{
    const json_t *value = json_object_get(line, kinds[kind].holds);
    size_t length = json_string_length(value);

    if (!json_is_string(value) || length / 4 * 3 > FORMAT_SIGNATURE_MAX + 3)
        return wrong(kinds[kind].holds, "is missing, or larger than 16 MiB", e);
    return decode(json_string_value(value), length, &out->der) ||
           wrong(kinds[kind].holds, "is not base64", e);
}

/* What is to be signed is what is stated, and nothing else. */
static bool check_content(const struct step *s, struct error *e)
{
    struct content content;

    if (!content_read(s->format, s->der.data, s->der.length, &content, e))
        return false;
    if (EVP_MD_get_type(content.md) != EVP_MD_get_type(signer_hash_md(s->hash)) ||
        memcmp(content.digest, s->digest, s->digest_length) != 0)
        return error_set(e, ERROR_FORMAT,
                         "its content holds another digest than the one that is stated");
    return content.page_hashes == s->page_hashes ||
           error_set(e, ERROR_FORMAT,
                     "its content %s page hashes, but \"page-hashes\" says "
                     "otherwise",
                     content.page_hashes ? "has" : "has no");
}

static bool read_line(enum step_kind kind, json_t *line, struct step *out, struct error *e)
{
    return read_version(kind, line, e) && known_members(kind, line, e) &&
           read_names(line, out, e) && read_options(line, out, e) && read_digest(line, out, e) &&
           read_der(kind, line, out, e) && (kind != STEP_DIGEST || check_content(out, e));
}

bool step_parse(enum step_kind kind, const void *line, size_t length, struct step *out,
                struct error *e)
{
    json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
    bool good = json_is_object(object);

    *out = (struct step){0};
    if (!good)
        error_set(e, ERROR_FORMAT, "it is no JSON object");
    good = good && read_line(kind, object, out, e);
    json_decref(object);
    if (!good)
        step_free(out);
    return good;
}
