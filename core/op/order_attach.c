/* SPDX-License-Identifier: Apache-2.0 */
/* signet order attach: the issued certificate, or a vendor's proof, put into the order. */
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/path.h"
#include "cert/chain.h"
#include "cert/csr.h"
#include "cert/load.h"
#include "cert/order.h"
#include "cert/view.h"
#include "op/ops.h"
#include "op/record.h"
#include "op/text.h"

static const char *const kinds[] = {"auto", "certificate", "proof", NULL};

static const struct op_arg args[] = {
    {.name = "DIR",
     .type = OP_PATH,
     .positional = true,
     .required = true,
     .help = "folder of the order"},
    {.name = "FILE",
     .type = OP_PATH,
     .positional = true,
     .required = true,
     .help = "certificate from the CA (PEM, DER, PKCS#7), or a proof in any format"},
    {.name = "as",
     .type = OP_CHOICE,
     .value = "WHAT",
     .choices = kinds,
     .default_text = "auto",
     .help = "what the file is; auto: a certificate for code signing is the certificate, all else "
             "is a proof"},
};

/* What was read for one attachment. */
struct attachment {
    const char *folder, *file, *as;
    json_t *order;
    X509_REQ *request;
    struct buffer bytes;
    STACK_OF(X509) * found;
    X509 *leaf; /* in `found`: for code signing; with the request's key, where there is one */
    bool fits;  /* leaf has the request's key */
};

static bool is_for_us(const struct attachment *t, const X509 *x)
{
    return EVP_PKEY_eq(X509_get0_pubkey(x), X509_REQ_get0_pubkey(t->request)) == 1;
}

/* A vendor's confirmation may hold certificates too, of the same key even: what may sign code is
 * the CA's. */
static void find_leaf(struct attachment *t)
{
    for (int i = 0; i < sk_X509_num(t->found) && !t->fits; i++) {
        X509 *x = sk_X509_value(t->found, i);

        if (!cert_for_code_signing(x) || cert_is_ca(x))
            continue;
        t->fits = is_for_us(t, x);
        if (t->fits || t->leaf == NULL)
            t->leaf = x;
    }
}

static bool read_request(struct attachment *t, struct error *e)
{
    const json_t *entry;
    char *path;

    t->order = order_load(t->folder, e);
    if (t->order == NULL)
        return false;
    entry = json_object_get(t->order, "csr");
    path = path_join(t->folder, op_string(entry, "file"), e);
    if (path != NULL)
        t->request = csr_load_file(path, e);
    free(path);
    return t->request != NULL;
}

static bool read_file(struct attachment *t, struct error *e)
{
    if (!path_read_file(t->file, ORDER_PROOF_MAX, &t->bytes, e))
        return false;
    t->found = sk_X509_new_null();
    if (t->found == NULL)
        return error_set_memory(e);
    if (t->bytes.length <= CERT_FILE_MAX)
        cert_load(t->file, t->bytes.data, t->bytes.length, t->found, NULL);
    find_leaf(t);
    return true;
}

static bool no_certificate(const struct attachment *t, struct error *e)
{
    if (t->leaf == NULL)
        return error_set(e, ERROR_UNFIT, "'%s' holds no certificate for code signing%s", t->file,
                         sk_X509_num(t->found) == 0 ? "" : "; a proof is added with --as proof");
    return error_set(e, ERROR_UNFIT,
                     "the certificate in '%s' is for another key than the order's; nothing was "
                     "added (--as proof adds it as it is)",
                     t->file);
}

static bool may_replace(struct op_ctx *ctx, const json_t *order, const struct attachment *t,
                        struct error *e)
{
    const json_t *old = json_object_get(order, "certificate");
    char hex[CERT_FINGERPRINT_SIZE];

    if (!json_is_object(old))
        return true;
    if (strcmp(op_string(old, "fingerprint"), cert_fingerprint(t->leaf, EVP_sha256(), hex)) == 0)
        return error_set(e, ERROR_USAGE, "this certificate is in the order already");
    return op_ask_yes(ctx, "The order has a certificate already; does this one take its place?") ||
           error_set(e, ERROR_USAGE,
                     "the order has a certificate already; --yes puts this one in its place");
}

