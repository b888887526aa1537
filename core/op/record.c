/* SPDX-License-Identifier: Apache-2.0 */
#include "op/record.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cert/expiry.h"
#include "cert/rules.h"
#include "cert/view.h"
#include "gate/gate.h"
#include "op/names.h"
#include "token/objects.h"
#include "token/uri.h"

json_t *record_take(char *text)
{
    json_t *value = text == NULL ? json_null() : json_string(text);

    free(text);
    return value;
}

json_t *record_text(const char *text)
{
    return record_take(text_printable(text, strlen(text)));
}

static json_t *padded(const void *field, size_t size)
{
    return record_take(text_padded(field, size));
}

static json_t *version(const CK_VERSION *v)
{
    return record_take(text_format("%u.%u", v->major, v->minor));
}

/* CK_UNAVAILABLE_INFORMATION is null. */
static json_t *count(CK_ULONG value)
{
    return value == CK_UNAVAILABLE_INFORMATION ? json_null() : json_integer((json_int_t)value);
}

/* Zero is CK_EFFECTIVELY_INFINITE here. */
static json_t *limit(CK_ULONG value)
{
    return value == CK_EFFECTIVELY_INFINITE ? json_string("unlimited") : count(value);
}

static json_t *flags_object(CK_FLAGS flags, const struct name_bit *names, size_t name_count)
{
    json_t *object = json_object();

    for (size_t i = 0; i < name_count; i++)
        json_object_set_new(object, names[i].name, json_boolean(flags & names[i].bit));
    return object;
}

static json_t *flags_list(CK_FLAGS flags, const struct name_bit *names, size_t name_count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < name_count; i++)
        if (flags & names[i].bit)
            json_array_append_new(list, json_string(names[i].name));
    return list;
}

json_t *record_module(const struct inventory_module *m)
{
    json_t *record = json_object();

    json_object_set_new(record, "name",
                        record_take(text_printable(m->entry.name, strlen(m->entry.name))));
    json_object_set_new(record, "path",
                        record_take(text_printable(m->entry.path, strlen(m->entry.path))));
    if (m->read && m->error.code != ERROR_NONE)
        json_object_set_new(record, "error", json_string(m->error.text));
    if (!m->read)
        json_object_set_new(record, "reading", json_true());
    if (!m->read || m->error.code != ERROR_NONE)
        return record;
    json_object_set_new(record, "manufacturer",
                        padded(m->info.info.manufacturerID, sizeof m->info.info.manufacturerID));
    json_object_set_new(
        record, "description",
        padded(m->info.info.libraryDescription, sizeof m->info.info.libraryDescription));
    json_object_set_new(record, "library-version", version(&m->info.info.libraryVersion));
    json_object_set_new(record, "cryptoki-version", version(&m->info.info.cryptokiVersion));
    json_object_set_new(record, "threads", json_boolean(m->info.can_lock));
    return record;
}

static json_t *mechanism(const struct wire_mechanism *m)
{
    char name[NAME_SIZE];

    return json_pack("{s:s, s:o, s:o, s:o}", "name", name_mechanism(m->type, name), "minimum",
                     count(m->info.ulMinKeySize), "maximum", count(m->info.ulMaxKeySize), "flags",
                     flags_list(m->info.flags, name_mechanism_flags, name_mechanism_flag_count));
}

static json_t *slot(const struct wire_slot *s)
{
    json_t *record = json_object();

    json_object_set_new(record, "id", json_integer((json_int_t)s->id));
    json_object_set_new(record, "description",
                        padded(s->info.slotDescription, sizeof s->info.slotDescription));
    json_object_set_new(record, "manufacturer",
                        padded(s->info.manufacturerID, sizeof s->info.manufacturerID));
    json_object_set_new(record, "hardware-version", version(&s->info.hardwareVersion));
    json_object_set_new(record, "firmware-version", version(&s->info.firmwareVersion));
    json_object_set_new(record, "flags",
                        flags_object(s->info.flags, name_slot_flags, name_slot_flag_count));
    return record;
}

static void add_token_info(json_t *record, const CK_TOKEN_INFO *info)
{
    json_object_set_new(record, "hardware-version", version(&info->hardwareVersion));
    json_object_set_new(record, "firmware-version", version(&info->firmwareVersion));
    json_object_set_new(record, "utc-time",
                        info->flags & CKF_CLOCK_ON_TOKEN
                            ? padded(info->utcTime, sizeof info->utcTime)
                            : json_null());
    json_object_set_new(record, "pin-length",
                        json_pack("{s:o, s:o}", "minimum", count(info->ulMinPinLen), "maximum",
                                  count(info->ulMaxPinLen)));
    json_object_set_new(record, "sessions",
                        json_pack("{s:o, s:o, s:o, s:o}", "maximum", limit(info->ulMaxSessionCount),
                                  "open", count(info->ulSessionCount), "maximum-read-write",
                                  limit(info->ulMaxRwSessionCount), "open-read-write",
                                  count(info->ulRwSessionCount)));
    json_object_set_new(record, "memory",
                        json_pack("{s:o, s:o, s:o, s:o}", "public-total",
                                  count(info->ulTotalPublicMemory), "public-free",
                                  count(info->ulFreePublicMemory), "private-total",
                                  count(info->ulTotalPrivateMemory), "private-free",
                                  count(info->ulFreePrivateMemory)));
    json_object_set_new(record, "flags",
                        flags_object(info->flags, name_token_flags, name_token_flag_count));
    json_object_set_new(record, "user-pin", json_string(gate_counter_text(info->flags, false)));
    json_object_set_new(record, "so-pin", json_string(gate_counter_text(info->flags, true)));
}

