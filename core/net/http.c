/* SPDX-License-Identifier: Apache-2.0 */
/* All of libcurl that is used. Redirects are followed by hand, for libcurl makes a GET of a POST.
 */
#include "net/http.h"

#include <ctype.h>
#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/text.h"

enum { SLICE_MS = 100, HEADERS_MAX = 256 << 10, SHOWN_DELAY_MAX = 24 * 3600 };

/* What one thread at a time works with. `multi` has the open connections, `curl` the TLS sessions:
 * libcurl 7.88 lets no two threads share connections (CURLSHOPT_SHARE(3)). */
struct handle {
    CURL *curl;
    CURLM *multi;
    struct handle *next;
};

struct http_pool {
    pthread_mutex_t mutex;
    struct handle *idle; /* the one used last comes first: its connection is the likeliest alive */
};

/* One request on the wire. */
struct exchange {
    const struct http_request *request;
    struct http_answer *answer;
    struct handle *handle;
    struct curl_slist *headers;
    size_t header_bytes;
    bool too_long; /* the answer */
    int64_t end;   /* by clock_ms */
    char reason[CURL_ERROR_SIZE];
};

static void handle_free(struct handle *h)
{
    if (h == NULL)
        return;
    curl_easy_cleanup(h->curl);
    curl_multi_cleanup(h->multi);
    free(h);
}

static struct handle *handle_new(void)
{
    struct handle *h = calloc(1, sizeof *h);

    if (h == NULL)
        return NULL;
    h->curl = curl_easy_init();
    h->multi = curl_multi_init();
    if (h->curl != NULL && h->multi != NULL)
        return h;
    handle_free(h);
    return NULL;
}

static struct handle *pool_take(struct http_pool *pool)
{
    struct handle *h = NULL;

    if (pool != NULL) {
        pthread_mutex_lock(&pool->mutex);
        h = pool->idle;
        if (h != NULL)
            pool->idle = h->next;
        pthread_mutex_unlock(&pool->mutex);
    }
    return h == NULL ? handle_new() : h;
}

static void pool_give(struct http_pool *pool, struct handle *h)
{
    pthread_mutex_lock(&pool->mutex);
    h->next = pool->idle;
    pool->idle = h;
    pthread_mutex_unlock(&pool->mutex);
}

/* Where the name of the server begins. A password with a slash in it, which should have been
 * encoded, makes that no URL any more, but is a password still: what looks like a port and is no
 * number was its beginning. */
static const char *behind_user(const char *authority)
{
    size_t length = strcspn(authority, "/?#");
    const char *at = memrchr(authority, '@', length), *colon = memchr(authority, ':', length);

    if (at == NULL && *authority != '[' && colon != NULL &&
        colon + 1 + strspn(colon + 1, "0123456789") < authority + length)
        at = strrchr(authority, '@');
    return at == NULL ? authority : at + 1;
}

char *http_shown(const char *url)
{
    const char *scheme = strstr(url, "://"), *start = scheme == NULL ? url : scheme + 3;
    const char *server = behind_user(start);
    struct buffer out = BUFFER_INIT;

    text_append_printable(&out, url, (size_t)(start - url));
    text_append_printable(&out, server, strlen(server));
    return buffer_take(&out);
}

const char *http_status_text(long status, char *out, size_t size)
{
    static const struct {
        long status;
        const char *text;
    } known[] = {
        {400, " Bad Request"},        {401, " Unauthorized"},
        {403, " Forbidden"},          {404, " Not Found"},
        {405, " Method Not Allowed"}, {407, " Proxy Authentication Required"},
        {408, " Request Timeout"},    {410, " Gone"},
        {413, " Content Too Large"},  {415, " Unsupported Media Type"},
        {429, " Too Many Requests"},  {500, " Internal Server Error"},
        {502, " Bad Gateway"},        {503, " Service Unavailable"},
        {504, " Gateway Timeout"},
    };
    const char *text = "";

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].status == status)
            text = known[i].text;
    snprintf(out, size, "%ld%s", status, text);
    return out;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *data)
{
    struct exchange *x = data;
    size_t length = size * count;

    if (length > x->request->limit - x->answer->body.length) {
        x->too_long = true;
        return 0;
    }
    buffer_append(&x->answer->body, bytes, length);
    return x->answer->body.failed ? 0 : length;
}

static size_t count_header(char *bytes, size_t size, size_t count, void *data)
{
    struct exchange *x = data;

    (void)bytes;
    x->header_bytes += size * count;
    return x->header_bytes > HEADERS_MAX ? 0 : size * count;
}

