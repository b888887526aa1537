/* SPDX-License-Identifier: Apache-2.0 */
/* Which server is asked, when, and how often. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/ts.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../net/server.h"
#include "base/clock.h"
#include "base/thread.h"
#include "sign/timestamp.h"
#include "sign/tsa.h"

static const uint8_t value[] = "the value of a signature";
static const char dead[] = "http://127.0.0.1:1/";

/* How long a server that says nothing is waited for; a good one answers sooner on a busy machine,
 * too. */
enum { SILENT_MS = 5000 };

static struct server server;

/* A tsa of the servers up to NULL; what is not told is as in `spec`. */
static struct tsa *make(struct tsa_spec spec, ...)
{
    const char *servers[8], *url;
    struct error e = ERROR_INIT;
    struct tsa *t;
    va_list urls;

    va_start(urls, spec);
    for (spec.count = 0; (url = va_arg(urls, const char *)) != NULL; spec.count++)
        servers[spec.count] = url[0] == '/' ? server_url(&server, url) : url;
    va_end(urls);
    spec.servers = servers;
    spec.md = spec.md == NULL ? EVP_sha256() : spec.md;
    spec.timeout_ms = spec.timeout_ms == 0 ? 30000 : spec.timeout_ms;
    spec.tries = spec.tries == 0 ? 1 : spec.tries;
    t = tsa_new(&spec, &e);
    assert_non_null(t);
    return t;
}

static X509_STORE *roots(void)
{
    FILE *file = fopen(server_file(&server, "root.pem"), "r");
    X509 *root = PEM_read_X509(file, NULL, NULL, NULL);
    X509_STORE *store = X509_STORE_new();

    assert_int_equal(X509_STORE_add_cert(store, root), 1);
    X509_free(root);
    fclose(file);
    return store;
}

/* OpenSSL's own judgement of a token for `value`, by SHA-256. */
static void assert_openssl_accepts(const struct buffer *token)
{
    const unsigned char *at = token->data;
    PKCS7 *p7 = d2i_PKCS7(NULL, &at, (long)token->length);
    TS_VERIFY_CTX *ctx = TS_VERIFY_CTX_new();
    unsigned char *imprint = OPENSSL_malloc(32);

    assert_ptr_equal(at, token->data + token->length);
    EVP_Digest(value, sizeof value, imprint, NULL, EVP_sha256(), NULL);
    TS_VERIFY_CTX_set_flags(ctx, TS_VFY_SIGNATURE | TS_VFY_VERSION | TS_VFY_IMPRINT);
    TS_VERIFY_CTX_set_store(ctx, roots());
    TS_VERIFY_CTX_set_imprint(ctx, imprint, 32);
    assert_int_equal(TS_RESP_verify_token(ctx, p7), 1);
    TS_VERIFY_CTX_free(ctx);
    PKCS7_free(p7);
}

/* The path of the server that gave the timestamp, which holds. */
static const char *stamp(struct tsa *t, struct tsa_result *result)
{
    struct buffer token = BUFFER_INIT;
    struct timestamp_view v;
    struct error e = ERROR_INIT;

    if (!tsa_stamp(t, value, sizeof value, &token, result, NULL, &e))
        fail_msg("%s", e.text);
    assert_true(timestamp_view(token.data, token.length, &v, &e));
    assert_true(timestamp_fits(&v, value, sizeof value, &e));
    assert_true(timestamp_signature(&v, &e));
    assert_int_equal(v.time, result->time);
    timestamp_view_free(&v);
    buffer_free(&token);
    return result->server + strlen(server.url);
}

static void assert_fails(struct tsa *t, struct error *e)
{
    struct buffer token = BUFFER_INIT;

    assert_false(tsa_stamp(t, value, sizeof value, &token, NULL, NULL, e));
    assert_int_equal(e->code, ERROR_TIMESTAMP);
    assert_int_equal(token.length, 0);
}

static void test_good(void **state)
{
    struct tsa *t = make((struct tsa_spec){.md = EVP_sha384()}, "/good", "/good/1", NULL);
    struct tsa_result r;

    (void)state;
    assert_string_equal(stamp(t, &r), "/good");
    assert_int_equal(r.tries, 1);
    assert_int_equal(server_count(&server, "/good/1"), 0);
    tsa_free(&t);
    assert_null(t);
}

