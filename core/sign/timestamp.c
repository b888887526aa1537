/* SPDX-License-Identifier: Apache-2.0 */
/* Asking for a timestamp, and judging what comes back. */
#include "sign/timestamp.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

static bool set_imprint(TS_REQ *request, const struct timestamp_request *r)
{
    TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
    X509_ALGOR *algorithm = X509_ALGOR_new();
    uint8_t octets[EVP_MAX_MD_SIZE];
    bool set = imprint != NULL && algorithm != NULL &&
               X509_ALGOR_set0(algorithm, OBJ_nid2obj(EVP_MD_get_type(r->md)), V_ASN1_NULL, NULL);

    memcpy(octets, r->imprint, r->imprint_length);
    set = set && TS_MSG_IMPRINT_set_algo(imprint, algorithm) == 1 &&
          TS_MSG_IMPRINT_set_msg(imprint, octets, (int)r->imprint_length) == 1 &&
          TS_REQ_set_msg_imprint(request, imprint) == 1;
    X509_ALGOR_free(algorithm);
    TS_MSG_IMPRINT_free(imprint);
    return set;
}

static bool set_nonce(TS_REQ *request, uint64_t value)
{
    ASN1_INTEGER *nonce = ASN1_INTEGER_new();
    bool set = nonce != NULL && ASN1_INTEGER_set_uint64(nonce, value) == 1 &&
               TS_REQ_set_nonce(request, nonce) == 1;

    ASN1_INTEGER_free(nonce);
    return set;
}

static bool encode(struct timestamp_request *r, struct error *e)
{
    TS_REQ *request = TS_REQ_new();
    unsigned char *der = NULL;
    int length = -1;

    if (request != NULL && TS_REQ_set_version(request, 1) == 1 && set_imprint(request, r) &&
        set_nonce(request, r->nonce) && TS_REQ_set_cert_req(request, 1) == 1)
        length = i2d_TS_REQ(request, &der);
    if (length > 0)
        buffer_append(&r->der, der, (size_t)length);
    OPENSSL_free(der);
    TS_REQ_free(request);
    ERR_clear_error();
    return length > 0 ? buffer_ok(&r->der, e) : error_set_memory(e);
}

bool timestamp_request(const EVP_MD *md, const uint8_t *value, size_t length,
                       struct timestamp_request *out, struct error *e)
{
    unsigned size = 0;

    *out = (struct timestamp_request){.md = md};
    if (EVP_Digest(value, length, out->imprint, &size, md, NULL) != 1 ||
        RAND_bytes((unsigned char *)&out->nonce, sizeof out->nonce) != 1)
        return error_set_openssl(e, ERROR_TIMESTAMP, "a timestamp cannot be asked for");
    out->imprint_length = size;
    if (encode(out, e))
        return true;
    timestamp_request_free(out);
    return false;
}

void timestamp_request_free(struct timestamp_request *r)
{
    buffer_free(&r->der);
}

/* RFC 3161 section 2.4.2, PKIFailureInfo. */
static const char *failure_word(const ASN1_BIT_STRING *info)
{
    static const struct {
        int bit;
        const char *word;
    } words[] = {
        {TS_INFO_BAD_ALG, "badAlg: it does not know the hash"},
        {TS_INFO_BAD_REQUEST, "badRequest"},
        {TS_INFO_BAD_DATA_FORMAT, "badDataFormat"},
        {TS_INFO_TIME_NOT_AVAILABLE, "timeNotAvailable: its clock is out of order"},
        {TS_INFO_UNACCEPTED_POLICY, "unacceptedPolicy"},
        {TS_INFO_UNACCEPTED_EXTENSION, "unacceptedExtension"},
        {TS_INFO_ADD_INFO_NOT_AVAILABLE, "addInfoNotAvailable"},
        {TS_INFO_SYSTEM_FAILURE, "systemFailure: it is out of order"},
    };

    for (size_t i = 0; info != NULL && i < sizeof words / sizeof *words; i++)
        if (ASN1_BIT_STRING_get_bit(info, words[i].bit) == 1)
            return words[i].word;
    return NULL;
}

