/* SPDX-License-Identifier: Apache-2.0 */
/* The files of an import: what the CA sent, and the chain where a token does not take it. */
#include <errno.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "base/text.h"
#include "cert/load.h"
#include "cert/view.h"
#include "op/importing.h"

static struct secret *password(void *data, const char *name, struct error *e)
{
    struct importing *i = data;
    const char *words = op_text(i->args, "password");
    struct pin_source *source = pin_source_parse(words == NULL ? "prompt" : words, e);
    char *what = text_format("password of '%s'", name);
    struct secret *read = NULL;

    if (source != NULL && pin_source_kind(source) == PIN_PINPAD)
        error_set(e, ERROR_USAGE, "--password: a reader's keys give no password of a file");
    else if (source != NULL && what != NULL)
        read = pin_source_read(source, what, &i->person, i->ctx->cancel, e);
    else if (source != NULL)
        error_set_memory(e);
    pin_source_free(&source);
    free(what);
    return read;
}

/* Until there are too many: endless input ends, too. */
static bool read_stdin(struct importing *i, struct buffer *out, struct error *e)
{
    uint8_t bytes[4096];
    ssize_t got;

    if (i->ctx->pool != NULL)
        return error_set(e, ERROR_USAGE,
                         "'-' is for the command line; paste the text, or name a "
                         "file");
    if (isatty(STDIN_FILENO))
        op_tell(i->ctx, "Paste what the CA sent, then Ctrl-D on a line of its own.");
    while (out->length <= CERT_FILE_MAX && (got = read(STDIN_FILENO, bytes, sizeof bytes)) != 0) {
        if (cancel_requested(i->ctx->cancel))
            return error_set(e, ERROR_CANCELLED, "cancelled while reading standard input");
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(e, "cannot read standard input");
        buffer_append(out, bytes, (size_t)got);
    }
    return buffer_ok(out, e);
}

/* A path, '-', or what was pasted where a path is asked for. */
static bool is_pasted(const char *file)
{
    return strstr(file, "-----BEGIN") != NULL || strchr(file, '\n') != NULL;
}

/* One block of PEM in a line of its own, as a field of a form makes it: its three parts get lines
 * again. NULL: there is none from `text` on; else what stands behind it. */
static const char *unfold_block(const char *text, struct buffer *out)
{
    enum { LINE = 64 };
    static const char dashes[] = "-----";
    const char *begin = strstr(text, "-----BEGIN ");
    const char *body = begin == NULL ? NULL : strstr(begin + strlen(dashes), dashes);
    const char *end = body == NULL ? NULL : strstr(body, "-----END ");
    const char *after = end == NULL ? NULL : strstr(end + strlen(dashes), dashes);
    size_t column = 0;

    if (after == NULL)
        return NULL;
    body += strlen(dashes);
    after += strlen(dashes);
    buffer_append(out, begin, (size_t)(body - begin));
    buffer_append_byte(out, '\n');
    for (; body < end; body++) {
        if (*body == ' ')
            continue;
        buffer_append_byte(out, (uint8_t)*body);
        if (++column % LINE == 0)
            buffer_append_byte(out, '\n');
    }
    buffer_append_byte(out, '\n');
    buffer_append(out, end, (size_t)(after - end));
    buffer_append_byte(out, '\n');
    return after;
}

static void unfold(const char *text, struct buffer *out)
{
    while (text != NULL)
        text = unfold_block(text, out);
}

static bool read_one(struct importing *i, const char *file, struct cert_reading *reading,
                     struct error *e)
{
    struct buffer bytes = BUFFER_INIT;
    const char *name = file;
    bool read;

    if (is_pasted(file)) {
        name = "pasted text";
        if (strchr(file, '\n') == NULL)
            unfold(file, &bytes);
        else
            buffer_append_text(&bytes, file);
        read = buffer_ok(&bytes, e);
    } else if (strcmp(file, "-") == 0) {
        name = "standard input";
        read = read_stdin(i, &bytes, e);
    } else {
        read = path_read_file(file, CERT_FILE_MAX, &bytes, e);
    }
    read = read && cert_load_with(name, bytes.data, bytes.length, reading, i->sent, e);
    if (read && reading->private_key) {
        op_tell(
            i->ctx,
            "'%s' holds a private key, too. It is not imported: a key that was in a file can be "
            "anywhere. Use the key that was made on the token.",
            name);
        i->private_key = true;
    }
    reading->private_key = false;
    buffer_free(&bytes);
    return read;
}

bool import_read(struct importing *i, struct error *e)
{
    struct cert_reading reading = {.password = password, .data = i};

    i->sent = sk_X509_new_null();
    if (i->sent == NULL)
        return error_set_memory(e);
    for (size_t n = 0; n < op_count(i->args, "FILE"); n++)
        if (!read_one(i, op_text_at(i->args, "FILE", n), &reading, e))
            return false;
    return delivery_unique(i->sent, e);
}

/* A label as a file's name. */
static char *default_path(const struct importing *i)
{
    char *path = text_format("%s-chain.pem", i->label);

    for (char *at = path; at != NULL && *at != '\0'; at++)
        if (*at == '/' || (unsigned char)*at <= ' ' || (at == path && (*at == '.' || *at == '-')))
            *at = '_';
    return path;
}

static bool encode(const struct importing *i, struct buffer *out, struct error *e)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes = NULL;
    bool good = bio != NULL;

    for (int n = 0; good && n < sk_X509_num(i->found.issuers); n++)
        good = PEM_write_bio_X509(bio, sk_X509_value(i->found.issuers, n)) > 0;
    if (good) {
        size_t length = (size_t)BIO_get_mem_data(bio, &bytes);

        buffer_append(out, bytes, length);
    }
    BIO_free(bio);
    return good ? buffer_ok(out, e) : error_set_openssl(e, ERROR_SYSTEM, "cannot encode the chain");
}

/* The same chain may stand there from the last time. */
static bool is_same(const char *path, const struct buffer *pem)
{
    struct buffer there = BUFFER_INIT;
    bool same = path_read_file(path, CERT_FILE_MAX, &there, NULL) && there.length == pem->length &&
                memcmp(there.data, pem->data, pem->length) == 0;

    buffer_free(&there);
    return same;
}

bool import_may_write_chain(struct importing *i, struct error *e)
{
    const char *named = op_text(i->args, "output");
    char *path = named != NULL ? strdup(named) : default_path(i);
    struct buffer pem = BUFFER_INIT;
    bool may = path != NULL || error_set_memory(e);

    may = may && encode(i, &pem, e);
    if (may && access(path, F_OK) == 0 && !is_same(path, &pem))
        may = op_ask_yes(i->ctx, "'%s' exists; replace it by the chain?", path) ||
              error_set(e, ERROR_USAGE, "'%s' exists; --yes replaces it, -o FILE names another",
                        path);
    buffer_free(&pem);
    free(i->chain_file);
    i->chain_file = path;
    return may;
}

bool import_write_chain(struct importing *i, struct error *e)
{
    struct buffer pem = BUFFER_INIT;
    bool done = (i->chain_file != NULL || import_may_write_chain(i, e)) && encode(i, &pem, e) &&
                (is_same(i->chain_file, &pem) ||
                 path_write_file(i->chain_file, pem.data, pem.length, 0644, e));
    char *whole = done ? realpath(i->chain_file, NULL) : NULL;

    buffer_free(&pem);
    free(i->chain_file);
    i->chain_file = whole;
    return done && (whole != NULL || error_set_errno(e, "cannot tell where the chain is"));
}