/* The chain ends before its root; one that came along proves who issued. */
static void add_root(const struct attachment *t, STACK_OF(X509) * chain)
{
    X509 *last = sk_X509_value(chain, sk_X509_num(chain) - 1);

    for (int i = 0; i < sk_X509_num(t->found); i++) {
        X509 *x = sk_X509_value(t->found, i);

        if (X509_self_signed(x, 1) == 1 && X509_check_issued(x, last) == X509_V_OK &&
            X509_up_ref(x) == 1) {
            if (sk_X509_push(chain, x) <= 0)
                X509_free(x);
            return;
        }
    }
}

static bool add_certificate(struct attachment *t, struct op_ctx *ctx, struct error *e)
{
    STACK_OF(X509) * chain;
    bool added;

    if (!may_replace(ctx, t->order, t, e))
        return false;
    chain = cert_chain_build(t->leaf, t->found, NULL, e);
    if (chain != NULL)
        add_root(t, chain);
    added = chain != NULL && order_add_certificate(t->folder, t->order, chain, time(NULL), e);
    sk_X509_pop_free(chain, X509_free);
    if (added)
        op_emit(ctx, "attached",
                json_pack("{s:o, s:s, s:O}", "folder", record_text(t->folder), "as", "certificate",
                          "entry", json_object_get(t->order, "certificate")));
    return added;
}

static bool add_proof(struct attachment *t, struct op_ctx *ctx, struct error *e)
{
    const json_t *proofs = json_object_get(t->order, "proofs");

    if (!order_add_proof(t->folder, t->order, t->file, t->bytes.data, t->bytes.length, time(NULL),
                         e))
        return false;
    op_emit(ctx, "attached",
            json_pack("{s:o, s:s, s:s?, s:O}", "folder", record_text(t->folder), "as", "proof",
                      "because",
                      strcmp(t->as, "auto") == 0 && sk_X509_num(t->found) > 0
                          ? "it holds no certificate for code signing"
                          : NULL,
                      "entry", json_array_get(proofs, json_array_size(proofs) - 1)));
    return true;
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    struct attachment t = {
        .folder = op_text(a, "DIR"), .file = op_text(a, "FILE"), .as = op_text(a, "as")};
    bool done = read_request(&t, e) && read_file(&t, e);

    if (done && (strcmp(t.as, "proof") == 0 || (strcmp(t.as, "auto") == 0 && t.leaf == NULL)))
        done = add_proof(&t, ctx, e);
    else if (done && t.fits)
        done = add_certificate(&t, ctx, e);
    else if (done)
        done = no_certificate(&t, e);
    sk_X509_pop_free(t.found, X509_free);
    buffer_free(&t.bytes);
    X509_REQ_free(t.request);
    json_decref(t.order);
    return done;
}

static void text(const char *kind, const json_t *r, unsigned width, bool colour, struct buffer *out)
{
    const json_t *entry = json_object_get(r, "entry");

    (void)kind, (void)width, (void)colour;
    buffer_printf(out, "added as the order's %s: %s\n", op_string(r, "as"),
                  op_string(entry, "file"));
    op_field(out, r, "because", "because");
    op_field(out, entry, "file's SHA-256", "sha256");
    op_field(out, entry, "subject", "subject");
    op_field(out, entry, "by", "issuer");
    op_field(out, entry, "ends", "not-after");
    if (strcmp(op_string(r, "as"), "certificate") == 0)
        buffer_printf(out, "Next: signet order verify '%s', then signet import TOKEN '%s/%s'\n",
                      op_string(r, "folder"), op_string(r, "folder"), op_string(entry, "file"));
}

const struct op op_order_attach = {
    .verb = "order attach",
    .group = "Order",
    .summary = "add the issued certificate, or a vendor's proof, to an order",
    .description =
        "A certificate for code signing must be for the key of the order; its chain is kept with "
        "it, from the same file. Anything else, such as the confirmation that an HSM's own tool "
        "writes, is kept as it is, with its SHA-256.",
    .example = "signet order attach orders/2026 confirmation.p7b\n"
               "signet order attach orders/2026 issued.crt",
    .effects = OP_READS | OP_WRITES,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = text,
};