static void test_openssl_agrees(void **state)
{
    struct tsa *t = make((struct tsa_spec){0}, "/good", NULL);
    struct buffer token = BUFFER_INIT;
    struct error e = ERROR_INIT;

    (void)state;
    assert_true(tsa_stamp(t, value, sizeof value, &token, NULL, NULL, &e));
    assert_openssl_accepts(&token);
    buffer_free(&token);
    tsa_free(&t);
}

static void test_no_server(void **state)
{
    const struct tsa_spec spec = {.tries = 1};
    struct error e = ERROR_INIT;

    (void)state;
    assert_null(tsa_new(&spec, &e));
    assert_int_equal(e.code, ERROR_PROFILE);
}

/* What each bad answer is called; and that the next server is asked. */
static void test_bad_answers(void **state)
{
    static const struct {
        const char *path, *why;
    } bad[] = {
        {"/hang", "no answer within 0.4 s"},
        {"/drop", "closed without an answer"},
        {"/status/500", "HTTP status 500 Internal Server Error"},
        {"/status/404", "HTTP status 404 Not Found"},
        {"/wrong-nonce", "the nonce differs"},
        {"/no-nonce", "no nonce"},
        {"/wrong-imprint", "the imprint differs"},
        {"/stale", "the imprint differs"},
        {"/expired", "'Test TSA expired' expired at 2021-01-01T00:00:00Z"},
        {"/no-eku", "'Test TSA without purpose' is not for timestamps alone"},
        {"/clock/3600", "one of the two clocks is wrong"},
        {"/clock/-3600", "one of the two clocks is wrong"},
        {"/endless", "the answer is longer than 1048576 bytes"},
        {"/garbage", "the answer is no timestamp"},
        {"/empty", "the answer is no timestamp: it is empty"},
        {"/trailing", "something follows it"},
        {"/rejected", "badAlg"},
        {"/page", "it answers with text/html: the answer is no timestamp: it is not in DER"},
        {"/redirect/302/good", "it has moved to http://"},
        {dead, "no connection: Connection refused"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct tsa_spec spec = {.timeout_ms =
                                          strcmp(bad[i].path, "/hang") == 0 ? 400 : 10000};
        struct tsa *t = make(spec, bad[i].path, NULL);
        struct error e = ERROR_INIT;
        struct tsa_result r;

        assert_fails(t, &e);
        if (strstr(e.text, bad[i].why) == NULL)
            fail_msg("%s: '%s' is not in: %s", bad[i].path, bad[i].why, e.text);
        tsa_free(&t);
        if (spec.timeout_ms < 1000)
            continue;
        t = make(spec, bad[i].path, "/good", NULL);
        assert_string_equal(stamp(t, &r), "/good");
        assert_int_equal(r.tries, 1);
        tsa_free(&t);
    }
}

static void test_good_in_other_ways(void **state)
{
    static const char *const paths[] = {"/wrong-type", "/redirect/307/good"};
    struct tsa_result r;

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct tsa *t = make((struct tsa_spec){0}, paths[i], NULL);

        assert_string_equal(stamp(t, &r), paths[i]);
        tsa_free(&t);
    }
}

static void test_roots(void **state)
{
    X509_STORE *store = roots();
    struct tsa *t = make((struct tsa_spec){.trust = store}, "/stranger", "/good", NULL);
    struct tsa_result r;

    (void)state;
    X509_STORE_free(store);
    assert_string_equal(stamp(t, &r), "/good");
    tsa_free(&t);
    t = make((struct tsa_spec){0}, "/stranger", "/good", NULL);
    assert_string_equal(stamp(t, &r), "/stranger");
    tsa_free(&t);
}

/* A server that failed is asked last by all that come later, and costs them nothing. */
static void test_a_failure_is_remembered(void **state)
{
    static const char hang[] = "/first/9/hang/then/good";
    struct tsa *t = make((struct tsa_spec){.timeout_ms = SILENT_MS}, dead, hang, "/good", NULL);
    struct tsa_result r;
    int64_t start = clock_ms();

    (void)state;
    for (int i = 0; i < 5; i++)
        assert_string_equal(stamp(t, &r), "/good");
    assert_int_equal(server_count(&server, hang), 1);
    assert_true(clock_ms() - start >= SILENT_MS);
    tsa_free(&t);
}

