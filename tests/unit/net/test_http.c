/* SPDX-License-Identifier: Apache-2.0 */
/* One exchange with a real server, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "net/http.h"
#include "server.h"

/* A label has 63 bytes at most (RFC 1035, section 2.3.4), so no name server is asked, or waited
 * for. */
#define NO_NAME "name-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.invalid"

/* Of one that gets no answer, in ms: time enough to connect on a machine that is busy. */
enum { PATIENCE = 1000 };

static struct server server;

static struct http_request request(const char *path, const char *body)
{
    return (struct http_request){.url = server_url(&server, path),
                                 .body = (const uint8_t *)body,
                                 .body_length = body == NULL ? 0 : strlen(body),
                                 .timeout_ms = 10000,
                                 .limit = 100000};
}

static void assert_fails(const struct http_request *r, const char *why)
{
    struct http_answer answer;
    struct error e = ERROR_INIT;

    assert_false(http_send(r, &answer, NULL, &e));
    assert_int_equal(e.code, ERROR_SYSTEM);
    if (strstr(e.text, why) == NULL)
        fail_msg("'%s' is not in: %s", why, e.text);
}

/* Sends it, and gives the status. */
static long status(const struct http_request *r, struct http_answer *answer)
{
    struct error e = ERROR_INIT;

    if (!http_send(r, answer, NULL, &e))
        fail_msg("%s: %s", r->url, e.text);
    return answer->status;
}

/* Sends it `times`, each with a status of 200, and gives how many connections that took. */
static size_t connections(const struct http_request *r, unsigned times)
{
    size_t before = server_connections(&server);
    struct http_answer a;

    for (unsigned i = 0; i < times; i++) {
        assert_int_equal(status(r, &a), 200);
        http_answer_free(&a);
    }
    return server_connections(&server) - before;
}

static void test_answers(void **state)
{
    struct http_request get = request("/file/root.pem", NULL), none = request("/nothing", "x"),
                        page = request("/page", "x"), empty = request("/empty", "x");
    struct http_answer a;

    (void)state;
    assert_int_equal(status(&get, &a), 200);
    assert_string_equal(a.content_type, "application/octet-stream");
    assert_non_null(strstr(buffer_text(&a.body), "BEGIN CERTIFICATE"));
    assert_int_equal(a.retry_after_ms, 0);
    http_answer_free(&a);
    assert_int_equal(status(&none, &a), 404);
    http_answer_free(&a);
    assert_int_equal(status(&page, &a), 200);
    assert_string_equal(a.content_type, "text/html");
    assert_string_equal(buffer_text(&a.body), "<html>Please log in</html>");
    http_answer_free(&a);
    assert_int_equal(status(&empty, &a), 200);
    assert_int_equal(a.body.length, 0);
    http_answer_free(&a);
}

static void test_retry_after(void **state)
{
    struct http_request seconds = request("/busy/7", "x"), date = request("/busy-date/20", "x"),
                        past = request("/busy-date/-20", "x");
    struct http_answer a;

    (void)state;
    assert_int_equal(status(&seconds, &a), 429);
    assert_int_equal(a.retry_after_ms, 7000);
    http_answer_free(&a);
    assert_int_equal(status(&date, &a), 429);
    assert_in_range(a.retry_after_ms, 17000, 20000);
    http_answer_free(&a);
    assert_int_equal(status(&past, &a), 429);
    assert_int_equal(a.retry_after_ms, 0);
    http_answer_free(&a);
}

static void test_redirects(void **state)
{
    struct http_request get = request("/redirect/302/redirect/301/file/root.pem", NULL),
                        post = request("/redirect/307/redirect/308/page", "x"),
                        moved = request("/redirect/302/page", "x"),
                        many = request("/redirect/307/redirect/307/redirect/307/redirect/307/"
                                       "redirect/307/redirect/307/page",
                                       "x");
    struct http_answer a;

    (void)state;
    assert_int_equal(status(&get, &a), 200);
    assert_non_null(strstr(buffer_text(&a.body), "BEGIN CERTIFICATE"));
    http_answer_free(&a);
    assert_int_equal(status(&post, &a), 200);
    assert_non_null(strstr(buffer_text(&a.body), "log in"));
    http_answer_free(&a);
    assert_fails(&moved, "it has moved to http://127.0.0.1:");
    assert_int_equal(server_count(&server, "/page"), 2);
    assert_fails(&many, "redirects more than 5 times");
}

static void test_no_end(void **state)
{
    struct http_request body = request("/endless", "x"), headers = request("/endless-headers", "x"),
                        header = request("/endless-header", "x");

    (void)state;
    assert_fails(&body, "longer than 100000 bytes");
    assert_fails(&headers, "headers of the answer have no end");
    assert_fails(&header, "a header of the answer has no end");
}

