/* SPDX-License-Identifier: Apache-2.0 */
/* What a timestamp server answers, and what is made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "../cert/make.h"
#include "sign/timestamp.h"
#include "stamper.h"

enum { HOUR = 3600 };

static const uint8_t value[] = "the value of a signature";

/* root > tsa, and the certificates of bad ones, all with one key. */
struct rig {
    EVP_PKEY *root_key, *key;
    X509 *root, *tsa, *stranger, *aimless, *broad, *uncritical, *expired, *mute, *early;
    X509_STORE *trust, *other_trust;
    struct timestamp_request request;
    struct buffer answer;
    time_t now;
};

static X509 *issue(const struct rig *r, const char *name, const char *usage, const char *purposes,
                   time_t from, time_t to)
{
    const struct certificate c = {.name = name,
                                  .key = r->key,
                                  .issuer = r->root,
                                  .issuer_key = r->root_key,
                                  .from = from,
                                  .to = to,
                                  .serial = 7,
                                  .usage = usage,
                                  .purposes = purposes};

    return make_certificate(&c);
}

static X509_STORE *store_of(X509 *root)
{
    X509_STORE *store = X509_STORE_new();

    X509_STORE_add_cert(store, root);
    return store;
}

static int set_up(void **state)
{
    static const char signs[] = "critical,digitalSignature", stamps[] = "critical,timeStamping";
    struct rig *r = calloc(1, sizeof *r);
    struct certificate root = {.name = "root", .ca = true, .usage = "critical,keyCertSign"};

    r->now = time(NULL);
    r->key = make_key("P-256");
    r->root_key = root.key = make_key("P-256");
    r->root = make_certificate(&root);
    r->tsa = issue(r, "tsa", signs, stamps, 0, 0);
    r->stranger = issue(r, "stranger", signs, stamps, 0, 0);
    r->aimless = issue(r, "aimless", signs, NULL, 0, 0);
    r->broad = issue(r, "broad", signs, "critical,timeStamping,codeSigning", 0, 0);
    r->uncritical = issue(r, "uncritical", signs, "timeStamping", 0, 0);
    r->expired = issue(r, "expired", signs, stamps, YEAR_2020, YEAR_2020 + HOUR);
    r->early = issue(r, "early", signs, stamps, r->now + HOUR, YEAR_2040);
    r->mute = issue(r, "mute", "critical,keyEncipherment", stamps, 0, 0);
    r->trust = store_of(r->root);
    root.name = "another root";
    X509 *other = make_certificate(&root);
    r->other_trust = store_of(other);
    X509_free(other);
    assert_true(timestamp_request(EVP_sha256(), value, sizeof value, &r->request, NULL));
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;
    X509 *all[] = {r->root,       r->tsa,     r->stranger, r->aimless, r->broad,
                   r->uncritical, r->expired, r->mute,     r->early};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        X509_free(all[i]);
    EVP_PKEY_free(r->root_key);
    EVP_PKEY_free(r->key);
    X509_STORE_free(r->trust);
    X509_STORE_free(r->other_trust);
    timestamp_request_free(&r->request);
    buffer_free(&r->answer);
    free(r);
    return 0;
}

/* The answer of `s` (with the rig's key and the one certificate where it names none). */
static void answer(struct rig *r, struct stamper s)
{
    s.cert = s.cert == NULL ? r->tsa : s.cert;
    s.key = r->key;
    s.fit = r->tsa;
    buffer_reset(&r->answer);
    stamper_answer(&s, &r->request.der, &r->answer);
}

static bool check(struct rig *r, X509_STORE *trust, struct buffer *token, struct error *e)
{
    time_t when;

    return timestamp_check(&r->request, r->answer.data, r->answer.length, trust, r->now, token,
                           &when, e);
}

static void assert_refused(struct rig *r, X509_STORE *trust, const char *why)
{
    struct buffer token = BUFFER_INIT;
    struct error e = ERROR_INIT;

    assert_false(check(r, trust, &token, &e));
    assert_int_equal(e.code, ERROR_TIMESTAMP);
    if (strstr(e.text, why) == NULL)
        fail_msg("'%s' is not in: %s", why, e.text);
    assert_int_equal(token.length, 0);
}

static void assert_good(struct rig *r, X509_STORE *trust)
{
    struct buffer token = BUFFER_INIT;
    struct error e = ERROR_INIT;

    if (!check(r, trust, &token, &e))
        fail_msg("%s", e.text);
    assert_true(token.length > 100);
    buffer_free(&token);
}