/* The server's own words, safe to print, and not too many of them. */
static void append_status_text(struct buffer *out, const TS_STATUS_INFO *status)
{
    enum { WORDS_MAX = 400 };
    const STACK_OF(ASN1_UTF8STRING) *list = TS_STATUS_INFO_get0_text(status);

    for (int i = 0; i < sk_ASN1_UTF8STRING_num(list) && out->length < WORDS_MAX; i++) {
        const ASN1_UTF8STRING *text = sk_ASN1_UTF8STRING_value(list, i);
        size_t length = (size_t)ASN1_STRING_length(text);

        if (length == 0)
            continue;
        buffer_append_text(out, out->length == 0 ? "" : "; ");
        text_append_printable(out, ASN1_STRING_get0_data(text),
                              length < WORDS_MAX ? length : WORDS_MAX);
    }
}

/* It will say the same to the same request; an unknown reason may pass. */
static bool is_final(const TS_STATUS_INFO *status)
{
    static const int bits[] = {TS_INFO_BAD_ALG, TS_INFO_BAD_REQUEST, TS_INFO_BAD_DATA_FORMAT,
                               TS_INFO_UNACCEPTED_POLICY, TS_INFO_UNACCEPTED_EXTENSION};
    const ASN1_BIT_STRING *info = TS_STATUS_INFO_get0_failure_info(status);

    for (size_t i = 0; info != NULL && i < sizeof bits / sizeof *bits; i++)
        if (ASN1_BIT_STRING_get_bit(info, bits[i]) == 1)
            return true;
    return false;
}

static bool refused(const TS_STATUS_INFO *status, struct error *e)
{
    static const char *const names[] = {"rejection", "waiting", "revocationWarning",
                                        "revocationNotification"};
    int64_t number = -1;
    const char *word = failure_word(TS_STATUS_INFO_get0_failure_info(status)), *said;
    struct buffer text = BUFFER_INIT;

    ASN1_INTEGER_get_int64(&number, TS_STATUS_INFO_get0_status(status));
    append_status_text(&text, status);
    said = buffer_text(&text);
    error_set(e, ERROR_TIMESTAMP, "the server refuses (%s%s%s)%s%s",
              number >= 2 && number <= 5 ? names[number - 2] : "unknown status",
              word == NULL ? "" : ", ", word == NULL ? "" : word,
              text.length == 0 || said == NULL ? "" : ": ", said == NULL ? "" : said);
    if (e != NULL && is_final(status))
        e->detail = TIMESTAMP_FINAL;
    buffer_free(&text);
    return false;
}

static bool granted(const TS_STATUS_INFO *status)
{
    int64_t number;

    return ASN1_INTEGER_get_int64(&number, TS_STATUS_INFO_get0_status(status)) == 1 &&
           (number == TS_STATUS_GRANTED || number == TS_STATUS_GRANTED_WITH_MODS);
}

static bool no_answer(struct error *e, const char *what)
{
    ERR_clear_error();
    return error_set(e, ERROR_TIMESTAMP, "the answer is no timestamp: %s", what);
}

/* TimeStampResp ::= SEQUENCE { status PKIStatusInfo, timeStampToken ContentInfo OPTIONAL }. By
 * hand: OpenSSL's own reads the token as PKCS#7, and the token's bytes are wanted as they are. */
static bool split(const uint8_t *answer, size_t length, const uint8_t **token, size_t *token_length,
                  struct error *e)
{
    const unsigned char *at = answer;
    TS_STATUS_INFO *status;
    int tag, class;
    long size = 0;
    bool good;

