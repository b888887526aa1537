/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/intermediates.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>

#include "base/log.h"
#include "cert/aia.h"
#include "net/http.h"

struct fetching {
    const struct profile *profile;
    struct http_pool *pool;
    struct cancel *cancel;
};

static bool fetch_one(void *data, const char *url, struct buffer *out, struct error *e)
{
    const struct fetching *f = data;
    const struct http_request request = {
        .pool = f->pool,
        .url = url,
        .accept = "application/pkix-cert, application/pkcs7-mime, */*",
        .timeout_ms = f->profile->timestamp_timeout,
        .limit = AIA_MAX,
        .proxy = f->profile->timestamp_proxy,
    };
    struct http_answer answer;
    char *shown = http_shown(url), text[64];
    bool good;

    if (shown == NULL)
        return error_set_memory(e);
    good = http_send(&request, &answer, f->cancel, e);
    if (good && answer.status != 200)
        good = error_set(e, ERROR_SYSTEM, "HTTP status %s",
                         http_status_text(answer.status, text, sizeof text));
    if (good)
        buffer_append(out, answer.body.data, answer.body.length);
    else if (e->code != ERROR_CANCELLED && e->code != ERROR_MEMORY)
        error_prefix(e, "%s", shown);
    if (good)
        log_line("intermediate certificate: %zu bytes from %s", answer.body.length, shown);
    http_answer_free(&answer);
    free(shown);
    return good && buffer_ok(out, e);
}

bool intermediates_fetch(const struct profile *p, X509 *leaf, STACK_OF(X509) * pool, size_t *count,
                         struct cancel *cancel, struct error *e)
{
    struct fetching f = {p, NULL, cancel};
    X509_STORE *roots = X509_STORE_new();
    bool complete;

    *count = 0;
    if (roots == NULL)
        return error_set_memory(e);
    /* A root that the system has is not fetched. */
    X509_STORE_set_default_paths(roots);
    ERR_clear_error();
    f.pool = http_pool_new();
    complete = aia_complete(leaf, pool, roots, fetch_one, &f, count, e);
    http_pool_free(&f.pool);
    X509_STORE_free(roots);
    return complete;
}
