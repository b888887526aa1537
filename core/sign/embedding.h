/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file's side of a signature, whoever makes it: the signatures that stand in the file, the one
 * pass that reads, digests and writes, and how one more signature goes into it.
 */
#ifndef SIGNET_SIGN_EMBEDDING_H
#define SIGNET_SIGN_EMBEDDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "sign/format.h"
#include "sign/sign.h"
#include "sign/signatures.h"

struct embedding {
    const struct format *format;
    struct format_file *file;
    char *name; /* for messages */
    int output; /* -1: nothing is written */
    uint64_t size;
    enum sign_existing existing;
    struct buffer note;   /* what the first signature is to keep for `remove` */
    struct buffer *outer; /* the signatures of the input that stand side by side and stay */
    size_t outer_count;
};

/* Finds the format of `input` and opens it. Whatever it returns, *m is freed by embedding_free. */
bool embedding_open(struct embedding *m, int input, const char *name, int output,
                    enum sign_existing existing, struct error *e);
void embedding_free(struct embedding *m);

/* Reads the signatures that are there into `s`; with SIGN_REPLACE only their note, since they need
 * not even be readable. ERROR_SIGNATURE: one cannot be read. */
bool embedding_read(struct embedding *m, struct signatures *s, struct error *e);

/* After signatures_digest: all of `s` hold. ERROR_SIGNATURE names what is wrong, and the way out.
 */
bool embedding_all_hold(const struct embedding *m, const struct signatures *s, struct error *e);

/* The pass that writes; `s` gets the digest by `md` and those that its signatures need, from the
 * same bytes, and must hold. `options`: its `append` is set here. */
bool embedding_pass(struct embedding *m, struct signatures *s, const EVP_MD *md,
                    const struct format_options *options, struct cancel *cancel, struct error *e);

/* After embedding_pass: adds a signature (DER of a ContentInfo; taken, and empty afterwards) to
 * what the pass wrote: as the first, with the note that it lacks; nested in the first; or beside
 * the others. Reads back what was written. */
bool embedding_add(struct embedding *m, struct buffer *signature, struct error *e);

/* Makes `count` signatures all that the output carries, and reads them back. */
bool embedding_put(struct embedding *m, const struct buffer *der, size_t count, struct error *e);

#endif
