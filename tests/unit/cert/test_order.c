/* SPDX-License-Identifier: Apache-2.0 */
/* Orders: made whole, read with distrust, and verified fact by fact. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/pem.h>

#include "../base/scratch.h"
#include "base/path.h"
#include "cert/csr.h"
#include "cert/name.h"
#include "cert/order.h"
#include "make.h"
#include "soft.h"

/* An order for a key made here; its texts are kept for the length of a test. */
struct case_of {
    EVP_PKEY *key;
    struct buffer csr, public_key;
    json_t *order;
    char *folder;
};

static void read_bio(BIO *bio, struct buffer *out)
{
    char *data;
    long length = BIO_get_mem_data(bio, &data);

    buffer_append(out, data, (size_t)length);
    BIO_free(bio);
}

static void fill(struct case_of *c)
{
    static const char subject[] = "/C=DE/L=Bonn/O=Practice/CN=Practice";
    struct soft s = {.key = c->key};
    struct signer signer = soft_signer(&s);
    X509_NAME *name = name_parse(subject, sizeof subject - 1, NULL);
    X509_REQ *r = csr_build(&(struct csr_spec){.subject = name}, &signer, NULL);
    BIO *bio = BIO_new(BIO_s_mem());
    char hash[ORDER_SHA256_SIZE];
    uint8_t *spki = NULL;
    int length = i2d_PUBKEY(c->key, &spki);

    assert_true(csr_encode(r, true, &c->csr, NULL));
    PEM_write_bio_PUBKEY(bio, c->key);
    read_bio(bio, &c->public_key);
    c->order = json_pack(
        "{s:i, s:s, s:s, s:n, s:n, s:s, s:n, s:s, s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s, s:s}, "
        "s:[{s:s, s:s, s:s}], s:o, s:o, s:n, s:[], s:n}",
        "signet-order", 1, "state", "made", "made", "2026-11-27T02:00:00Z", "ordered", "issued",
        "subject", "CN=Practice", "email", "digest", "sha256", "key", "uri", "pkcs11:id=%01",
        "type", "P-256", "sha256", order_sha256(spki, (size_t)length, hash), "token", "label", "a",
        "serial", "b", "model", "c", "manufacturer", "d", "facts", "name", "model", "value", "c",
        "by", "module", "csr", order_entry(ORDER_CSR, c->csr.data, c->csr.length), "public-key",
        order_entry(ORDER_PUBLIC_KEY, c->public_key.data, c->public_key.length), "attestation",
        "proofs", "certificate");
    assert_non_null(c->order);
    OPENSSL_free(spki);
    X509_REQ_free(r);
    X509_NAME_free(name);
}

static bool create(const struct case_of *c, struct error *e)
{
    const struct order_file files[] = {
        {ORDER_CSR, c->csr.data, c->csr.length},
        {ORDER_PUBLIC_KEY, c->public_key.data, c->public_key.length},
    };

    return order_create(c->folder, files, 2, c->order, e);
}

static struct case_of begin(const char *name)
{
    struct case_of c = {.key = make_key("P-256"), .folder = strdup(scratch_path(name))};
    struct error e = ERROR_INIT;

    fill(&c);
    assert_true(create(&c, &e));
    return c;
}

static void end(struct case_of *c)
{
    EVP_PKEY_free(c->key);
    buffer_free(&c->csr);
    buffer_free(&c->public_key);
    json_decref(c->order);
    free(c->folder);
}

static char *inside(const struct case_of *c, const char *name)
{
    static char path[512];

    snprintf(path, sizeof path, "%s/%s", c->folder, name);
    return path;
}

/* What verify says of `what`; *text is its last text. */
static enum order_word word_of(const struct case_of *c, const char *what, bool *holds)
{
    json_t *order = order_load(c->folder, NULL);
    struct order_facts facts;
    enum order_word word = ORDER_OPEN;
    struct error e = ERROR_INIT;
    bool found = false;