static void test_no_answer(void **state)
{
    struct http_request hang = request("/hang", "x"), drop = request("/drop", "x"),
                        mail = request("/no-http", "x"), dead = hang;
    int64_t start = clock_ms();

    (void)state;
    hang.timeout_ms = PATIENCE;
    assert_fails(&hang, "no answer within 1 s");
    assert_in_range(clock_ms() - start, PATIENCE, 5000);
    assert_fails(&drop, "closed without an answer");
    assert_fails(&mail, "not one of HTTP");
    dead.url = "http://127.0.0.1:1/";
    assert_fails(&dead, "no connection: Connection refused");
    dead.url = "http://" NO_NAME "/";
    assert_fails(&dead, "name is not resolved");
}

static void test_only_http(void **state)
{
    static const char *const urls[] = {"file:///etc/passwd", "ftp://127.0.0.1/", "http://", "x y"};
    struct http_request r = request("", NULL);
    struct http_answer answer;

    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct error e = ERROR_INIT;

        r.url = urls[i];
        assert_false(http_send(&r, &answer, NULL, &e));
        assert_true(e.code == ERROR_USAGE || e.code == ERROR_SYSTEM);
    }
    r = request("/leave/file", "x");
    assert_fails(&r, "redirects to what is no URL of http or https");
}

static void test_tls(void **state)
{
    struct http_request r = request("", "x");
    struct http_answer a;
    char url[128];

    (void)state;
    r.url = url;
    snprintf(url, sizeof url, "%s/page", server.tls_url);
    unsetenv("SSL_CERT_FILE");
    assert_fails(&r, "TLS: SSL certificate problem");
    setenv("SSL_CERT_FILE", server_file(&server, "root.pem"), 1);
    assert_int_equal(status(&r, &a), 200);
    http_answer_free(&a);
    snprintf(url, sizeof url, "%s/downgrade/page", server.tls_url);
    assert_fails(&r, "redirects from https to something else");
    unsetenv("SSL_CERT_FILE");
}

static void test_proxy(void **state)
{
    struct http_request r = request("", "x");
    struct http_answer a;

    (void)state;
    r.url = "http://" NO_NAME "/page";
    r.proxy = server.url;
    assert_int_equal(status(&r, &a), 200);
    http_answer_free(&a);
    assert_int_equal(server_count(&server, "http://" NO_NAME "/page"), 1);
    r.proxy = NULL;
    setenv("http_proxy", server.url, 1);
    assert_int_equal(status(&r, &a), 200);
    http_answer_free(&a);
    setenv("no_proxy", NO_NAME, 1);
    assert_fails(&r, "name is not resolved");
    unsetenv("no_proxy");
    setenv("http_proxy", "odd://user:secret@127.0.0.1:1", 1);
    assert_fails(&r, "no connection: a proxy is set whose address is none");
    unsetenv("http_proxy");
}

static void test_nothing_secret_is_shown(void **state)
{
    static const struct {
        const char *url, *shown;
    } cases[] = {
        {"http://user:secret@example.com/a@b?c=d@e", "http://example.com/a@b?c=d@e"},
        {"http://user:sec/ret@example.com/a", "http://example.com/a"},
        {"http://user:sec/r@t@example.com", "http://example.com"},
        {"http://example.com:8080/a@b", "http://example.com:8080/a@b"},
        {"http://[::1]:80/a@b", "http://[::1]:80/a@b"},
        {"http://example.com/\x1b", "http://example.com/\\x1B"},
        {"user:secret@example.com", "example.com"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *shown = http_shown(cases[i].url);

        assert_string_equal(shown, cases[i].shown);
        free(shown);
    }
}

/* Nor of a proxy that is none. */
static void test_proxy_is_not_shown(void **state)
{
    static const char *const proxies[] = {"ftp://user:secret@127.0.0.1:1",
                                          "http://user:secret@127.0.0.1:1",
                                          "http://user:secret@[::1", "http://user:secret@h:99999",
                                          "socks5://user:secret@127.0.0.1:1"};
    struct http_request r = request("/page", "x");
    struct http_answer answer;

    (void)state;
    for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++) {
        struct error e = ERROR_INIT;

        r.proxy = proxies[i];
        assert_false(http_send(&r, &answer, NULL, &e));
        assert_int_equal(e.code, ERROR_SYSTEM);
        if (strstr(e.text, "secret") != NULL)
            fail_msg("%s: %s", proxies[i], e.text);
    }
}

static void *cancel_soon(void *data)
{
    clock_sleep_ms(200);
    cancel_request(data);
    return NULL;
}

static void test_cancel(void **state)
{
    struct http_pool *pool = http_pool_new();
    struct http_request r = request("/hang", "x"), page = request("/page", "x");
    struct cancel cancel = CANCEL_INIT;
    struct http_answer answer;
    struct error e = ERROR_INIT;
    int64_t start;
    pthread_t thread;

    (void)state;
    r.pool = page.pool = pool;
    connections(&page, 1);
    start = clock_ms();
    assert_true(thread_start(&thread, cancel_soon, &cancel));
    assert_false(http_send(&r, &answer, &cancel, &e));
    assert_int_equal(e.code, ERROR_CANCELLED);
    assert_in_range(clock_ms() - start, 200, 5000);
    pthread_join(thread, NULL);
    http_pool_free(&pool);
}