static unsigned long largest_key(const struct wire_slot *s, CK_MECHANISM_TYPE type)
{
    for (size_t i = 0; i < s->mechanism_count; i++)
        if (s->mechanisms[i].type == type &&
            s->mechanisms[i].info.ulMaxKeySize != CK_UNAVAILABLE_INFORMATION)
            return s->mechanisms[i].info.ulMaxKeySize;
    return 0;
}

static void add_judgement(json_t *record, const struct wire_slot *s)
{
    unsigned long rsa = largest_key(s, CKM_RSA_PKCS), ec = largest_key(s, CKM_ECDSA);
    const char *why;

    json_object_set_new(record, "ca-accepts", json_boolean(rules_token(rsa, ec, &why)));
    json_object_set_new(record, "ca-reason", json_string(why));
}

json_t *record_token(const struct inventory *inv, const struct token *t, bool mechanisms)
{
    json_t *record = json_object(), *list;

    json_object_set_new(record, "number", t->number > 0 ? json_integer(t->number) : json_null());
    json_object_set_new(record, "hidden", t->hidden == NULL ? json_null() : json_string(t->hidden));
    if (t->same_as != (size_t)(t - inv->token))
        json_object_set_new(record, "same-as", json_integer(inv->token[t->same_as].number));
    json_object_set_new(record, "module", json_string(inv->module[t->module].entry.name));
    json_object_set_new(record, "slot", slot(&t->slot));
    if (t->slot.problem[0] != '\0')
        json_object_set_new(record, "problem", json_string(t->slot.problem));
    if (!t->slot.has_token)
        return record;
    json_object_set_new(record, "uri", record_take(token_uri_of_slot(&t->slot)));
    json_object_set_new(record, "label", json_string(t->label));
    json_object_set_new(record, "manufacturer", json_string(t->manufacturer));
    json_object_set_new(record, "model", json_string(t->model));
    json_object_set_new(record, "serial", json_string(t->serial));
    add_token_info(record, &t->slot.token);
    add_judgement(record, &t->slot);
    if (!mechanisms)
        return record;
    list = json_array();
    for (size_t i = 0; i < t->slot.mechanism_count; i++)
        json_array_append_new(list, mechanism(&t->slot.mechanisms[i]));
    json_object_set_new(record, "mechanisms", list);
    return record;
}

X509 *record_x509(const struct wire_object *o)
{
    const unsigned char *at = o->der;
    X509 *x = o->der == NULL ? NULL : d2i_X509(NULL, &at, (long)o->der_length);

    ERR_clear_error();
    return x;
}

static json_t *when(time_t t)
{
    char text[CLOCK_TEXT_SIZE];

    return t == (time_t)-1 ? json_null() : json_string(clock_text(t, text));
}

static json_t *names_of(const X509 *x)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    json_t *list = json_array();

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        BIO *bio = BIO_new(BIO_s_mem());
        char *data = NULL;
        long length;

        if (bio != NULL && GENERAL_NAME_print(bio, sk_GENERAL_NAME_value(names, i)) > 0) {
            length = BIO_get_mem_data(bio, &data);
            json_array_append_new(list, record_take(text_printable(data, (size_t)length)));
        }
        BIO_free(bio);
    }
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    return list;
}

static json_t *pem(X509 *x)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    json_t *text = NULL;
    long length;

    if (bio != NULL && PEM_write_bio_X509(bio, x)) {
        length = BIO_get_mem_data(bio, &data);
        text = json_stringn(data, (size_t)length);
    }
    BIO_free(bio);
    return text;
}

json_t *record_certificate(X509 *x)
{
    char hex[CERT_FINGERPRINT_SIZE];
    EVP_PKEY *key = X509_get0_pubkey(x);
    json_t *record = json_object();

    json_object_set_new(record, "subject", record_take(cert_subject(x)));
    json_object_set_new(record, "issuer", record_take(cert_issuer(x)));
    json_object_set_new(record, "serial", record_take(cert_serial(x)));
    json_object_set_new(record, "not-before", when(cert_not_before(x)));
    json_object_set_new(record, "not-after", when(cert_not_after(x)));
    json_object_set_new(record, "days-left", json_integer(cert_days_left(x, time(NULL))));
    json_object_set_new(record, "key", record_take(key == NULL ? NULL : cert_key_text(key)));
    json_object_set_new(record, "key-usage", record_take(cert_key_usage(x)));
    json_object_set_new(record, "extended-key-usage", record_take(cert_extended_key_usage(x)));
    json_object_set_new(record, "alternative-names", names_of(x));
    json_object_set_new(record, "code-signing", json_boolean(cert_for_code_signing(x)));
    json_object_set_new(record, "ca", json_boolean(cert_is_ca(x)));
    json_object_set_new(record, "sha1", json_string(cert_fingerprint(x, EVP_sha1(), hex)));
    json_object_set_new(record, "sha256", json_string(cert_fingerprint(x, EVP_sha256(), hex)));
    json_object_set_new(record, "pem", pem(x));
    ERR_clear_error();
    return record;
}

