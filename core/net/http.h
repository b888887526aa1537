/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP exchange (RFC 9110), for timestamp servers and certificates of issuers. It blocks, and
 * any number of threads may do it. Only http and https, also after a redirect; servers are verified
 * with the system's roots (or those that SSL_CERT_FILE and SSL_CERT_DIR name, as OpenSSL reads
 * them). What a message shows of a URL is without user and password.
 */
#ifndef SIGNET_NET_HTTP_H
#define SIGNET_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/cancel.h"
#include "base/error.h"

enum { HTTP_REDIRECTS = 5, HTTP_TYPE_SIZE = 128 };

/* Connections that stay open between requests, with their TLS. Any number of threads may use one
 * pool; as many connections to a server are kept as requests were under way at once. */
struct http_pool;

struct http_request {
    struct http_pool *pool; /* the caller's, who frees it later; NULL: nothing is kept */
    const char *url;
    const uint8_t *body; /* NULL: GET; else POST */
    size_t body_length;
    const char *content_type; /* of the body; NULL: none is told */
    const char *accept;       /* NULL: anything */
    int64_t timeout_ms;       /* of the whole exchange, redirects and all; 1 or more */
    int64_t connect_ms;       /* of one connection; 0: timeout_ms */
    size_t limit;             /* bytes of an answer that is taken; a longer one is an error */
    const char *proxy;        /* URL; NULL: what http_proxy, https_proxy and no_proxy say */
};

struct http_answer {
    long status;                       /* 200, 404 … */
    char content_type[HTTP_TYPE_SIZE]; /* printable, without parameters, lower case; "" for none */
    int64_t retry_after_ms;            /* what Retry-After asks for; 0: nothing */
    struct buffer body;
};

/* NULL when memory ran out; a request does without. */
struct http_pool *http_pool_new(void);
void http_pool_free(struct http_pool **pool); /* when no thread is in http_send with it any more */

/* True when there was an answer, whatever its status; it is freed by http_answer_free. A GET is
 * redirected HTTP_REDIRECTS times at most, never from https to http; a POST only by 307 and 308
 * (RFC 9110 section 15.4), any other redirect of it is an error. A kept connection that its server
 * has closed is replaced, within the same timeout. False: ERROR_SYSTEM says what went wrong,
 * without the URL; ERROR_USAGE: no such URL; ERROR_CANCELLED within a tenth of a second;
 * ERROR_MEMORY. */
bool http_send(const struct http_request *request, struct http_answer *answer,
               struct cancel *cancel, struct error *e);
void http_answer_free(struct http_answer *answer);

/* What a status means, as in "429 Too Many Requests"; only the number where it is not known.
 * Returns `out`. */
const char *http_status_text(long status, char *out, size_t size);

/* The URL as it may be shown: without user and password, printable. New string, freed by the
 * caller; NULL when memory ran out. */
char *http_shown(const char *url);

#endif