    if (length == 0)
        return no_answer(e, "it is empty");
    if (length > TIMESTAMP_MAX)
        return no_answer(e, "it is larger than 1 MiB");
    if (ASN1_get_object(&at, &size, &tag, &class, (long)length) != V_ASN1_CONSTRUCTED ||
        tag != V_ASN1_SEQUENCE || class != V_ASN1_UNIVERSAL)
        return no_answer(e, "it is not in DER");
    if ((size_t)(at - answer) + (size_t)size != length)
        return no_answer(e, "something follows it");
    status = d2i_TS_STATUS_INFO(NULL, &at, size);
    if (status == NULL)
        return no_answer(e, "its status cannot be read");
    *token = at;
    *token_length = length - (size_t)(at - answer);
    good = granted(status) || refused(status, e);
    TS_STATUS_INFO_free(status);
    ERR_clear_error();
    if (good && *token_length == 0)
        return no_answer(e, "the token is missing");
    return good;
}

static bool same_imprint(const struct timestamp_request *r, const struct timestamp_view *v,
                         struct error *e)
{
    return (v->md != NULL && EVP_MD_get_type(v->md) == EVP_MD_get_type(r->md) &&
            v->imprint_length == r->imprint_length &&
            memcmp(v->imprint, r->imprint, r->imprint_length) == 0) ||
           error_set(e, ERROR_TIMESTAMP,
                     "the answer is for another signature (the imprint differs)");
}

static bool same_nonce(const struct timestamp_request *r, const struct timestamp_view *v,
                       struct error *e)
{
    const ASN1_INTEGER *nonce = TS_TST_INFO_get_nonce(v->info);
    uint64_t value;
    bool same = nonce != NULL && ASN1_INTEGER_get_uint64(&value, nonce) == 1 && value == r->nonce;

    ERR_clear_error();
    return same ||
           error_set(e, ERROR_TIMESTAMP,
                     nonce == NULL ? "the answer has no nonce: it may be an old one"
                                   : "the answer is to another request (the nonce differs)");
}

static bool right_time(const struct timestamp_view *v, time_t now, struct error *e)
{
    char theirs[CLOCK_TEXT_SIZE], ours[CLOCK_TEXT_SIZE];
    long long off = (long long)v->time - (long long)now;

    if (off >= -TIMESTAMP_SKEW && off <= TIMESTAMP_SKEW)
        return true;
    return error_set(e, ERROR_TIMESTAMP,
                     "the timestamp is of %s, and it is %s here: one of the two clocks is wrong",
                     clock_text(v->time, theirs), clock_text(now, ours));
}

/* A signature's attribute is DER; a token with lengths left open would make BER of it. */
static bool append_token(const struct timestamp_view *v, const uint8_t *bytes, size_t length,
                         struct buffer *token, struct error *e)
{
    unsigned char *der = NULL;
    int size;

    if (length > 1 && bytes[1] != 0x80) {
        buffer_append(token, bytes, length);
        return buffer_ok(token, e);
    }
    size = i2d_CMS_ContentInfo(v->cms, &der);
    if (size > 0)
        buffer_append(token, der, (size_t)size);
    OPENSSL_free(der);
    ERR_clear_error();
    return size > 0 ? buffer_ok(token, e) : error_set_memory(e);
}

bool timestamp_check(const struct timestamp_request *request, const uint8_t *answer, size_t length,
                     X509_STORE *trust, time_t now, struct buffer *token, time_t *time,
                     struct error *e)
{
    struct timestamp_view v;
    const uint8_t *bytes = NULL;
    size_t size = 0;
    bool good;

    ERR_clear_error();
    if (!split(answer, length, &bytes, &size, e) || !timestamp_view(bytes, size, &v, e))
        return false;
    good = same_imprint(request, &v, e) && same_nonce(request, &v, e) &&
           timestamp_signature(&v, e) && right_time(&v, now, e) && timestamp_signer(&v, true, e) &&
           (trust == NULL || timestamp_chain(&v, trust, v.time, e)) &&
           append_token(&v, bytes, size, token, e);
    *time = v.time;
    timestamp_view_free(&v);
    return good;
}