static bool add_header(struct exchange *x, const char *name, const char *value)
{
    char *line = value == NULL ? NULL : text_format("%s: %s", name, value);
    struct curl_slist *grown = line == NULL ? NULL : curl_slist_append(x->headers, line);

    free(line);
    if (grown != NULL)
        x->headers = grown;
    return value == NULL || grown != NULL;
}

static bool add_headers(struct exchange *x)
{
    const struct http_request *r = x->request;
    struct curl_slist *grown;

    if (!add_header(x, "Accept", r->accept))
        return false;
    if (r->body == NULL)
        return true;
    /* Neither libcurl's own Content-Type, nor a round trip of its own for the body. */
    grown = curl_slist_append(x->headers, "Expect:");
    x->headers = grown == NULL ? x->headers : grown;
    if (grown == NULL)
        return false;
    if (r->content_type != NULL)
        return add_header(x, "Content-Type", r->content_type);
    grown = curl_slist_append(x->headers, "Content-Type:");
    x->headers = grown == NULL ? x->headers : grown;
    return grown != NULL;
}

/* The convention of OpenSSL. */
static void set_roots(CURL *curl)
{
    const char *file = getenv("SSL_CERT_FILE"), *folder = getenv("SSL_CERT_DIR");

    if (file != NULL && *file != '\0')
        curl_easy_setopt(curl, CURLOPT_CAINFO, file);
    if (folder != NULL && *folder != '\0')
        curl_easy_setopt(curl, CURLOPT_CAPATH, folder);
}

static void set_request(struct exchange *x, const char *url)
{
    const struct http_request *r = x->request;
    CURL *curl = x->handle->curl;

    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    /* HTTP/2 has nothing for requests one by one, and a kept connection that its server ends by
     * GOAWAY fails them before libcurl 8.4 (curl pull request 12054). With 1.1 they are sent again
     * on a new connection. */
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "signet");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, x->headers);
    if (r->body != NULL) {
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)r->body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_length);
    }
    if (r->proxy != NULL)
        curl_easy_setopt(curl, CURLOPT_PROXY, r->proxy);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, count_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, x->reason);
}

static void set_limits(struct exchange *x)
{
    const struct http_request *r = x->request;
    int64_t left = x->end - clock_ms();
    CURL *curl = x->handle->curl;

    /* One more: libcurl rounds what has passed up, across a full second (Curl_timediff of 7.88),
     * and would give up early. And 0 would be: for ever. */
    left = left < 0 ? 1 : left + 1;
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)left);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(r->connect_ms > 0 && r->connect_ms < left ? r->connect_ms : left));
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    /* A name server that keeps silent is not waited for beyond the time that was given. */
    curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    set_roots(curl);
}

/* By the multi interface: the easy one looks up only once a second. */
static CURLcode perform(const struct handle *h, struct cancel *cancel)
{
    CURLcode result = CURLE_OUT_OF_MEMORY;
    int running = 1, left;
    CURLMsg *message;

    if (curl_multi_add_handle(h->multi, h->curl) != CURLM_OK)
        return result;
    while (curl_multi_perform(h->multi, &running) == CURLM_OK && running > 0) {
        if (cancel_requested(cancel)) {
            result = CURLE_ABORTED_BY_CALLBACK;
            goto remove;
        }
        curl_multi_poll(h->multi, NULL, 0, SLICE_MS, NULL);
    }
    while ((message = curl_multi_info_read(h->multi, &left)) != NULL)
        if (message->msg == CURLMSG_DONE)
            result = message->data.result;
remove:
    curl_multi_remove_handle(h->multi, h->curl);
    return result;
}

/* Whether a server, or a proxy, was there to be spoken to. */
static bool was_connected(const struct exchange *x)
{
    curl_off_t connected = 0;

    /* CONNECT_TIME is 0 for a kept connection. */
    curl_easy_getinfo(x->handle->curl, CURLINFO_PRETRANSFER_TIME_T, &connected);
    return connected > 0;
}

static bool timed_out(const struct exchange *x, struct error *e)
{
    const struct http_request *r = x->request;
    bool connected = was_connected(x);
    int64_t ms = r->timeout_ms;

    if (!connected && r->connect_ms > 0 && r->connect_ms < ms)
        ms = r->connect_ms;
    return error_set(e, ERROR_SYSTEM, "no %s within %g s", connected ? "answer" : "connection",
                     (double)ms / 1000);
}

