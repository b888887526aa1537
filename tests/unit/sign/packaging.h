/* SPDX-License-Identifier: Apache-2.0 */
/* Packages in memory: signing, what must be true of them then, and taking the signature out. What
 * is not as it must be fails the test. */
#ifndef SIGNET_TESTS_SIGN_PACKAGING_H
#define SIGNET_TESTS_SIGN_PACKAGING_H

#include "cfb_builder.h"
#include "signing.h"

/* It can be read, ends with its last sector, and has a mini stream of whole small sectors;
 * `balanced`: its tree of names is red and black. */
void packaging_check_structure(const struct buffer *file, bool balanced);

/* Streams and their sectors are where they were. */
void packaging_check_untouched(const struct cfb_image *image, const struct buffer *file);

/* The report is freed by the caller. */
void packaging_verify(const struct signing_identity *i, const struct buffer *file,
                      struct verify_report *report);
void packaging_must_be_good(const struct signing_identity *i, const char *name,
                            const struct buffer *file, size_t signatures);

/* As `remove` does it: with the note of the signature, or without. */
void packaging_take_out(const struct buffer *file, bool with_note, struct buffer *out);

/* Puts a signature into a file that has none. */
bool packaging_attach(const struct buffer *file, const struct buffer *der, bool ex,
                      struct buffer *out, struct error *e);

/* `name` and `what` are for the message. */
void packaging_same(const char *name, const char *what, const struct buffer *a,
                    const struct buffer *b);

#endif
