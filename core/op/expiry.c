/* SPDX-License-Identifier: Apache-2.0 */
#include "op/expiry.h"

#include <stdlib.h>
#include <time.h>

#include "cert/expiry.h"
#include "cert/view.h"
#include "op/record.h"
#include "op/text.h"

static STACK_OF(X509) * signers_of(const struct wire_objects *all)
{
    STACK_OF(X509) *signers = sk_X509_new_null();

    for (size_t i = 0; signers != NULL && i < all->count; i++) {
        const struct wire_object *o = &all->object[i];
        X509 *x = o->class == CKO_CERTIFICATE ? record_x509(o) : NULL;

        if (x != NULL &&
            (cert_is_ca(x) || !cert_for_code_signing(x) || sk_X509_push(signers, x) <= 0))
            X509_free(x);
    }
    return signers;
}

json_t *op_expiry_warnings(const struct wire_objects *all)
{
    STACK_OF(X509) *signers = signers_of(all);
    json_t *list = json_array();

    for (int i = 0; i < sk_X509_num(signers); i++) {
        X509 *x = sk_X509_value(signers, i);
        char *text = cert_is_continued(x, signers) ? NULL : cert_expiry_warning(x, time(NULL));

        if (text != NULL)
            json_array_append_new(
                list, json_pack("{s:o, s:o, s:I, s:s}", "name", record_take(cert_common_name(x)),
                                "sha256", record_take(cert_pin(x)), "days-left",
                                (json_int_t)cert_days_left(x, time(NULL)), "text", text));
        free(text);
    }
    sk_X509_pop_free(signers, X509_free);
    return list;
}

void op_text_expiry(const json_t *warnings, struct buffer *out)
{
    size_t index;
    json_t *one;

    json_array_foreach(warnings, index, one)
    {
        struct buffer line = BUFFER_INIT;

        buffer_printf(&line, "certificate '%s': %s", op_string(one, "name"),
                      op_string(one, "text"));
        op_line(out, "WARNING", buffer_text(&line));
        buffer_free(&line);
    }
}
