/* SPDX-License-Identifier: Apache-2.0 */
/* An order's folder: reading order.json, and writing whole. */
#include "cert/order.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/text.h"
#include "cert/view.h"

enum { NAME_MAX_LENGTH = 120, STRING_MAX = 8192, FACTS_MAX = 64 };

/* What a value of order.json may be. */
enum kind { TEXT, TIME, TIME_OR_NULL, TEXT_OR_NULL, STATE, FILE_NAME, HASH, BY };

struct key {
    const char *name;
    enum kind kind;
};

static bool is_sha256(const char *text)
{
    return strlen(text) == ORDER_SHA256_SIZE - 1 && text[strspn(text, "0123456789abcdef")] == '\0';
}

/* A name that stays in its folder, and that no shell or terminal takes for something else. */
static bool is_file_name(const char *text)
{
    size_t length = strlen(text);

    for (size_t i = 0; i < length; i++)
        if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", text[i]) ==
            NULL)
            return false;
    return length > 0 && length <= NAME_MAX_LENGTH && text[0] != '.' && text[0] != '-' &&
           strcmp(text, ORDER_FILE) != 0;
}

static time_t parse_time(const char *text)
{
    struct tm utc = {0};
    const char *end =
        strlen(text) == CLOCK_TEXT_SIZE - 1 ? strptime(text, "%Y-%m-%dT%H:%M:%SZ", &utc) : NULL;

    return end == NULL || *end != '\0' ? (time_t)-1 : timegm(&utc);
}

static bool is_word(const char *text, const char *const *words)
{
    while (*words != NULL && strcmp(text, *words) != 0)
        words++;
    return *words != NULL;
}

static bool fits(const json_t *value, enum kind kind)
{
    static const char *const states[] = {"made", "ordered", "issued", NULL};
    static const char *const sources[] = {"module", "card", "attestation", NULL};
    const char *text = json_string_value(value);

    if (json_is_null(value))
        return kind == TIME_OR_NULL || kind == TEXT_OR_NULL;
    if (text == NULL || strlen(text) > STRING_MAX || strlen(text) != json_string_length(value))
        return false;
    switch (kind) {
    case TIME:
    case TIME_OR_NULL:
        return parse_time(text) != (time_t)-1;
    case STATE:
        return is_word(text, states);
    case BY:
        return is_word(text, sources);
    case FILE_NAME:
        return is_file_name(text);
    case HASH:
        return is_sha256(text);
    case TEXT:
    case TEXT_OR_NULL:
        break;
    }
    return true;
}

static bool wrong(const char *name, const char *where, const char *key, struct error *e)
{
    return error_set(e, ERROR_FORMAT, "'%s': %s%s%s is missing, or is not what it should be", name,
                     where, *where == '\0' ? "" : ".", key);
}

/* Every key of `keys`, and `more` others that the caller looks at. */
static bool check_object(const char *name, const char *where, const json_t *o,
                         const struct key *keys, size_t count, size_t more, struct error *e)
{
    if (!json_is_object(o))
        return wrong(name, "", *where == '\0' ? "the whole" : where, e);
    for (size_t i = 0; i < count; i++)
        if (!fits(json_object_get(o, keys[i].name), keys[i].kind))
            return wrong(name, where, keys[i].name, e);
    return json_object_size(o) <= count + more ||
           error_set(e, ERROR_FORMAT, "'%s': %s%shas a key that is not known", name, where,
                     *where == '\0' ? "it " : " ");
}

#define KEYS(list) list, sizeof list / sizeof *list

static const struct key file_keys[] = {{"file", FILE_NAME}, {"sha256", HASH}};

static bool check_file(const char *name, const json_t *order, const char *key, bool optional,
                       struct error *e)
{
    const json_t *value = json_object_get(order, key);

    return (optional && json_is_null(value)) ||
           check_object(name, key, value, KEYS(file_keys), 0, e);
}

static bool check_list(const char *name, const json_t *order, const char *key,
                       const struct key *keys, size_t count, size_t most, struct error *e)
{
    const json_t *list = json_object_get(order, key);

    if (!json_is_array(list) || json_array_size(list) > most)
        return wrong(name, "", key, e);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!check_object(name, key, json_array_get(list, i), keys, count, 0, e))
            return false;
    return true;
}