static void test_connections(void **state)
{
    struct http_pool *pool = http_pool_new();
    struct http_request kept = request("/page", "x"), alone = kept,
                        moved = request("/redirect/307/page", "x"),
                        get = request("/file/root.pem", NULL);

    (void)state;
    kept.pool = moved.pool = get.pool = pool;
    assert_int_equal(connections(&alone, 3), 3);
    assert_int_equal(connections(&moved, 1), 1);
    assert_int_equal(connections(&kept, 3), 0);
    assert_int_equal(connections(&get, 2), 0);
    assert_int_equal(connections(&kept, 2), 0);
    http_pool_free(&pool);
    assert_null(pool);
}

/* By a server that closes them: after an answer, told or not, and when the next request comes. */
static void test_closed_connections(void **state)
{
    struct http_pool *pool = http_pool_new();
    struct http_request told = request("/close/page", "x"),
                        silent = request("/silent-close/page", "x"),
                        late = request("/once/page", "x"), get = request("/once/page", NULL);

    (void)state;
    told.pool = silent.pool = late.pool = get.pool = pool;
    assert_int_equal(connections(&told, 4), 4);
    assert_int_equal(connections(&silent, 4), 4);
    assert_int_equal(connections(&late, 8), 8);
    assert_int_equal(connections(&get, 8), 8);
    http_pool_free(&pool);
}

/* A failure on a kept connection reads as on a new one, and keeps nothing. */
static void test_failures_of_kept(void **state)
{
    struct http_pool *pool = http_pool_new();
    struct http_request page = request("/page", "x"), hang = request("/hang", "x"),
                        drop = request("/drop", "x"), bad = request("/status/500", "x");
    int64_t start;
    struct http_answer a;

    (void)state;
    page.pool = hang.pool = drop.pool = bad.pool = pool;
    connections(&page, 1);
    hang.timeout_ms = PATIENCE;
    start = clock_ms();
    assert_fails(&hang, "no answer within 1 s");
    assert_in_range(clock_ms() - start, PATIENCE, 5000);
    assert_int_equal(connections(&page, 2), 1);
    assert_fails(&drop, "closed without an answer");
    assert_int_equal(connections(&page, 2), 1);
    assert_int_equal(status(&bad, &a), 500);
    http_answer_free(&a);
    assert_int_equal(connections(&page, 2), 1);
    http_pool_free(&pool);
}

/* The roots of now count, not those of when it was opened. */
static void test_trust_of_kept(void **state)
{
    struct http_pool *pool = http_pool_new();
    struct http_request r = request("", "x");
    char url[128];

    (void)state;
    snprintf(url, sizeof url, "%s/page", server.tls_url);
    r.url = url;
    r.pool = pool;
    setenv("SSL_CERT_FILE", server_file(&server, "root.pem"), 1);
    assert_int_equal(connections(&r, 3), 1);
    unsetenv("SSL_CERT_FILE");
    assert_fails(&r, "TLS: SSL certificate problem");
    http_pool_free(&pool);
}

static void *send_slow(void *data)
{
    struct http_request r = {
        .url = data, .timeout_ms = 10000, .limit = 100000, .body = (const uint8_t *)"x"};
    struct http_answer answer = {.status = 0};

    r.body_length = 1;
    if (!http_send(&r, &answer, NULL, NULL) || answer.status != 200)
        return NULL;
    http_answer_free(&answer);
    return data;
}

static void test_many_at_once(void **state)
{
    char *url = strdup(server_url(&server, "/first/0/then/page"));
    pthread_t thread[16];
    void *good;

    (void)state;
    for (size_t i = 0; i < 16; i++)
        assert_true(thread_start(&thread[i], send_slow, url));
    for (size_t i = 0; i < 16; i++) {
        pthread_join(thread[i], &good);
        assert_non_null(good);
    }
    free(url);
}

/* Signals are as they were, also after a server that hung up. */
static void test_signals(void **state)
{
    struct http_request r = request("/drop", "x");
    struct http_answer answer;
    sigset_t mask, pending;

    (void)state;
    http_send(&r, &answer, NULL, NULL);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    sigpending(&pending);
    assert_int_equal(sigismember(&mask, SIGPIPE), 0);
    assert_int_equal(sigismember(&pending, SIGPIPE), 0);
}

int main(int argc, char **argv)
{
    static const char *const proxies[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "no_proxy",
                                          "all_proxy",  "ALL_PROXY",   "NO_PROXY"};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_redirects),
        cmocka_unit_test(test_no_end),
        cmocka_unit_test(test_no_answer),
        cmocka_unit_test(test_only_http),
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_proxy),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_nothing_secret_is_shown),
        cmocka_unit_test(test_proxy_is_not_shown),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_connections),
        cmocka_unit_test(test_closed_connections),
        cmocka_unit_test(test_failures_of_kept),
        cmocka_unit_test(test_trust_of_kept),
    };
    int failed;

    if (argc != 2)
        return 2;
    for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++)
        unsetenv(proxies[i]);
    server_start(&server, argv[1]);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    server_stop(&server);
    return failed;
}
