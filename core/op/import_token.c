/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates onto a token by PKCS#11. A token that lets anyone write public objects is not logged
 * in to. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cert/view.h"
#include "op/importing.h"
#include "op/record.h"
#include "token/objects.h"
#include "token/write.h"
#include "wire/rv.h"

struct host *import_host(const struct importing *i)
{
    return i->session != NULL ? gate_host(i->session) : inventory_host(&i->inventory, i->token);
}

CK_SLOT_ID import_slot(const struct importing *i)
{
    return i->session != NULL ? gate_slot(i->session) : i->token->slot.id;
}

bool import_objects(struct importing *i, struct error *e)
{
    wire_objects_free(&i->objects);
    i->private_half = i->public_half = NULL;
    return objects_read(import_host(i), import_slot(i), NULL, i->ctx->cancel, &i->objects, e);
}

bool import_login(struct importing *i, struct error *e)
{
    struct pin_source *source;
    struct gate_request request;
    struct host *host;

    if (i->session != NULL)
        return true;
    if (!op_gate_request(i->args, i->ctx, &i->inventory, i->token, &i->person, &source, &request,
                         e))
        return false;
    host = op_take_host(&i->inventory, i->token);
    i->session = gate_open(&request, &host, e);
    pin_source_free(&source);
    return i->session != NULL;
}

const struct wire_object *import_find(const struct wire_objects *all, X509 *x)
{
    for (size_t n = 0; n < all->count; n++) {
        const struct wire_object *o = &all->object[n];
        X509 *there = o->class == CKO_CERTIFICATE ? record_x509(o) : NULL;
        bool same = there != NULL && X509_cmp(there, x) == 0;

        X509_free(there);
        if (same)
            return o;
    }
    return NULL;
}

/* What a person can do about it. */
static const char *remedy(const struct error *e)
{
    switch (e->code == ERROR_TOKEN ? e->detail : CKR_OK) {
    case CKR_DEVICE_MEMORY:
        return "the token is full: delete what is no longer needed (signet delete), and give the "
               "same command again";
    case CKR_DEVICE_REMOVED:
    case CKR_TOKEN_NOT_PRESENT:
    case CKR_DEVICE_ERROR:
        return "plug it in, and give the same command again: what is there already stays";
    case CKR_TOKEN_WRITE_PROTECTED:
    case CKR_SESSION_READ_ONLY:
        return "the token lets nobody write to it here";
    case CKR_ATTRIBUTE_READ_ONLY:
    case CKR_ATTRIBUTE_TYPE_INVALID:
    case CKR_ATTRIBUTE_VALUE_INVALID:
    case CKR_TEMPLATE_INCONSISTENT:
    case CKR_TEMPLATE_INCOMPLETE:
        return "its module refuses an attribute; the vendor's own tool may do it";
    default:
        return "signet objects shows what is there; the same command goes on from it";
    }
}

/* What was being done, why it failed, and what a person can do. Always false. */
static bool explain(struct error *e, const char *what)
{
    const char *how;
    struct error cause;

    if (e == NULL)
        return false;
    cause = *e;
    how = remedy(e);
    error_set(e, cause.code, "%s: %.700s; %s", what, cause.text, how);
    e->detail = cause.detail;
    return false;
}

bool import_no_private_half(const struct importing *i, struct error *e)
{
    return error_set(e, ERROR_MISSING,
                     "'%s' has the public key of the certificate, but not its private key",
                     i->token->label);
}

/* After a login nothing hides any more; a private key that does not tell its public half may be the
 * one. What was read before stays: changes point into it. */
static bool has_private_half(struct importing *i, struct error *e)
{
    struct wire_objects now = {0};
    bool has = false;

    if (i->private_half != NULL || i->public_half == NULL)
        return true;
    if (!objects_read(import_host(i), import_slot(i), NULL, i->ctx->cancel, &now, e))
        return false;
    for (size_t n = 0; n < now.count && !has; n++)
        has = now.object[n].class == CKO_PRIVATE_KEY &&
              (now.object[n].spki == NULL || objects_same_key(&now.object[n], i->public_half));
    wire_objects_free(&now);
    return has || import_no_private_half(i, e);
}

static bool wants_login(const struct importing *i, const struct error *e)
{
    return e->code == ERROR_TOKEN && e->detail == CKR_USER_NOT_LOGGED_IN && i->session == NULL;
}

/* A change that is made at once, or after a login where the token wants one. */
static bool change(struct importing *i,
                   bool (*how)(struct importing *i, const void *what, struct error *e),
                   const void *what, struct error *e)
{
    struct error first = ERROR_INIT;

    if (how(i, what, &first))
        return true;
    if (wants_login(i, &first))
        return import_login(i, e) && has_private_half(i, e) && how(i, what, e);
    if (e != NULL)
        *e = first;
    return false;
}

struct certificate {
    X509 *x;
    const uint8_t *id;
    size_t id_length;
    const char *label;
};

static bool store(struct importing *i, const void *what, struct error *e)
{
    const struct certificate *c = what;
    unsigned char *der = NULL;
    int length = i2d_X509(c->x, &der);
    struct wire_new_certificate fresh = {
        .slot = import_slot(i),
        .der = der,
        .der_length = length > 0 ? (size_t)length : 0,
        .id = (uint8_t *)(uintptr_t)c->id,
        .id_length = c->id_length,
        .label = (char *)(uintptr_t)c->label,
    };
    bool done = length > 0 ? write_certificate(import_host(i), &fresh, i->ctx->cancel, e)
                           : error_set_memory(e);

    OPENSSL_free(der);
    return done;
}

struct naming {
    const struct wire_object *object;
    bool id, label; /* which it gets */
};