/* libcurl's own words may repeat an address as it was set, in the environment too, with the
 * password in it; and what is long they cut. */
static bool repeats_address(const char *reason)
{
    return strchr(reason, '@') != NULL || strstr(reason, "://") != NULL;
}

static bool not_connected(const struct exchange *x, struct error *e)
{
    long number = 0;
    char reason[128];

    curl_easy_getinfo(x->handle->curl, CURLINFO_OS_ERRNO, &number);
    if (number != 0)
        return error_set(e, ERROR_SYSTEM, "no connection: %s",
                         strerror_r((int)number, reason, sizeof reason));
    if (repeats_address(x->reason))
        return error_set(e, ERROR_SYSTEM,
                         "no connection: a proxy is set whose address is none that can be used; it "
                         "must be a URL of http, https or socks5");
    return error_set(e, ERROR_SYSTEM, "no connection%s%s", x->reason[0] == '\0' ? "" : ": ",
                     x->reason);
}

static bool failed(const struct exchange *x, CURLcode code, struct error *e)
{
    const char *reason =
        x->reason[0] == '\0' || repeats_address(x->reason) ? curl_easy_strerror(code) : x->reason;

    switch (code) {
    case CURLE_ABORTED_BY_CALLBACK:
        return error_set(e, ERROR_CANCELLED, "stopped while waiting for a server");
    case CURLE_OUT_OF_MEMORY:
        /* Before 8.6, libcurl says so of a header, too, that is longer than it takes. */
        return was_connected(x) ? error_set(e, ERROR_SYSTEM, "a header of the answer has no end")
                                : error_set_memory(e);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
        if (was_connected(x))
            return error_set(e, ERROR_SYSTEM, "the answer is not one of HTTP");
        /* libcurl's own words may repeat the URL. */
        return error_set(e, ERROR_USAGE, "this is no URL of http or https");
    case CURLE_COULDNT_RESOLVE_HOST:
        return error_set(e, ERROR_SYSTEM, "the server's name is not resolved");
    case CURLE_COULDNT_RESOLVE_PROXY:
        return error_set(e, ERROR_SYSTEM, "the proxy's name is not resolved");
    case CURLE_COULDNT_CONNECT:
        return not_connected(x, e);
    case CURLE_OPERATION_TIMEDOUT:
        return timed_out(x, e);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return error_set(e, ERROR_SYSTEM, "TLS: %s", reason);
    case CURLE_GOT_NOTHING:
        return error_set(e, ERROR_SYSTEM, "the connection was closed without an answer");
    default:
        if (x->answer->body.failed)
            return error_set_memory(e);
        if (x->header_bytes > HEADERS_MAX)
            return error_set(e, ERROR_SYSTEM, "the headers of the answer have no end");
        if (x->too_long)
            return error_set(e, ERROR_SYSTEM, "the answer is longer than %zu bytes",
                             x->request->limit);
        return error_set(e, ERROR_SYSTEM, "%s", reason);
    }
}