    assert_true(order_verify(c->folder, order, NULL, YEAR_2026, &facts, &e));
    for (size_t i = 0; i < facts.count; i++)
        if (strcmp(facts.fact[i].what, what) == 0) {
            word = facts.fact[i].word;
            found = true;
        }
    assert_true(found);
    *holds = facts.holds;
    json_decref(order);
    return word;
}

static void expect(const struct case_of *c, const char *what, enum order_word word, bool holds)
{
    bool held;

    assert_int_equal(word_of(c, what, &held), word);
    assert_int_equal(held, holds);
}

static void test_create(void **state)
{
    struct case_of c = begin("first");
    struct error e = ERROR_INIT;
    json_t *read = order_load(c.folder, &e);

    (void)state;
    assert_true(json_equal(read, c.order));
    assert_int_equal(scratch_count(c.folder), 3);
    assert_false(create(&c, &e));
    assert_int_equal(e.code, ERROR_USAGE);
    assert_int_equal(scratch_count(scratch), 1);
    expect(&c, "request", ORDER_PROVED, true);
    expect(&c, "public key", ORDER_PROVED, true);
    expect(&c, "model", ORDER_CLAIMED, true);
    expect(&c, "attestation", ORDER_OPEN, true);
    expect(&c, "certificate", ORDER_OPEN, true);
    json_decref(read);
    assert_null(order_load(scratch, &e));
    assert_int_equal(e.code, ERROR_MISSING);
    end(&c);
}

/* A folder that cannot be made leaves nothing. */
static void test_create_fails(void **state)
{
    struct case_of c = begin("second");
    unsigned before = scratch_count(scratch);
    struct order_file file = {"no/such/place", "x", 1};
    struct error e = ERROR_INIT;

    (void)state;
    assert_false(order_create(scratch_path("third"), &file, 1, c.order, &e));
    assert_int_equal(scratch_count(scratch), before);
    assert_false(order_create(scratch_path("none/there"), NULL, 0, c.order, &e));
    end(&c);
}

static void refuses(const struct case_of *c, const char *where, const char *key, json_t *value,
                    const char *wanted)
{
    json_t *order = json_deep_copy(c->order);
    json_t *at = where == NULL ? order : json_object_get(order, where);
    struct error e = ERROR_INIT;
    char *text;

    if (json_is_array(at))
        at = json_array_get(at, 0);
    if (value == NULL)
        json_object_del(at, key);
    else
        json_object_set_new(at, key, value);
    text = json_dumps(order, 0);
    assert_null(order_parse("order", text, strlen(text), &e));
    assert_int_equal(e.code, ERROR_FORMAT);
    assert_non_null(strstr(e.text, wanted));
    free(text);
    json_decref(order);
}

static void test_parse(void **state)
{
    struct case_of c = {.key = make_key("P-256")};
    static const char *const broken[] = {"",
                                         "{",
                                         "[]",
                                         "1",
                                         "{}",
                                         "{\"signet-order\": 2}",
                                         "{\"signet-order\": 1, \"signet-order\": 1}"};
    struct error e = ERROR_INIT;
    char *large = calloc(1, ORDER_FILE_MAX + 1);

    (void)state;
    fill(&c);
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        assert_null(order_parse("order", broken[i], strlen(broken[i]), &e));
    assert_null(order_parse("order", large, ORDER_FILE_MAX + 1, &e));
    refuses(&c, NULL, "state", json_string("sold"), "state");
    refuses(&c, NULL, "made", json_string("yesterday"), "made");
    refuses(&c, NULL, "made", json_null(), "made");
    refuses(&c, NULL, "made", NULL, "made");
    refuses(&c, NULL, "subject", json_integer(1), "subject");
    refuses(&c, NULL, "more", json_true(), "not known");
    refuses(&c, "key", "sha256", json_string("12"), "key.sha256");
    refuses(&c, "key", "more", json_true(), "key has a key that is not known");
    refuses(&c, "csr", "file", json_string("../csr.pem"), "csr.file");
    refuses(&c, "csr", "file", json_string("/etc/passwd"), "csr.file");
    refuses(&c, "csr", "file", json_string(".hidden"), "csr.file");
    refuses(&c, "csr", "file", json_string(""), "csr.file");
    refuses(&c, "csr", "file", json_string(ORDER_FILE), "csr.file");
    refuses(&c, "facts", "by", json_string("hearsay"), "facts.by");
    refuses(&c, NULL, "facts", json_object(), "facts");
    refuses(&c, NULL, "certificate", json_string("x"), "certificate");
    refuses(&c, NULL, "certificate", NULL, "certificate");
    free(large);
    end(&c);
}