static void test_the_request(void **state)
{
    struct rig *r = *state;
    struct timestamp_request second;
    const unsigned char *at = r->request.der.data;
    TS_REQ *request = d2i_TS_REQ(NULL, &at, (long)r->request.der.length);
    TS_MSG_IMPRINT *imprint;
    const ASN1_OBJECT *hash;
    uint8_t digest[32];

    assert_non_null(request);
    assert_ptr_equal(at, r->request.der.data + r->request.der.length);
    assert_int_equal(TS_REQ_get_version(request), 1);
    assert_true(TS_REQ_get_cert_req(request));
    imprint = TS_REQ_get_msg_imprint(request);
    X509_ALGOR_get0(&hash, NULL, NULL, TS_MSG_IMPRINT_get_algo(imprint));
    assert_int_equal(OBJ_obj2nid(hash), NID_sha256);
    EVP_Digest(value, sizeof value, digest, NULL, EVP_sha256(), NULL);
    assert_int_equal(ASN1_STRING_length(TS_MSG_IMPRINT_get_msg(imprint)), 32);
    assert_memory_equal(ASN1_STRING_get0_data(TS_MSG_IMPRINT_get_msg(imprint)), digest, 32);
    TS_REQ_free(request);

    assert_true(timestamp_request(EVP_sha256(), value, sizeof value, &second, NULL));
    assert_int_not_equal(second.nonce, r->request.nonce);
    timestamp_request_free(&second);
}

static void test_good_answers(void **state)
{
    struct rig *r = *state;
    const struct stamper ways[] = {
        {.cert = r->tsa},
        {.cert = r->tsa, .ess = EVP_sha1()},
        {.cert = r->tsa, .ess = EVP_sha512()},
        {.cert = r->tsa, .issuer = r->root},
        /* The root is named, and not there. */
        {.cert = r->tsa, .whole_chain = true},
        {.cert = r->tsa, .again = true},
        {.cert = r->tsa, .time = r->now - 4 * 60},
        {.cert = r->tsa, .time = r->now + 4 * 60},
    };

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        answer(r, ways[i]);
        assert_good(r, NULL);
        assert_good(r, r->trust);
    }
    /* grantedWithMods; the status is the first thing in it */
    assert_memory_equal(r->answer.data + 4, ((uint8_t[]){0x30, 3, 2, 1, 0}), 5);
    r->answer.data[8] = 1;
    assert_good(r, NULL);
}

static void test_the_token_is_what_was_sent(void **state)
{
    struct rig *r = *state;
    struct buffer token = BUFFER_INIT;
    struct timestamp_view v;
    struct error e = ERROR_INIT;
    time_t when = 0;

    answer(r, (struct stamper){.time = r->now - 100, .issuer = r->root});
    assert_true(timestamp_check(&r->request, r->answer.data, r->answer.length, NULL, r->now, &token,
                                &when, &e));
    assert_int_equal(when, r->now - 100);
    assert_memory_equal(token.data, r->answer.data + r->answer.length - token.length, token.length);
    assert_true(timestamp_view(token.data, token.length, &v, &e));
    assert_int_equal(v.time, when);
    assert_ptr_equal(v.md, EVP_get_digestbyname("SHA256"));
    assert_int_equal(v.imprint_length, 32);
    assert_int_equal(X509_cmp(v.signer, r->tsa), 0);
    assert_int_equal(sk_X509_num(v.certificates), 2);
    assert_true(timestamp_fits(&v, value, sizeof value, &e));
    assert_true(timestamp_signature(&v, &e));
    assert_true(timestamp_signer(&v, true, &e));
    assert_true(timestamp_chain(&v, r->trust, when, &e));
    assert_false(timestamp_fits(&v, value, sizeof value - 1, &e));
    assert_non_null(strstr(e.text, "another signature"));
    timestamp_view_free(&v);
    buffer_free(&token);
}

/* A token whose length is left open (BER) becomes DER. */
static void test_open_length(void **state)
{
    static const uint8_t start[] = {0x30, 3, 2, 1, 0, 0x30, 0x80}, end[] = {0, 0};
    struct rig *r = *state;
    struct buffer token = BUFFER_INIT, got = BUFFER_INIT, body = BUFFER_INIT;
    struct error e = ERROR_INIT;
    time_t when;
    size_t length;

    stamper_token(&(struct stamper){.cert = r->tsa, .key = r->key}, &r->request.der, &token);
    assert_int_equal(token.data[1], 0x82);
    buffer_append(&body, start, sizeof start);
    buffer_append(&body, token.data + 4, token.length - 4);
    buffer_append(&body, end, sizeof end);
    length = body.length;
    buffer_reset(&r->answer);
    buffer_append(&r->answer, (uint8_t[]){0x30, 0x82, (uint8_t)(length >> 8), (uint8_t)length}, 4);
    buffer_append(&r->answer, body.data, body.length);
    if (!timestamp_check(&r->request, r->answer.data, r->answer.length, NULL, r->now, &got, &when,
                         &e))
        fail_msg("%s", e.text);
    assert_int_equal(got.length, token.length);
    assert_memory_equal(got.data, token.data, token.length);
    buffer_free(&token);
    buffer_free(&got);
    buffer_free(&body);
}