static void read_answer(struct exchange *x)
{
    struct http_answer *a = x->answer;
    const char *type = NULL;
    curl_off_t seconds = 0;

    curl_easy_getinfo(x->handle->curl, CURLINFO_RESPONSE_CODE, &a->status);
    curl_easy_getinfo(x->handle->curl, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(x->handle->curl, CURLINFO_RETRY_AFTER, &seconds);
    type = type == NULL ? "" : type;
    snprintf(a->content_type, sizeof a->content_type, "%.*s", (int)strcspn(type, "; \t"), type);
    text_make_printable(a->content_type);
    for (char *c = a->content_type; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    seconds = seconds < 0 ? 0 : seconds > SHOWN_DELAY_MAX ? SHOWN_DELAY_MAX : seconds;
    a->retry_after_ms = (int64_t)seconds * 1000;
}

/* The next address, new, freed by the caller; *url NULL: this is the answer. */
static bool next_url(const struct exchange *x, const char *from, char **url, struct error *e)
{
    const char *to = NULL;
    long status = x->answer->status;
    char *shown;

    *url = NULL;
    curl_easy_getinfo(x->handle->curl, CURLINFO_REDIRECT_URL, &to);
    if (to == NULL || status < 301 || status > 308 || (status > 303 && status < 307))
        return true;
    if (x->request->body == NULL || status >= 307) {
        if (strncasecmp(from, "https:", 6) == 0 && strncasecmp(to, "https:", 6) != 0)
            return error_set(e, ERROR_SYSTEM, "it redirects from https to something else");
        if (strncasecmp(to, "https:", 6) != 0 && strncasecmp(to, "http:", 5) != 0)
            return error_set(e, ERROR_SYSTEM, "it redirects to what is no URL of http or https");
        *url = strdup(to);
        return *url != NULL || error_set_memory(e);
    }
    shown = http_shown(to);
    error_set(e, ERROR_SYSTEM, "it has moved to %s (status %ld); name it by that address",
              shown == NULL ? "another address" : shown, status);
    free(shown);
    return false;
}

/* One request; *url is replaced where the answer is a redirect, else set to NULL. */
static bool send_once(struct exchange *x, char **url, struct cancel *cancel, struct error *e)
{
    char *next = NULL;
    CURLcode code;
    bool good;

    x->header_bytes = 0;
    x->reason[0] = '\0';
    buffer_reset(&x->answer->body);
    set_request(x, *url);
    set_limits(x);
    code = perform(x->handle, cancel);
    good = code == CURLE_OK || failed(x, code, e);
    if (good) {
        read_answer(x);
        good = next_url(x, *url, &next, e);
    }
    /* Nothing of this request stays in it but the connection. */
    curl_easy_reset(x->handle->curl);
    free(*url);
    *url = next;
    return good;
}

static bool send_all(struct exchange *x, struct cancel *cancel, struct error *e)
{
    char *url = strdup(x->request->url);
    bool good = url != NULL || error_set_memory(e);

    for (int i = 0; good && url != NULL; i++)
        good = i <= HTTP_REDIRECTS
                   ? send_once(x, &url, cancel, e)
                   : error_set(e, ERROR_SYSTEM, "it redirects more than %d times", HTTP_REDIRECTS);
    free(url);
    return good;
}

static void start_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* TLS writes to its socket as to a file: a server that hangs up would end the program. */
static void hold_sigpipe(sigset_t *old)
{
    sigset_t pipe;

    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, old);
}

static void take_back_sigpipe(const sigset_t *old)
{
    static const struct timespec at_once = {0};
    sigset_t pipe;

    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    while (sigismember(old, SIGPIPE) == 0 && sigtimedwait(&pipe, NULL, &at_once) == SIGPIPE)
        continue;
    pthread_sigmask(SIG_SETMASK, old, NULL);
}

/* With a handle of the pool. It goes back only after a success: what is kept has nothing
 * half-done, and the next try after a bad answer may reach another machine behind the same name. */
static bool send_with_handle(struct exchange *x, struct cancel *cancel, struct error *e)
{
    struct http_pool *pool = x->request->pool;
    bool good;

    x->handle = pool_take(pool);
    if (x->handle == NULL)
        return error_set_memory(e);
    good = send_all(x, cancel, e);
    if (good && pool != NULL && x->answer->status == 200)
        pool_give(pool, x->handle);
    else
        handle_free(x->handle);
    return good;
}

bool http_send(const struct http_request *request, struct http_answer *answer,
               struct cancel *cancel, struct error *e)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct exchange x = {
        .request = request, .answer = answer, .end = clock_ms() + request->timeout_ms};
    sigset_t old;
    bool good;

    *answer = (struct http_answer){.body = BUFFER_INIT};
    pthread_once(&once, start_curl);
    hold_sigpipe(&old);
    good = add_headers(&x) ? send_with_handle(&x, cancel, e) : error_set_memory(e);
    take_back_sigpipe(&old);
    curl_slist_free_all(x.headers);
    if (!good)
        http_answer_free(answer);
    return good;
}

struct http_pool *http_pool_new(void)
{
    struct http_pool *pool = calloc(1, sizeof *pool);

    if (pool != NULL && pthread_mutex_init(&pool->mutex, NULL) != 0) {
        free(pool);
        pool = NULL;
    }
    return pool;
}

void http_pool_free(struct http_pool **pool)
{
    struct http_pool *o = *pool;
    struct handle *h;
    sigset_t old;

    if (o == NULL)
        return;
    hold_sigpipe(&old);
    while ((h = o->idle) != NULL) {
        o->idle = h->next;
        handle_free(h);
    }
    take_back_sigpipe(&old);
    pthread_mutex_destroy(&o->mutex);
    free(o);
    *pool = NULL;
}

void http_answer_free(struct http_answer *answer)
{
    buffer_free(&answer->body);
    *answer = (struct http_answer){.body = BUFFER_INIT};
}