static X509 *issue(EVP_PKEY *key, const char *purposes, X509 **ca, EVP_PKEY *ca_key)
{
    *ca = make_certificate(&(struct certificate){.name = "CA", .key = ca_key, .ca = true});
    return make_certificate(&(struct certificate){.name = "Practice",
                                                  .key = key,
                                                  .issuer = *ca,
                                                  .issuer_key = ca_key,
                                                  .serial = 2,
                                                  .usage = "critical,digitalSignature",
                                                  .purposes = purposes});
}

static void attach(struct case_of *c, EVP_PKEY *key, const char *purposes)
{
    EVP_PKEY *ca_key = make_key("P-256");
    X509 *ca, *leaf = issue(key, purposes, &ca, ca_key);
    STACK_OF(X509) *chain = make_stack(leaf, ca, NULL);

    assert_true(order_add_certificate(c->folder, c->order, chain, YEAR_2026, NULL));
    make_free_stack(chain);
    X509_free(leaf);
    X509_free(ca);
    EVP_PKEY_free(ca_key);
}

static void test_certificate(void **state)
{
    struct case_of c = begin("certificate");
    EVP_PKEY *other = make_key("P-256");

    (void)state;
    attach(&c, c.key, "codeSigning");
    expect(&c, "certificate", ORDER_PROVED, true);
    expect(&c, "certificate's use", ORDER_PROVED, true);
    expect(&c, "certificate's issuer", ORDER_PROVED, true);
    expect(&c, "certificate's subject", ORDER_OPEN, true);
    assert_string_equal(json_string_value(json_object_get(c.order, "state")), "issued");
    assert_true(order_time(c.order, "issued") == YEAR_2026);
    assert_false(order_mark_ordered(c.folder, c.order, YEAR_2026, NULL));
    attach(&c, c.key, "serverAuth");
    assert_int_equal(scratch_count(c.folder), 5);
    expect(&c, "certificate's use", ORDER_FALSE, false);
    attach(&c, other, "codeSigning");
    expect(&c, "certificate", ORDER_FALSE, false);
    EVP_PKEY_free(other);
    end(&c);
}

/* Chain as the folder has it, first the leaf. */
static void put_chain(struct case_of *c, X509 *leaf, X509 *beside)
{
    STACK_OF(X509) *chain = make_stack(leaf, beside, NULL);

    assert_true(order_add_certificate(c->folder, c->order, chain, YEAR_2026, NULL));
    make_free_stack(chain);
}

/* Nothing vouches for an issuer but its own signature: not a certificate of the leaf's key that is
 * signed by itself, and not the leaf. */
static void test_issuer(void **state)
{
    struct case_of c = begin("issuer");
    EVP_PKEY *ca_key = make_key("P-256");
    X509 *ca, *leaf = issue(c.key, "codeSigning", &ca, ca_key);
    X509 *own = make_certificate(&(struct certificate){
        .name = "Practice", .key = c.key, .ca = true, .purposes = "codeSigning"});

    (void)state;
    put_chain(&c, leaf, own);
    expect(&c, "certificate's issuer", ORDER_OPEN, true);
    put_chain(&c, own, NULL);
    expect(&c, "certificate's issuer", ORDER_OPEN, true);
    put_chain(&c, leaf, ca);
    expect(&c, "certificate's issuer", ORDER_PROVED, true);
    X509_free(own);
    X509_free(leaf);
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    end(&c);
}