static void test_other_requests(void **state)
{
    struct rig *r = *state;

    answer(r, (struct stamper){0});
    r->request.nonce++;
    assert_refused(r, NULL, "another request (the nonce differs)");
    r->request.nonce--;
    r->request.imprint[31] ^= 1;
    assert_refused(r, NULL, "another signature (the imprint differs)");
    r->request.imprint[31] ^= 1;
    r->request.md = EVP_sha3_256();
    assert_refused(r, NULL, "another signature (the imprint differs)");
}

static void test_no_nonce(void **state)
{
    struct rig *r = *state;
    const unsigned char *at = r->request.der.data;
    TS_REQ *ours = d2i_TS_REQ(NULL, &at, (long)r->request.der.length), *request = TS_REQ_new();
    unsigned char *der = NULL;
    int length;

    TS_REQ_set_version(request, 1);
    TS_REQ_set_msg_imprint(request, TS_REQ_get_msg_imprint(ours));
    TS_REQ_set_cert_req(request, 1);
    length = i2d_TS_REQ(request, &der);
    buffer_reset(&r->request.der);
    buffer_append(&r->request.der, der, (size_t)length);
    OPENSSL_free(der);
    TS_REQ_free(request);
    TS_REQ_free(ours);
    answer(r, (struct stamper){0});
    assert_refused(r, NULL, "no nonce");
}

static void test_the_signature(void **state)
{
    struct rig *r = *state;

    answer(r, (struct stamper){0});
    r->answer.data[r->answer.length - 1] ^= 1;
    assert_refused(r, NULL, "its signature does not hold");
    answer(r, (struct stamper){.again = true, .without_cert = true});
    assert_refused(r, NULL, "the certificate of its signer is not in it");
    answer(r, (struct stamper){.again = true, .other_type = "1.2.3.4"});
    assert_refused(r, NULL, "something else that is signed");
}

static void test_the_signer_is_named(void **state)
{
    struct rig *r = *state;

    answer(r, (struct stamper){.again = true, .named = r->tsa});
    assert_good(r, NULL);
    answer(r, (struct stamper){.again = true, .named = r->stranger});
    assert_refused(r, NULL, "another certificate than it was (ESSCertID)");
    answer(r, (struct stamper){.again = true, .unnamed = true});
    assert_refused(r, NULL, "no ESSCertID");
}

static void test_the_signer_may_stamp(void **state)
{
    struct rig *r = *state;
    struct buffer token = BUFFER_INIT;
    struct timestamp_view v;
    struct error e = ERROR_INIT;

    answer(r, (struct stamper){.again = true, .cert = r->aimless});
    assert_refused(r, NULL, "'aimless' is not for timestamps alone");
    answer(r, (struct stamper){.again = true, .cert = r->broad});
    assert_refused(r, NULL, "'broad' is not for timestamps alone");
    answer(r, (struct stamper){.again = true, .cert = r->mute});
    assert_refused(r, NULL, "'mute' may not sign");
    answer(r, (struct stamper){.again = true, .cert = r->uncritical});
    assert_refused(r, NULL, "'uncritical' is for timestamps, but does not say so as critical");

    stamper_token(
        &(struct stamper){.again = true, .cert = r->uncritical, .key = r->key, .fit = r->tsa},
        &r->request.der, &token);
    assert_true(timestamp_view(token.data, token.length, &v, &e));
    assert_false(timestamp_signer(&v, true, &e));
    assert_true(timestamp_signer(&v, false, &e));
    timestamp_view_free(&v);
    buffer_free(&token);
}

static void test_dates(void **state)
{
    struct rig *r = *state;

    answer(r, (struct stamper){.cert = r->expired});
    assert_refused(r, NULL, "'expired' expired at 2020-01-01T01:00:00Z");
    answer(r, (struct stamper){.cert = r->early});
    assert_refused(r, NULL, "'early' is valid from");
    answer(r, (struct stamper){.time = r->now - HOUR});
    assert_refused(r, NULL, "one of the two clocks is wrong");
    answer(r, (struct stamper){.time = r->now + HOUR});
    assert_refused(r, NULL, "one of the two clocks is wrong");
    answer(r, (struct stamper){.time = r->now + TIMESTAMP_SKEW + 2});
    assert_refused(r, NULL, "one of the two clocks is wrong");
}

static void test_roots(void **state)
{
    struct rig *r = *state;

    answer(r, (struct stamper){0});
    assert_refused(r, r->other_trust, "'tsa' does not lead to a trusted root");
    assert_good(r, NULL);
}