static bool check_order(const char *name, const json_t *o, struct error *e)
{
    static const struct key top[] = {{"state", STATE},          {"made", TIME},
                                     {"ordered", TIME_OR_NULL}, {"issued", TIME_OR_NULL},
                                     {"subject", TEXT},         {"email", TEXT_OR_NULL},
                                     {"digest", TEXT}};
    static const struct key key[] = {{"uri", TEXT}, {"type", TEXT}, {"sha256", HASH}};
    static const struct key token[] = {
        {"label", TEXT}, {"serial", TEXT}, {"model", TEXT}, {"manufacturer", TEXT}};
    static const struct key fact[] = {{"name", TEXT}, {"value", TEXT}, {"by", BY}};
    static const struct key proof[] = {{"file", FILE_NAME}, {"sha256", HASH}, {"added", TIME}};
    static const struct key certificate[] = {
        {"file", FILE_NAME}, {"sha256", HASH}, {"added", TIME},      {"fingerprint", HASH},
        {"subject", TEXT},   {"issuer", TEXT}, {"not-before", TIME}, {"not-after", TIME}};
    enum {
        OTHERS = 9
    }; /* version, key, token, facts, csr, public-key, attestation, proofs,
          certificate */
    const json_t *issued = json_object_get(o, "certificate");

    if (json_is_object(o) &&
        json_integer_value(json_object_get(o, "signet-order")) != ORDER_VERSION)
        return error_set(e, ERROR_FORMAT, "'%s' is no order of version %d", name, ORDER_VERSION);
    return check_object(name, "", o, KEYS(top), OTHERS, e) &&
           check_object(name, "key", json_object_get(o, "key"), KEYS(key), 0, e) &&
           check_object(name, "token", json_object_get(o, "token"), KEYS(token), 0, e) &&
           check_list(name, o, "facts", KEYS(fact), FACTS_MAX, e) &&
           check_file(name, o, "csr", false, e) && check_file(name, o, "public-key", false, e) &&
           check_file(name, o, "attestation", true, e) &&
           check_list(name, o, "proofs", KEYS(proof), ORDER_PROOFS_MAX, e) &&
           (json_is_null(issued) ||
            check_object(name, "certificate", issued, KEYS(certificate), 0, e));
}

json_t *order_parse(const char *name, const void *bytes, size_t length, struct error *e)
{
    json_error_t why;
    json_t *order = NULL;

    if (length > ORDER_FILE_MAX) {
        error_set(e, ERROR_FORMAT, "'%s' is longer than %d bytes", name, ORDER_FILE_MAX);
        return NULL;
    }
    order = json_loadb(length == 0 ? "" : bytes, length, JSON_REJECT_DUPLICATES, &why);
    if (order == NULL) {
        error_set(e, ERROR_FORMAT, "'%s': line %d, column %d: %s", name, why.line, why.column,
                  why.text);
        return NULL;
    }
    if (check_order(name, order, e))
        return order;
    json_decref(order);
    return NULL;
}

json_t *order_load(const char *folder, struct error *e)
{
    struct buffer bytes = BUFFER_INIT;
    char *path = path_join(folder, ORDER_FILE, e);
    json_t *order = NULL;

    if (path != NULL && access(path, F_OK) != 0)
        error_set(e, ERROR_MISSING, "'%s' is no order: it has no %s (signet csr --order makes one)",
                  folder, ORDER_FILE);
    else if (path != NULL && path_read_file(path, ORDER_FILE_MAX, &bytes, e))
        order = order_parse(path, bytes.data, bytes.length, e);
    buffer_free(&bytes);
    free(path);
    return order;
}

static bool write_in(const char *folder, const char *name, const void *bytes, size_t length,
                     struct error *e)
{
    char *path = path_join(folder, name, e);
    bool written = path != NULL && path_write_file(path, bytes, length, 0644, e);

    free(path);
    return written;
}

/* An order that could not be read again is not written in place of one that can. */
static bool may_save(const char *folder, const json_t *order, struct error *e)
{
    return check_order(folder, order, e) || error_prefix(e, "nothing was written");
}