/* When all have failed, the first is the first again. */
static void test_all_failed(void **state)
{
    static const char first[] = "/first/2/status/503/then/good",
                      second[] = "/first/9/drop/then/good";
    struct tsa *t = make((struct tsa_spec){.tries = 3}, first, second, NULL);
    struct tsa_result r;
    int64_t start = clock_ms();

    (void)state;
    assert_string_equal(stamp(t, &r), first);
    assert_int_equal(r.tries, 3);
    assert_int_equal(server_count(&server, first), 3);
    assert_int_equal(server_count(&server, second), 2);
    /* 1 and 2 seconds, a quarter more or less */
    assert_in_range(clock_ms() - start, 2250, 9000);
    tsa_free(&t);
}

static void test_tries_end(void **state)
{
    struct tsa *t =
        make((struct tsa_spec){.tries = 2}, dead, "/first/9/status/502/then/good", NULL);
    struct error e = ERROR_INIT;

    (void)state;
    assert_fails(t, &e);
    assert_non_null(
        strstr(e.text, "no timestamp after 2 tries: http://127.0.0.1:1/: no connection"));
    assert_non_null(strstr(e.text, "/first/9/status/502/then/good: HTTP status 502 Bad Gateway"));
    assert_int_equal(server_count(&server, "/first/9/status/502/then/good"), 2);
    tsa_free(&t);
}

/* Who says that the request is wrong will say so again. */
static void test_given_up(void **state)
{
    static const char *const final[] = {"/first/1/status/403/then/good",
                                        "/first/1/rejected/then/good"};

    (void)state;
    for (size_t i = 0; i < sizeof final / sizeof *final; i++) {
        struct tsa *t = make((struct tsa_spec){.tries = 5}, final[i], NULL);
        struct error e = ERROR_INIT;

        assert_fails(t, &e);
        assert_non_null(strstr(e.text, "after 1 try: "));
        assert_int_equal(server_count(&server, final[i]), 1);
        tsa_free(&t);
    }
}

static void test_retry_after(void **state)
{
    static const char busy[] = "/first/1/busy/3/then/good";
    struct tsa *t = make((struct tsa_spec){.tries = 2}, busy, NULL);
    struct tsa_result r;
    int64_t start = clock_ms();

    (void)state;
    assert_string_equal(stamp(t, &r), busy);
    assert_int_equal(r.tries, 2);
    assert_in_range(clock_ms() - start, 3000, 9000);
    tsa_free(&t);
}

/* Who comes later keeps to it too, and it costs no try; another server may be asked meanwhile. */
static void test_retry_after_is_for_all(void **state)
{
    static const char busy[] = "/first/1/busy/2/then/good/2";
    struct tsa *t = make((struct tsa_spec){.tries = 1}, busy, NULL);
    struct error e = ERROR_INIT;
    struct tsa_result r;
    int64_t start = clock_ms();

    (void)state;
    assert_fails(t, &e);
    assert_string_equal(stamp(t, &r), busy);
    assert_in_range(clock_ms() - start, 2000, 9000);
    tsa_free(&t);
    t = make((struct tsa_spec){.tries = 2}, "/first/1/busy/50/then/good",
             "/first/1/drop/then/good/3", NULL);
    assert_string_equal(stamp(t, &r), "/first/1/drop/then/good/3");
    assert_in_range(clock_ms() - start, 2000, 30000);
    tsa_free(&t);
}

static void *cancel_soon(void *data)
{
    clock_sleep_ms(400);
    cancel_request(data);
    return NULL;
}

static void assert_cancelled(struct tsa *t)
{
    struct buffer token = BUFFER_INIT;
    struct cancel cancel = CANCEL_INIT;
    struct error e = ERROR_INIT;
    int64_t start = clock_ms();
    pthread_t thread;

    assert_true(thread_start(&thread, cancel_soon, &cancel));
    assert_false(tsa_stamp(t, value, sizeof value, &token, NULL, &cancel, &e));
    assert_int_equal(e.code, ERROR_CANCELLED);
    assert_in_range(clock_ms() - start, 400, 3000);
    pthread_join(thread, NULL);
}

/* In a request, in the pause, in what Retry-After asks for, and while the minute is full. */
static void test_cancel(void **state)
{
    struct tsa *t[] = {
        make((struct tsa_spec){.tries = 3}, "/hang", NULL),
        make((struct tsa_spec){.tries = 3}, dead, NULL),
        make((struct tsa_spec){.tries = 3}, "/busy/50", NULL),
        make((struct tsa_spec){.rate = 2}, "/good/4", NULL),
    };
    struct tsa_result r;

    (void)state;
    stamp(t[3], &r);
    stamp(t[3], &r);
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        assert_cancelled(t[i]);
        tsa_free(&t[i]);
    }
    assert_int_equal(server_count(&server, "/good/4"), 2);
}

