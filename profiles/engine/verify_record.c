/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/engine/verify_record.h"

#include "base/clock.h"
#include "cert/view.h"
#include "op/record.h"
#include "profiles/engine/batch.h"

static json_t *texts(char *const *list, size_t count)
{
    json_t *array = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, json_string(list[i]));
    return array;
}

static json_t *moment(time_t when)
{
    char text[CLOCK_TEXT_SIZE];

    return when <= 0 ? json_null() : json_string(clock_text(when, text));
}

static json_t *maybe(const char *text)
{
    return text == NULL ? json_null() : json_string(text);
}

static json_t *hash(const EVP_MD *md)
{
    return maybe(md == NULL ? NULL : EVP_MD_get0_name(md));
}

static json_t *revocation(enum verify_revocation state)
{
    static const char *const names[] = {
        [VERIFY_NOT_ASKED] = "not-checked",       [VERIFY_NOT_REVOKED] = "not-revoked",
        [VERIFY_REVOKED_LATER] = "revoked-later", [VERIFY_REVOKED] = "revoked",
        [VERIFY_NOT_KNOWN] = "unknown",
    };

    return json_string(names[state]);
}

static json_t *page_hashes(enum verify_page_hashes state)
{
    static const char *const names[] = {
        [VERIFY_PAGES_NONE] = "none",
        [VERIFY_PAGES_GOOD] = "good",
        [VERIFY_PAGES_BAD] = "bad",
    };

    return json_string(names[state]);
}

/* Who somebody is, in short. */
static json_t *brief(X509 *x)
{
    char hex[CERT_FINGERPRINT_SIZE];
    json_t *record;

    if (x == NULL)
        return json_null();
    record = json_object();
    json_object_set_new(record, "name", record_take(cert_common_name(x)));
    json_object_set_new(record, "subject", record_take(cert_subject(x)));
    json_object_set_new(record, "issuer", record_take(cert_issuer(x)));
    json_object_set_new(record, "not-before", moment(cert_not_before(x)));
    json_object_set_new(record, "not-after", moment(cert_not_after(x)));
    json_object_set_new(record, "sha256", json_string(cert_fingerprint(x, EVP_sha256(), hex)));
    return record;
}

static json_t *chain(const struct verify_signature *s)
{
    json_t *array = json_array();

    for (int i = 0; i < sk_X509_num(s->chain); i++)
        json_array_append_new(array, brief(sk_X509_value(s->chain, i)));
    return array;
}

static json_t *timestamp(const struct verify_timestamp *t, bool counts)
{
    json_t *record = json_object();

    json_object_set_new(record, "kind",
                        json_string(t->kind == COUNTERSIGNATURE_LEGACY ? "legacy" : "rfc3161"));
    json_object_set_new(record, "time", moment(t->when));
    json_object_set_new(record, "good", json_boolean(t->good));
    json_object_set_new(record, "counts", json_boolean(counts));
    json_object_set_new(record, "authority", brief(t->signer));
    json_object_set_new(record, "hash", hash(t->hash));
    json_object_set_new(record, "revocation", revocation(t->revocation));
    json_object_set_new(record, "problems", texts(t->problems, t->problem_count));
    return record;
}

static json_t *timestamps(const struct verify_signature *s)
{
    json_t *array = json_array();

    for (size_t i = 0; i < s->timestamp_count; i++)
        json_array_append_new(array,
                              timestamp(&s->timestamps[i], &s->timestamps[i] == s->timestamp));
    return array;
}

static json_t *signature(const struct verify_signature *s)
{
    json_t *record = json_object();

    json_object_set_new(record, "good", json_boolean(s->problem_count == 0));
    json_object_set_new(record, "depth", json_integer(s->depth));
    json_object_set_new(record, "signer",
                        s->signer == NULL ? json_null() : record_certificate(s->signer));
    json_object_set_new(record, "chain", chain(s));
    json_object_set_new(record, "hash", hash(s->hash));
    json_object_set_new(record, "digest", maybe(s->file_digest));
    json_object_set_new(record, "description", maybe(s->description));
    json_object_set_new(record, "url", maybe(s->url));
    json_object_set_new(record, "purpose",
                        json_string(s->commercial ? "commercial" : "individual"));
    json_object_set_new(record, "digest-good", json_boolean(s->digest_good));
    json_object_set_new(record, "signature-good", json_boolean(s->signature_good));
    json_object_set_new(record, "chain-good", json_boolean(s->chain_good));
    json_object_set_new(record, "page-hashes", page_hashes(s->page_hashes));
    json_object_set_new(record, "timestamp", moment(s->timestamp == NULL ? 0 : s->timestamp->when));
    json_object_set_new(record, "timestamps", timestamps(s));
    json_object_set_new(record, "judged-at", moment(s->judged_at));
    json_object_set_new(record, "saved-by-timestamp", json_boolean(s->saved));
    json_object_set_new(record, "revocation", revocation(s->revocation));
    json_object_set_new(record, "problems", texts(s->problems, s->problem_count));
    json_object_set_new(record, "notes", texts(s->notes, s->note_count));
    return record;
}

json_t *verify_record(const char *file, const struct verify_report *r)
{
    json_t *signatures = json_array();

    for (size_t i = 0; i < r->count; i++)
        json_array_append_new(signatures, signature(&r->signature[i]));
    return json_pack("{s:o, s:b, s:s, s:o, s:o}", "file", batch_name(file), "good", r->good,
                     "format", r->format, "signatures", signatures, "problems",
                     texts(r->problems, r->problem_count));
}

json_t *verify_record_failed(const char *file, const struct error *why)
{
    return json_pack("{s:o, s:b, s:n, s:[], s:[s]}", "file", batch_name(file), "good", false,
                     "format", "signatures", "problems", why->text);
}