bool order_save(const char *folder, const json_t *order, struct error *e)
{
    char *text;
    bool saved;

    if (!may_save(folder, order, e))
        return false;
    text = json_dumps(order, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    saved =
        text != NULL ? write_in(folder, ORDER_FILE, text, strlen(text), e) : error_set_memory(e);
    free(text);
    return saved;
}

/* Best effort: what cannot go is named by the error that is there. */
static void remove_all(const char *folder, const struct order_file *files, size_t count)
{
    int at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (at >= 0) {
        for (size_t i = 0; i < count; i++)
            unlinkat(at, files[i].name, 0);
        unlinkat(at, ORDER_FILE, 0);
        close(at);
    }
    rmdir(folder);
}

/* File systems without RENAME_NOREPLACE say EINVAL; there, a folder that is not empty stays. */
static bool place(const char *from, const char *to, struct error *e)
{
    char *parent = path_parent(to, e);
    bool placed = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0 ||
                  (errno == EINVAL && rename(from, to) == 0);

    if (!placed && (errno == EEXIST || errno == ENOTEMPTY))
        error_set(e, ERROR_USAGE, "'%s' exists; an order gets a folder of its own", to);
    else if (!placed)
        error_set_errno(e, "cannot make the folder '%s'", to);
    else if (parent != NULL)
        path_sync_folder(parent);
    free(parent);
    return placed;
}

/* "orders/x/" names the folder orders/x. */
static char *without_slashes(const char *folder, struct error *e)
{
    char *copy = strdup(folder);
    size_t length = strlen(folder);

    if (copy == NULL)
        error_set_memory(e);
    while (copy != NULL && length > 1 && copy[length - 1] == '/')
        copy[--length] = '\0';
    return copy;
}

bool order_create(const char *folder, const struct order_file *files, size_t count,
                  const json_t *order, struct error *e)
{
    char *to = without_slashes(folder, e);
    char *fresh = to == NULL ? NULL : text_format("%s.new-XXXXXX", to);
    bool made = false, made_folder = false;

    if (to != NULL && fresh == NULL)
        error_set_memory(e);
    if (fresh != NULL) {
        made_folder = mkdtemp(fresh) != NULL;
        made = made_folder || error_set_errno(e, "cannot make the folder '%s'", folder);
    }
    for (size_t i = 0; i < count && made; i++)
        made = write_in(fresh, files[i].name, files[i].bytes, files[i].length, e);
    if (made && chmod(fresh, 0755) != 0)
        made = error_set_errno(e, "cannot set the mode of '%s'", fresh);
    made = made && order_save(fresh, order, e) && place(fresh, to, e);
    if (made_folder && !made)
        remove_all(fresh, files, count);
    free(fresh);
    free(to);
    return made;
}

const char *order_sha256(const void *bytes, size_t length, char out[ORDER_SHA256_SIZE])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;

    out[0] = '\0';
    if (EVP_Digest(length == 0 ? "" : bytes, length, digest, &size, EVP_sha256(), NULL) == 1)
        for (unsigned i = 0; i < size; i++)
            snprintf(out + (size_t)2 * i, 3, "%02x", digest[i]);
    return out;
}

json_t *order_entry(const char *name, const void *bytes, size_t length)
{
    char hash[ORDER_SHA256_SIZE];

    return json_pack("{s:s, s:s}", "file", name, "sha256", order_sha256(bytes, length, hash));
}

static json_t *entry_now(const char *name, const void *bytes, size_t length, time_t now)
{
    json_t *entry = order_entry(name, bytes, length);
    char text[CLOCK_TEXT_SIZE];

    if (entry != NULL)
        json_object_set_new(entry, "added", json_string(clock_text(now, text)));
    return entry;
}

/* A folder that has the file, and not yet the order that names it, is as good as before. */
static bool keep(const char *folder, const char *name, const void *bytes, size_t length,
                 const json_t *order, struct error *e)
{
    return may_save(folder, order, e) && write_in(folder, name, bytes, length, e) &&
           order_save(folder, order, e);
}

