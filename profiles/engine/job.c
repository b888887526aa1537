/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/engine/job.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "profiles/engine/rewrite.h"

struct job *job_new(const struct engine *engine, size_t index)
{
    struct job *j = calloc(1, sizeof *j);

    if (j == NULL)
        return NULL;
    j->result.index = index;
    j->item = &engine->plan->item[index];
    j->spec = *engine->spec;
    if (j->item->description != NULL)
        j->spec.description = j->item->description;
    if (j->item->url != NULL)
        j->spec.url = j->item->url;
    j->started = clock_ms();
    j->input = -1;
    return j;
}

void job_free(struct job *j)
{
    sign_free(&j->sign);
    tempfile_free(&j->output);
    buffer_free(&j->signature);
    if (j->input >= 0)
        close(j->input);
    free(j);
}

static void take_digest(struct job *j)
{
    const uint8_t *digest = sign_file_digest(j->sign, &j->result.digest_length);

    memcpy(j->result.digest, digest, j->result.digest_length);
}

/* Of a file that is elsewhere. */
static bool begin_elsewhere(struct job *j, const struct engine *engine, bool *made, struct error *e)
{
    enum sign_made is = SIGN_NOT_MADE;

    if (!sign_spec_check(&j->spec, e))
        return false;
    j->sign = engine->begin(engine->data, j->result.index, &j->spec, &is, e);
    if (j->sign != NULL)
        take_digest(j);
    j->state = is == SIGN_MADE_UNSTAMPED ? SIGN_UNSTAMPED : SIGN_READY;
    *made = is == SIGN_MADE;
    return j->sign != NULL;
}

/* From the start of the input into an empty output. */
static bool begin(struct job *j, const struct engine *engine, struct error *e)
{
    int output = -1;

    if (!engine->dry_run) {
        tempfile_free(&j->output);
        j->output = tempfile_open(j->item->output, e);
        if (j->output == NULL)
            return false;
        output = tempfile_fd(j->output);
    }
    sign_free(&j->sign);
    j->sign = sign_begin(j->input, j->item->file, output, &j->spec, &j->state, engine->cancel, e);
    if (j->sign == NULL)
        return false;
    j->result.bytes += sign_size(j->sign);
    take_digest(j);
    return true;
}

/* What an earlier run left in the output folder need not be made again. In place there is no such
 * thing: the file itself is the input. */
static enum sign_made find_made(const struct job *j, struct cancel *cancel, int *made,
                                struct stat *status)
{
    *made = j->item->in_place ? -1 : open(j->item->output, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*made >= 0 && fstat(*made, status) == 0 && S_ISREG(status->st_mode) &&
        !rewrite_is_file(j->item->output, &j->status))
        return sign_is_made(j->sign, *made, cancel);
    return SIGN_NOT_MADE;
}

static bool begin_with_made(struct job *j, const struct engine *engine, int made,
                            const struct stat *status, struct error *e)
{
    close(j->input);
    j->input = made;
    j->status = *status;
    j->in_place = true;
    j->spec.existing = SIGN_KEEP;
    return begin(j, engine, e);
}

bool job_read(struct job *j, const struct engine *engine, bool *made, struct error *e)
{
    struct stat status;
    enum sign_made is;
    int fd;

    *made = false;
    if (engine->begin != NULL)
        return begin_elsewhere(j, engine, made, e);
    j->input = rewrite_open_input(j->item->file, &j->status, e);
    if (j->input < 0)
        return false;
    j->in_place = j->item->in_place || rewrite_is_file(j->item->output, &j->status);
    if (!sign_spec_check(&j->spec, e) || !begin(j, engine, e))
        return false;
    if (j->state == SIGN_KEPT)
        return true;
    is = find_made(j, engine->cancel, &fd, &status);
    if (is == SIGN_MADE_UNSTAMPED)
        return begin_with_made(j, engine, fd, &status, e);
    if (fd >= 0)
        close(fd);
    *made = is == SIGN_MADE;
    return true;
}

bool job_has_place(const struct job *j, struct error *e)
{
    const struct plan_item *item = j->item;

    return !j->in_place || rewrite_may_replace(item->output, &j->status,
                                               item->in_place ? item->file : item->output, e);
}

bool job_copy_kept(struct job *j, const struct engine *engine, struct error *e)
{
    if (engine->put != NULL)
        return engine->put(engine->data, j->result.index, j->sign, e);
    if (j->output == NULL)
        return true;
    if (j->in_place)
        return job_has_place(j, e);
    return rewrite_copy(j->input, j->item->file, tempfile_fd(j->output), e) &&
           tempfile_copy_mode(j->output, &j->status, e) && tempfile_place(j->output, true, e);
}

bool job_commit(struct job *j, const struct engine *engine, struct error *e)
{
    if (engine->put != NULL)
        return engine->put(engine->data, j->result.index, j->sign, e);
    /* The disk may take its time; after that the place is looked at. */
    return sign_finish(j->sign, e) && tempfile_copy_mode(j->output, &j->status, e) &&
           tempfile_sync(j->output, e) && job_has_place(j, e) && tempfile_place(j->output, true, e);
}

bool job_copy_same(const struct plan_item *item, const struct plan_item *first, struct error *e)
{
    struct tempfile *output = NULL;
    struct stat status, like;
    int input = open(first->output, O_RDONLY | O_CLOEXEC);
    bool done = false;

    if (input < 0 || fstat(input, &status) != 0 || stat(item->file, &like) != 0)
        error_set_errno(e, "cannot copy '%s' to '%s'", first->output, item->output);
    else if (rewrite_is_file(item->output, &status))
        done = true;
    else if (!item->in_place || rewrite_may_replace(item->output, item->seen, item->file, e))
        output = tempfile_open(item->output, e);
    if (output != NULL)
        done = rewrite_copy(input, first->output, tempfile_fd(output), e) &&
               tempfile_copy_mode(output, &like, e) && tempfile_place(output, true, e);
    tempfile_free(&output);
    if (input >= 0)
        close(input);
    return done;
}