static void test_nothing_secret_is_shown(void **state)
{
    char url[160];
    struct error e = ERROR_INIT;
    struct tsa *t;

    (void)state;
    snprintf(url, sizeof url, "http://user:secret@%s/status/500", server.url + strlen("http://"));
    t = make((struct tsa_spec){0}, url, NULL);
    assert_fails(t, &e);
    assert_null(strstr(e.text, "secret"));
    tsa_free(&t);
}

enum { THREADS = 4, EACH = 5 };

struct some {
    struct tsa *tsa;
    struct cancel *cancel;
    size_t good;
};

static void *stamp_some(void *data)
{
    struct some *s = data;

    for (int i = 0; i < EACH; i++) {
        struct buffer token = BUFFER_INIT;

        s->good += tsa_stamp(s->tsa, value, sizeof value, &token, NULL, s->cancel, NULL);
        buffer_free(&token);
    }
    return NULL;
}

/* EACH stamps in each of THREADS; how many were good. */
static size_t stamp_many(struct tsa *t, struct cancel *cancel)
{
    struct some some[THREADS];
    pthread_t thread[THREADS];
    size_t good = 0;

    for (size_t i = 0; i < THREADS; i++) {
        some[i] = (struct some){.tsa = t, .cancel = cancel};
        assert_true(thread_start(&thread[i], stamp_some, &some[i]));
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        good += some[i].good;
    }
    return good;
}

static void test_several_at_once(void **state)
{
    struct tsa *t = make((struct tsa_spec){.timeout_ms = 60000}, "/together/4/good", NULL);

    (void)state;
    assert_int_equal(stamp_many(t, NULL), THREADS * EACH);
    assert_int_equal(server_count(&server, "/together/4/good"), THREADS * EACH);
    tsa_free(&t);
}

/* Those that ask it before anybody knows wait for it once, the others never. */
static void test_a_silent_server_among_threads(void **state)
{
    static const char silent[] = "/first/99/hang/then/good";
    struct tsa *t = make((struct tsa_spec){.timeout_ms = SILENT_MS}, silent, "/good/5", NULL);
    int64_t start = clock_ms();

    (void)state;
    assert_int_equal(stamp_many(t, NULL), THREADS * EACH);
    assert_in_range(server_count(&server, silent), 1, THREADS);
    assert_true(clock_ms() - start >= SILENT_MS);
    tsa_free(&t);
}

/* As soon as the minute is full, and a moment later. */
static void *cancel_when_full(void *data)
{
    int64_t end = clock_ms() + 30000;

    while (server_count(&server, "/good/6") < 6 && clock_ms() < end)
        clock_sleep_ms(20);
    return cancel_soon(data);
}

static void test_the_rate_is_for_all(void **state)
{
    struct tsa *t = make((struct tsa_spec){.rate = 6}, "/good/6", NULL);
    struct cancel cancel = CANCEL_INIT;
    pthread_t thread;

    (void)state;
    assert_true(thread_start(&thread, cancel_when_full, &cancel));
    assert_in_range(stamp_many(t, &cancel), 0, 6);
    pthread_join(thread, NULL);
    assert_int_equal(server_count(&server, "/good/6"), 6);
    tsa_free(&t);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_openssl_agrees),
        cmocka_unit_test(test_no_server),
        cmocka_unit_test(test_bad_answers),
        cmocka_unit_test(test_good_in_other_ways),
        cmocka_unit_test(test_roots),
        cmocka_unit_test(test_a_failure_is_remembered),
        cmocka_unit_test(test_all_failed),
        cmocka_unit_test(test_tries_end),
        cmocka_unit_test(test_given_up),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_retry_after_is_for_all),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_nothing_secret_is_shown),
        cmocka_unit_test(test_several_at_once),
        cmocka_unit_test(test_a_silent_server_among_threads),
        cmocka_unit_test(test_the_rate_is_for_all),
    };
    int failed;

    if (argc != 2)
        return 2;
    setenv("no_proxy", "*", 1);
    server_start(&server, argv[1]);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    server_stop(&server);
    return failed;
}