/* The responder refuses what is no request. */
static void refuse(struct rig *r)
{
    TS_RESP_CTX *ctx = TS_RESP_CTX_new();
    BIO *in = BIO_new_mem_buf("no", 2);
    TS_RESP *response = TS_RESP_create_response(ctx, in);
    unsigned char *der = NULL;
    int length = i2d_TS_RESP(response, &der);

    buffer_reset(&r->answer);
    buffer_append(&r->answer, der, (size_t)length);
    OPENSSL_free(der);
    BIO_free(in);
    TS_RESP_CTX_free(ctx);
    TS_RESP_free(response);
}

static void test_refusals(void **state)
{
    /* rejection, "Größe\e[2J" and a second line, badAlg */
    static const uint8_t rejection[] = {0x30, 28,  0x30, 26,   2,    1,    2,    0x30, 17,   0x0c,
                                        11,   'G', 'r',  0xc3, 0xb6, 0xc3, 0x9f, 'e',  0x1b, '[',
                                        '2',  'J', 0x0c, 2,    'n',  'o',  3,    2,    7,    0x80};
    static const uint8_t waiting[] = {0x30, 5, 0x30, 3, 2, 1, 3};
    static const uint8_t no_token[] = {0x30, 5, 0x30, 3, 2, 1, 0};
    struct rig *r = *state;

    refuse(r);
    assert_refused(r, NULL, "the server refuses (rejection, badDataFormat): Bad request format");
    buffer_reset(&r->answer);
    buffer_append(&r->answer, rejection, sizeof rejection);
    assert_refused(r, NULL,
                   "refuses (rejection, badAlg: it does not know the hash): Größe\\x1B[2J; no");
    buffer_reset(&r->answer);
    buffer_append(&r->answer, waiting, sizeof waiting);
    assert_refused(r, NULL, "refuses (waiting)");
    buffer_reset(&r->answer);
    buffer_append(&r->answer, no_token, sizeof no_token);
    assert_refused(r, NULL, "the token is missing");
}

static void test_what_is_no_answer(void **state)
{
    struct rig *r = *state;
    uint8_t *large = calloc(1, TIMESTAMP_MAX + 1);

    buffer_reset(&r->answer);
    assert_refused(r, NULL, "it is empty");
    buffer_append_text(&r->answer, "<html>Please log in</html>");
    assert_refused(r, NULL, "it is not in DER");
    answer(r, (struct stamper){0});
    buffer_append_byte(&r->answer, 0);
    assert_refused(r, NULL, "something follows it");
    buffer_reset(&r->answer);
    buffer_append(&r->answer, large, TIMESTAMP_MAX + 1);
    assert_refused(r, NULL, "larger than 1 MiB");
    free(large);
}

/* Cut short anywhere, with the length of the whole made right again or not. */
static void test_cut_short(void **state)
{
    struct rig *r = *state;
    struct buffer token = BUFFER_INIT;
    struct error e = ERROR_INIT;

    answer(r, (struct stamper){.issuer = r->root});
    for (size_t length = r->answer.length - 1; length > 4; length--) {
        r->answer.length = length;
        assert_false(check(r, NULL, &token, &e));
        r->answer.data[2] = (uint8_t)((length - 4) >> 8);
        r->answer.data[3] = (uint8_t)(length - 4);
        assert_false(check(r, NULL, &token, &e));
        assert_int_equal(e.code, ERROR_TIMESTAMP);
    }
    assert_int_equal(token.length, 0);
}

/* One bit of the token's content or signature, wherever it is, makes it bad. */
static void test_bits(void **state)
{
    struct rig *r = *state;
    struct buffer token = BUFFER_INIT;
    struct timestamp_view v;
    size_t accepted = 0;

    stamper_token(&(struct stamper){.cert = r->tsa, .key = r->key}, &r->request.der, &token);
    for (size_t i = 0; i < token.length; i++) {
        token.data[i] ^= 4;
        if (timestamp_view(token.data, token.length, &v, NULL)) {
            accepted += timestamp_fits(&v, value, sizeof value, NULL) &&
                        timestamp_signature(&v, NULL) &&
                        timestamp_chain(&v, r->trust, r->now, NULL);
            timestamp_view_free(&v);
        }
        token.data[i] ^= 4;
    }
    /* What nobody signs: versions, and the name of the key's algorithm. */
    assert_in_range(accepted, 0, 16);
    buffer_free(&token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_the_request),
        TEST(test_good_answers),
        TEST(test_the_token_is_what_was_sent),
        TEST(test_open_length),
        TEST(test_other_requests),
        TEST(test_no_nonce),
        TEST(test_the_signature),
        TEST(test_the_signer_is_named),
        TEST(test_the_signer_may_stamp),
        TEST(test_dates),
        TEST(test_roots),
        TEST(test_refusals),
        TEST(test_what_is_no_answer),
        TEST(test_cut_short),
        TEST(test_bits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
