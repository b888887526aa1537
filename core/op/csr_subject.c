/* SPDX-License-Identifier: Apache-2.0 */
/* Where the subject of a request comes from. */
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "cert/csr.h"
#include "cert/load.h"
#include "cert/name.h"
#include "cert/order.h"
#include "cert/view.h"
#include "op/csr_job.h"
#include "op/record.h"
#include "op/text.h"
#include "token/uri.h"

/* --from FILE: of several certificates, the first that is for code signing. */
static X509_NAME *subject_of_file(const char *path, struct error *e)
{
    STACK_OF(X509) *all = sk_X509_new_null();
    X509_NAME *name = NULL;
    X509 *x;

    if (all == NULL)
        error_set_memory(e);
    if (all != NULL && cert_load_file(path, all, e)) {
        x = sk_X509_value(all, 0);
        for (int i = 0; i < sk_X509_num(all); i++)
            if (cert_for_code_signing(sk_X509_value(all, i)) &&
                !cert_is_ca(sk_X509_value(all, i))) {
                x = sk_X509_value(all, i);
                break;
            }
        name = name_from_certificate(x, e);
        if (name == NULL)
            error_prefix(e, "'%s': write the subject yourself (--subject)", path);
    }
    sk_X509_pop_free(all, X509_free);
    return name;
}

X509_NAME *csr_subject_of_object(struct csr_job *job, const char *uri, struct error *e)
{
    struct token *t = inventory_find(&job->inventory, uri, e);
    const struct wire_object *o = NULL;
    struct wire_objects all = {0};
    X509_NAME *name = NULL;
    X509 *x;

    if (t != NULL && objects_read(inventory_host(&job->inventory, t), t->slot.id, NULL,
                                  job->ctx->cancel, &all, e))
        o = objects_find_named(&all, &t->slot, uri, CKO_CERTIFICATE, e);
    x = o == NULL ? NULL : record_x509(o);
    if (x != NULL)
        name = name_from_certificate(x, e);
    else if (o != NULL)
        error_set(e, ERROR_UNFIT, "'%s' is no X.509 certificate", uri);
    X509_free(x);
    wire_objects_free(&all);
    return name;
}

/* Subject, address, digest and key of an order that was made before. */
static bool take_old_order(struct csr_job *job, const char *folder, struct error *e)
{
    json_t *order = order_load(folder, e);
    const char *file = op_string(json_object_get(order, "csr"), "file");
    char *path = order == NULL ? NULL : path_join(folder, file, e);
    X509_REQ *r = path == NULL ? NULL : csr_load_file(path, e);
    const char *email = op_string(order, "email");

    if (r != NULL) {
        job->subject = X509_NAME_dup(X509_REQ_get_subject_name(r));
        if (*email != '\0' && job->email == NULL)
            job->email = strdup(email);
        if (!op_given(job->args, "digest"))
            signer_hash_parse(op_string(order, "digest"), &job->hash);
        if (job->key_name == NULL)
            job->key_name = strdup(op_string(json_object_get(order, "key"), "uri"));
    }
    X509_REQ_free(r);
    free(path);
    json_decref(order);
    return job->subject != NULL;
}

bool csr_take_subject(struct csr_job *job, struct error *e)
{
    const struct op_args *a = job->args;
    const char *subject = op_text(a, "subject"), *from = op_text(a, "from");

    if (op_given(a, "subject") + op_given(a, "from") + op_given(a, "from-order") != 1)
        return error_set(e, ERROR_USAGE,
                         "the subject comes from one of --subject, --from and --from-order");
    if (op_given(a, "from-order"))
        return take_old_order(job, op_text(a, "from-order"), e);
    if (from != NULL && token_uri_is(from))
        return true;
    job->subject =
        from != NULL ? subject_of_file(from, e) : name_parse(subject, strlen(subject), e);
    return job->subject != NULL;
}