static bool rename_object(struct importing *i, const void *what, struct error *e)
{
    const struct naming *n = what;
    struct wire_new_names names = {
        .id = n->id ? i->id : NULL,
        .id_length = n->id ? i->id_length : 0,
        .set_label = n->label,
        .label = i->label,
    };

    return write_which(n->object, import_slot(i), &names.which, e) &&
           write_names(import_host(i), &names, i->ctx->cancel, e);
}

static bool lacks_label(const struct wire_object *o)
{
    return o->label == NULL || *o->label == '\0';
}

/* Nothing of the certificate is on the token yet when the key cannot be named. */
static bool name_half(struct importing *i, const struct wire_object *o, struct error *e)
{
    struct naming n = {.object = o};

    if (o == NULL)
        return true;
    n.id = o->id_length == 0;
    n.label = lacks_label(o);
    if (!n.id && !n.label)
        return true;
    if (!change(i, rename_object, &n, e))
        return explain(e, n.id ? "the key has no CKA_ID and does not get one, so nothing was stored"
                               : "the key has no label and does not get one, so nothing was "
                                 "stored");
    i->renamed = n.id && n.label ? "id and label" : n.id ? "id" : "label";
    return true;
}

/* One that is there under another id than its key's would be found by no other tool. */
static bool name_leaf(struct importing *i, const struct wire_object *o, struct error *e)
{
    struct naming n = {.object = o, .label = lacks_label(o)};

    i->already = true;
    n.id = o->id_length != i->id_length || memcmp(o->id, i->id, i->id_length) != 0;
    if (!n.id && !n.label)
        return true;
    i->named = true;
    return change(i, rename_object, &n, e) ||
           explain(e, "the certificate is on the token, but not under the id of its key");
}

static bool store_leaf(struct importing *i, struct error *e)
{
    const struct wire_object *there = import_find(&i->objects, i->found.leaf);
    struct certificate c = {i->found.leaf, i->id, i->id_length, i->label};

    if (there != NULL)
        return name_leaf(i, there, e);
    if (change(i, store, &c, e))
        return true;
    if (e != NULL && e->code == ERROR_HOST)
        return explain(e, "whether the certificate is stored is not known");
    return explain(e, i->renamed != NULL ? "the key was named, the certificate could not be stored"
                                         : "the certificate could not be stored");
}

/* An issuer's id is the hash of its key (RFC 5280 section 4.2.1.2), as other tools make it. */
static bool store_issuer(struct importing *i, X509 *x, struct error *e)
{
    uint8_t id[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    char *name = cert_common_name(x);
    struct certificate c = {x, id, 0, name};
    bool done;

    if (name == NULL || X509_pubkey_digest(x, EVP_sha1(), id, &length) != 1) {
        free(name);
        return error_set_memory(e);
    }
    c.id_length = length;
    done = change(i, store, &c, e);
    free(name);
    return done;
}

/* What the token does not take, the file does. A host that died is another matter. */
static bool store_issuers(struct importing *i, struct error *e)
{
    bool refused = false;

    for (int n = 0; n < sk_X509_num(i->found.issuers); n++) {
        X509 *x = sk_X509_value(i->found.issuers, n);
        struct error why = ERROR_INIT;

        if (i->link[n] == LINK_THERE)
            continue;
        if (!refused && store_issuer(i, x, &why)) {
            i->link[n] = LINK_STORED;
            continue;
        }
        if (!refused && why.code != ERROR_TOKEN) {
            if (e != NULL)
                *e = why;
            return error_prefix(e, "the certificate is on the token, its chain is not; give the "
                                   "same command again");
        }
        if (!refused)
            snprintf(i->refused, sizeof i->refused, "%.200s", why.text);
        refused = i->to_file = true;
    }
    return true;
}

static bool read_back(struct importing *i, struct error *e)
{
    const struct wire_object *there;

    if (!import_objects(i, e))
        return error_prefix(e, "the certificate was written, but cannot be read back");
    there = import_find(&i->objects, i->found.leaf);
    if (there == NULL)
        return error_set(e, ERROR_TOKEN,
                         "the token said that the certificate is stored, and does not show it; "
                         "pull it out, plug it in, and look with signet objects");
    if (there->id_length != i->id_length || memcmp(there->id, i->id, i->id_length) != 0)
        return error_set(e, ERROR_TOKEN,
                         "the certificate '%s' is on the token, but not under the id of its key; "
                         "delete it there with signet delete",
                         i->label);
    for (int n = 0; n < sk_X509_num(i->found.issuers); n++)
        if (i->link[n] == LINK_STORED &&
            import_find(&i->objects, sk_X509_value(i->found.issuers, n)) == NULL) {
            i->link[n] = LINK_IN_FILE;
            i->to_file = true;
            snprintf(i->refused, sizeof i->refused,
                     "the token said that it is stored, and does not show it");
        }
    return true;
}

bool import_to_token(struct importing *i, struct error *e)
{
    const char *to = op_text(i->args, "chain-to");

    i->to_file = to != NULL ? strcmp(to, "file") == 0 : op_given(i->args, "output");
    for (int n = 0; n < sk_X509_num(i->found.issuers); n++)
        if (import_find(&i->objects, sk_X509_value(i->found.issuers, n)) != NULL)
            i->link[n] = LINK_THERE;
    if (i->to_file && sk_X509_num(i->found.issuers) > 0 && !import_may_write_chain(i, e))
        return false;
    return name_half(i, i->private_half, e) && name_half(i, i->public_half, e) &&
           store_leaf(i, e) && (i->to_file || store_issuers(i, e)) && read_back(i, e);
}