/* A certificate whose dates no order can hold does not cost the order. */
static void test_unreadable(void **state)
{
    struct case_of c = begin("unreadable");
    X509 *leaf = make_certificate(&(struct certificate){
        .name = "Practice", .key = c.key, .from = -1, .to = YEAR_2040, .purposes = "codeSigning"});
    STACK_OF(X509) *chain = make_stack(leaf, NULL);
    struct error e = ERROR_INIT;
    json_t *read;

    (void)state;
    assert_false(order_add_certificate(c.folder, c.order, chain, YEAR_2026, &e));
    assert_int_equal(e.code, ERROR_FORMAT);
    assert_non_null(strstr(e.text, "not-before"));
    assert_int_equal(scratch_count(c.folder), 3);
    read = order_load(c.folder, &e);
    assert_non_null(read);
    json_decref(read);
    make_free_stack(chain);
    X509_free(leaf);
    end(&c);
}

static void test_proofs(void **state)
{
    struct case_of c = begin("proofs");
    struct error e = ERROR_INIT;

    (void)state;
    assert_true(order_add_proof(c.folder, c.order, "/some/where/key; rm -rf.p7b", "proof", 5,
                                YEAR_2026, &e));
    expect(&c, "proof", ORDER_CLAIMED, true);
    scratch_write(inside(&c, "proof-1-key__rm_-rf.p7b"), "prooF", 0644);
    expect(&c, "proof", ORDER_FALSE, false);
    /* Whatever else is false. */
    scratch_write(inside(&c, ORDER_PUBLIC_KEY), "", 0644);
    expect(&c, "proof", ORDER_FALSE, false);
    assert_false(order_add_proof(c.folder, c.order, "x", "", 0, YEAR_2026, &e));
    for (unsigned i = 1; i < ORDER_PROOFS_MAX; i++)
        assert_true(order_add_proof(c.folder, c.order, "x", "proof", 5, YEAR_2026, &e));
    assert_false(order_add_proof(c.folder, c.order, "x", "proof", 5, YEAR_2026, &e));
    assert_int_equal(e.code, ERROR_USAGE);
    end(&c);
}

/* Files that were changed or exchanged. */
static void test_changed(void **state)
{
    struct case_of c = begin("changed"), other = begin("other");
    struct order_facts facts;
    struct error e = ERROR_INIT;

    (void)state;
    assert_true(path_write_file(inside(&c, ORDER_PUBLIC_KEY), other.public_key.data,
                                other.public_key.length, 0644, NULL));
    expect(&c, "public key", ORDER_FALSE, false);
    scratch_write(inside(&c, ORDER_PUBLIC_KEY), "", 0644);
    expect(&c, "public key", ORDER_FALSE, false);
    assert_true(
        path_write_file(inside(&c, ORDER_CSR), other.csr.data, other.csr.length, 0644, NULL));
    expect(&c, "key", ORDER_FALSE, false);
    scratch_write(inside(&c, ORDER_CSR), "nothing", 0644);
    assert_false(order_verify(c.folder, c.order, NULL, YEAR_2026, &facts, &e));
    assert_int_equal(e.code, ERROR_FORMAT);
    unlink(inside(&c, ORDER_CSR));
    assert_false(order_verify(c.folder, c.order, NULL, YEAR_2026, &facts, &e));
    end(&c);
    end(&other);
}

static void test_ordered(void **state)
{
    struct case_of c = begin("ordered");
    json_t *read;

    (void)state;
    assert_true(order_mark_ordered(c.folder, c.order, YEAR_2026, NULL));
    assert_false(order_mark_ordered(c.folder, c.order, YEAR_2026 + 1, NULL));
    read = order_load(c.folder, NULL);
    assert_true(order_time(read, "ordered") == YEAR_2026);
    assert_true(order_time(read, "issued") == (time_t)-1);
    json_decref(read);
    end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create),     cmocka_unit_test(test_create_fails),
        cmocka_unit_test(test_parse),      cmocka_unit_test(test_certificate),
        cmocka_unit_test(test_proofs),     cmocka_unit_test(test_changed),
        cmocka_unit_test(test_ordered),    cmocka_unit_test(test_issuer),
        cmocka_unit_test(test_unreadable),
    };

    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