static json_t *attributes(const struct wire_object *o)
{
    static const char *const names[WIRE_FLAG_COUNT] = {
#define X(flag, attribute, name) [flag] = name,
        WIRE_FLAGS(X)
#undef X
    };
    json_t *object = json_object();

    for (unsigned i = 0; i < WIRE_FLAG_COUNT; i++)
        json_object_set_new(object, names[i],
                            o->flags_known & 1u << i ? json_boolean(o->flags_set & 1u << i)
                                                     : json_null());
    return object;
}

static json_t *type_text(const struct wire_object *o)
{
    char name[NAME_SIZE];

    if (o->curve[0] != '\0')
        return json_string(o->curve);
    if (o->bits > 0)
        return record_take(text_format("RSA-%u", o->bits));
    if (o->class == CKO_CERTIFICATE)
        return json_null();
    return json_string(name_key_type(o->type, name));
}

static void add_partner(json_t *record, const char *key, const struct wire_slot *s,
                        const struct wire_object *partner, bool by_id)
{
    char *uri = partner == NULL ? NULL : token_uri_of_object(s, partner);

    if (partner == NULL)
        return;
    json_object_set_new(record, key, record_take(uri));
    if (by_id)
        json_object_set_new(record, "matched-by", json_string("id"));
}

static void add_key_judgement(json_t *record, const struct wire_object *o)
{
    const char *why;

    json_object_set_new(record, "ca-accepts", json_boolean(rules_key(o->curve, o->bits, &why)));
    json_object_set_new(record, "ca-reason", json_string(why));
}

/* Does the token say that the key can be copied off it? Null: it does not tell. */
static json_t *leaves_device(const struct wire_object *o)
{
    return o->flags_known & 1u << WIRE_EXTRACTABLE
               ? json_boolean(o->flags_set & 1u << WIRE_EXTRACTABLE)
               : json_null();
}

static json_t *label_of(const struct wire_object *o)
{
    return record_take(o->label == NULL ? strdup("") : text_printable(o->label, strlen(o->label)));
}

/* Tokens can have thousands of them: no more than a row of a list shows. */
json_t *record_object_brief(const struct wire_slot *s, const struct wire_object *o)
{
    json_t *record = json_object();
    X509 *x = o->class == CKO_CERTIFICATE ? record_x509(o) : NULL;

    json_object_set_new(record, "group", json_integer((json_int_t)o->group));
    json_object_set_new(record, "class", json_string(name_class(o->class)));
    json_object_set_new(record, "label", label_of(o));
    json_object_set_new(record, "uri", record_take(token_uri_of_object(s, o)));
    json_object_set_new(record, "type", type_text(o));
    if (o->class == CKO_PRIVATE_KEY)
        json_object_set_new(record, "leaves-device", leaves_device(o));
    if (x == NULL) {
        add_key_judgement(record, o);
    } else {
        json_object_set_new(record, "name", record_take(cert_common_name(x)));
        json_object_set_new(record, "days-left", json_integer(cert_days_left(x, time(NULL))));
        json_object_set_new(record, "code-signing", json_boolean(cert_for_code_signing(x)));
        json_object_set_new(record, "warning", record_take(cert_expiry_warning(x, time(NULL))));
    }
    X509_free(x);
    return record;
}

static void add_partners(json_t *record, const struct wire_slot *s, const struct wire_objects *all,
                         const struct wire_object *o)
{
    const struct wire_object *partner;
    bool by_id;

    if (o->class != CKO_CERTIFICATE) {
        partner = objects_certificate_of(all, o, &by_id);
        add_partner(record, "certificate-uri", s, partner, by_id);
    }
    if (o->class != CKO_PRIVATE_KEY) {
        partner = objects_private_key_of(all, o, &by_id);
        add_partner(record, "private-key-uri", s, partner, by_id);
    }
}

json_t *record_object(const struct wire_slot *s, const struct wire_objects *all,
                      const struct wire_object *o)
{
    json_t *record = record_object_brief(s, o);
    X509 *x = o->class == CKO_CERTIFICATE ? record_x509(o) : NULL;

    json_object_set_new(record, "id", record_take(text_hex(o->id, o->id_length)));
    json_object_set_new(record, "bits", o->bits > 0 ? json_integer(o->bits) : json_null());
    if (o->problem[0] != '\0')
        json_object_set_new(record, "problem", json_string(o->problem));
    add_partners(record, s, all, o);
    add_key_judgement(record, o);
    json_object_set_new(record, "attributes", attributes(o));
    if (x != NULL)
        json_object_set_new(record, "certificate", record_certificate(x));
    X509_free(x);
    return record;
}