/* A second certificate goes beside the first. */
static json_t *describe(const json_t *order, const struct buffer *pem, X509 *leaf, time_t now)
{
    char *subject = cert_subject(leaf), *issuer = cert_issuer(leaf);
    char from[CLOCK_TEXT_SIZE], to[CLOCK_TEXT_SIZE], hex[CERT_FINGERPRINT_SIZE], name[64];
    json_t *entry;

    snprintf(name, sizeof name, ORDER_CERTIFICATE);
    if (!json_is_null(json_object_get(order, "certificate")))
        snprintf(name, sizeof name, "certificate-%.16s.pem",
                 cert_fingerprint(leaf, EVP_sha256(), hex));
    entry = entry_now(name, pem->data, pem->length, now);

    json_object_update_new(entry, json_pack("{s:s, s:s, s:s, s:s, s:s}", "fingerprint",
                                            cert_fingerprint(leaf, EVP_sha256(), hex), "subject",
                                            subject == NULL ? "" : subject, "issuer",
                                            issuer == NULL ? "" : issuer, "not-before",
                                            clock_text(cert_not_before(leaf), from), "not-after",
                                            clock_text(cert_not_after(leaf), to)));
    free(subject);
    free(issuer);
    return entry;
}

bool order_add_certificate(const char *folder, json_t *order, STACK_OF(X509) * chain, time_t now,
                           struct error *e)
{
    BIO *bio = BIO_new(BIO_s_mem());
    struct buffer pem = BUFFER_INIT;
    char text[CLOCK_TEXT_SIZE], *data = NULL;
    bool good = bio != NULL && sk_X509_num(chain) > 0;
    json_t *entry;
    long length;

    for (int i = 0; good && i < sk_X509_num(chain); i++)
        good = PEM_write_bio_X509(bio, sk_X509_value(chain, i)) > 0;
    length = good ? BIO_get_mem_data(bio, &data) : 0;
    if (good)
        buffer_append(&pem, data, (size_t)length);
    BIO_free(bio);
    if (!good)
        return error_set_openssl(e, ERROR_SYSTEM, "cannot encode the certificate");
    entry = describe(order, &pem, sk_X509_value(chain, 0), now);
    json_object_set_new(order, "certificate", entry);
    json_object_set_new(order, "state", json_string("issued"));
    json_object_set_new(order, "issued", json_string(clock_text(now, text)));
    good = buffer_ok(&pem, e) && (entry != NULL || error_set_memory(e)) &&
           keep(folder, json_string_value(json_object_get(entry, "file")), pem.data, pem.length,
                order, e);
    buffer_free(&pem);
    return good;
}

/* The last part of a path, with what is no plain character replaced, behind a number of its own. */
static char *proof_name(const json_t *order, const char *path)
{
    const char *last = strrchr(path, '/');
    char *name = text_format("proof-%zu-%s", json_array_size(json_object_get(order, "proofs")) + 1,
                             last == NULL ? path : last + 1);
    size_t length = name == NULL ? 0 : strlen(name);

    if (length > NAME_MAX_LENGTH)
        name[length = NAME_MAX_LENGTH] = '\0';
    for (size_t i = 0; i < length; i++)
        if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", name[i]) ==
            NULL)
            name[i] = '_';
    return name;
}

bool order_add_proof(const char *folder, json_t *order, const char *path, const void *bytes,
                     size_t length, time_t now, struct error *e)
{
    json_t *proofs = json_object_get(order, "proofs");
    char *name;
    bool added;

    if (length == 0 || length > ORDER_PROOF_MAX)
        return error_set(e, ERROR_FORMAT, "'%s' is %s", path,
                         length == 0 ? "empty" : "too large to be attached");
    if (json_array_size(proofs) >= ORDER_PROOFS_MAX)
        return error_set(e, ERROR_USAGE, "the order has %d files attached, the most there may be",
                         ORDER_PROOFS_MAX);
    name = proof_name(order, path);
    if (name == NULL)
        return error_set_memory(e);
    added = (json_array_append_new(proofs, entry_now(name, bytes, length, now)) == 0 ||
             error_set_memory(e)) &&
            keep(folder, name, bytes, length, order, e);
    free(name);
    return added;
}

bool order_mark_ordered(const char *folder, json_t *order, time_t now, struct error *e)
{
    const char *state = json_string_value(json_object_get(order, "state"));
    char text[CLOCK_TEXT_SIZE];

    if (strcmp(state, "made") != 0)
        return error_set(e, ERROR_USAGE, "'%s' is %s already", folder, state);
    json_object_set_new(order, "state", json_string("ordered"));
    json_object_set_new(order, "ordered", json_string(clock_text(now, text)));
    return order_save(folder, order, e);
}

time_t order_time(const json_t *order, const char *key)
{
    const char *text = json_string_value(json_object_get(order, key));

    return text == NULL ? (time_t)-1 : parse_time(text);
}
