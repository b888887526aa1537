/* SPDX-License-Identifier: Apache-2.0 */
/* What the operations of signet-batch share. */
#ifndef SIGNET_PROFILES_ENGINE_BATCH_H
#define SIGNET_PROFILES_ENGINE_BATCH_H

#include "op/op.h"
#include "profiles/engine/engine.h"
#include "profiles/engine/plan.h"
#include "profiles/profile.h"
#include "profiles/ready.h"

/* The choices of --digest and --existing, in the order of their enums; NULL at the end. */
extern const char *const batch_digests[], *const batch_existings[];

/* The profile PROFILE, or one made of the options --key, --certificate and the like when there is
 * no profile; then the options that override it. */
struct profile *batch_profile(const struct op_args *args, const char *name, struct error *e);

/* The same where no key is wanted, only what enters a digest: `name` may be NULL. */
struct profile *batch_digest_profile(const struct op_args *args, const char *name, struct error *e);

/* The files of the argument FILE, or of these patterns where it has none; they go into `directory`;
 * NULL: in place. */
bool batch_plan(struct plan *out, const struct op_args *args, const struct profile_list *patterns,
                const char *directory, struct error *e);

/* The file was named before, and stands at the same place: what is done to it is done. */
bool batch_is_same(const struct plan *plan, size_t index);

/* A file's name for a record: as it is, or printable where it is no UTF-8. New reference. */
json_t *batch_name(const char *file);

/* Appends a text of a record that came from outside, so that a terminal can show it. */
void batch_show(struct buffer *out, const char *text);

/* Appends ": " and why a record's file failed; its name, which stands before, is not said again. */
void batch_show_error(struct buffer *out, const json_t *record);

/* Opens the gate for a ready profile and gives the signer for its key. *session is the caller's to
 * close. */
const struct signer *batch_open(struct ready *r, const struct profile *p, struct op_ctx *ctx,
                                const struct gate_person *person, struct gate_session **session,
                                unsigned *lanes, struct error *e);

#endif
