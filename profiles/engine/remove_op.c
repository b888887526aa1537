/* SPDX-License-Identifier: Apache-2.0 */
/* signet-batch remove: the files as they were before they were signed. */
#include <string.h>

#include "profiles/engine/batch.h"
#include "profiles/engine/plan.h"
#include "profiles/engine/rewrite.h"
#include "profiles/engine/tally.h"
#include "profiles/ops.h"
#include "sign/strip.h"

static const struct op_arg args[] = {
    {.name = "FILE",
     .type = OP_PATH,
     .positional = true,
     .required = true,
     .repeatable = true,
     .help = "a signed file, @LIST for a file with a path a line, '-' for JSON jobs on standard "
             "input"},
    {.name = "output",
     .letter = 'o',
     .type = OP_PATH,
     .value = "DIR",
     .help = "write the files into this folder instead of in place"},
};

static bool strip(struct rewrite *r, enum strip_state *state, uint64_t *size, struct cancel *cancel,
                  struct error *e)
{
    if (!strip_file(r->input, r->file, rewrite_fd(r), state, size, cancel, e))
        return false;
    return *state == STRIP_DONE ? rewrite_commit(r, e) : rewrite_keep(r, e);
}

static json_t *place(const struct plan_item *item, enum strip_state state)
{
    json_t *more =
        json_pack("{s:o, s:b}", "output", batch_name(item->output), "in-place", item->in_place);

    if (state == STRIP_UNSIGNED)
        json_object_set_new(more, "why", json_string("it is not signed"));
    return more;
}

struct removing {
    struct plan plan;
    struct tally tally;
};

static bool remove_one(void *data, size_t index)
{
    struct removing *x = data;
    const struct plan_item *item = &x->plan.item[index];
    struct cancel *cancel = x->tally.ctx->cancel;
    enum strip_state state = STRIP_UNSIGNED;
    struct error e = ERROR_INIT;
    struct rewrite r;
    uint64_t size = 0;

    if (rewrite_open(&r, item->file, item->output, item->in_place, &e) &&
        strip(&r, &state, &size, cancel, &e))
        tally_file(&x->tally, item->file, state == STRIP_DONE ? TALLY_DONE : TALLY_KEPT, size,
                   place(item, state), NULL);
    else if (e.code != ERROR_CANCELLED)
        tally_file(&x->tally, item->file, TALLY_FAILED, 0, NULL, &e);
    rewrite_close(&r);
    return e.code != ERROR_CANCELLED;
}

static bool run(const struct op_args *a, struct op_ctx *ctx, struct error *e)
{
    static const struct profile_list no_patterns = {0};
    struct removing x;
    bool done;

    if (!batch_plan(&x.plan, a, &no_patterns, op_text(a, "output"), e))
        return false;
    tally_begin(&x.tally, ctx, "removed", x.plan.count);
    done =
        tally_plan(&x.tally, &x.plan, batch_is_same, remove_one, &x, e) && tally_end(&x.tally, e);
    plan_free(&x.plan);
    return done;
}

const struct op op_batch_remove = {
    .verb = "remove",
    .group = "Sign",
    .summary = "take all signatures off files",
    .description =
        "Each file is replaced in one step by what it was before it was signed: of a file that "
        "Signet signed, bit for bit. A file that is not signed is kept. Whether the signatures "
        "hold is not asked.",
    .example = "signet-batch remove dist/*.exe\n"
               "signet-batch remove -o unsigned dist/app.exe --json",
    .program = OP_BATCH,
    .effects = OP_WRITES | OP_STREAMS,
    .args = args,
    .arg_count = sizeof args / sizeof *args,
    .run = run,
    .text = tally_text,
};
