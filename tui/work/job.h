/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations at work. Each runs on a thread of its own, those of one lane one after the other;
 * what they emit, tell and ask arrives in the main thread, in order, through one mailbox whose
 * descriptor becomes readable. So the screen never waits for a token.
 */
#ifndef SIGNET_TUI_WORK_JOB_H
#define SIGNET_TUI_WORK_JOB_H

#include <jansson.h>

#include "base/secret.h"
#include "op/op.h"

struct work;
struct job;

/* A question that a job waits with. */
struct job_question {
    enum { QUESTION_YES_NO, QUESTION_LABEL, QUESTION_TEXT, QUESTION_SECRET } kind;
    const char *text;
    const char *expected; /* of QUESTION_LABEL: what is to be typed */
};

/* Called in the main thread, from work_deliver. Any may be NULL but `ended`. */
struct job_watcher {
    void (*record)(void *data, struct job *j, const char *kind, json_t *record); /* borrowed */
    void (*told)(void *data, struct job *j, const char *line);
    void (*asked)(void *data, struct job *j, const struct job_question *q);
    /* `e` NULL: it succeeded. The job is gone afterwards. */
    void (*ended)(void *data, struct job *j, const struct error *e);
    void *data;
    bool stays; /* runs as long as the console: nothing waits for it, nobody cancels it */
};

/* NULL: ERROR_SYSTEM, ERROR_MEMORY. */
struct work *work_new(struct error *e);

/* Cancels all, waits for them (their watchers learn that they ended), and stops the hosts that
 * rest. */
void work_free(struct work **w);

/* Readable while something waits to be delivered. */
int work_fd(const struct work *w);
void work_deliver(struct work *w);

/* Starts `op` with these words, parsed as on the command line; "lane" is the module it needs, or
 * NULL. NULL: the reason, such as a wrong argument. */
struct job *work_start(struct work *w, const struct op *op, const char *const *words, size_t count,
                       const char *lane, const struct job_watcher *watcher, struct error *e);

/* The next use of the module at `path` (NULL: any) starts it anew. */
void work_restart_hosts(struct work *w, const char *path);

const struct job_watcher *job_watcher(const struct job *j);
const struct op *job_op(const struct job *j);
const struct op_args *job_args(const struct job *j);
const char *job_lane(const struct job *j); /* NULL for none */
void job_cancel(struct job *j);
bool job_is_cancelled(struct job *j);
/* Somebody is there who answers its questions, and it does more than read: who leaves should know.
 */
bool job_is_errand(const struct job *j);
bool job_stays(const struct job *j);
bool job_running(const struct job *j);    /* false: it waits for its lane */
int64_t job_started(const struct job *j); /* clock_ms */

/* The last progress; *total 0: unknown. */
void job_progress(struct job *j, uint64_t *done, uint64_t *total, char *what, size_t size);

/* Answers the question that was delivered last. Answer NULL, or secret NULL: no, or given up. */
void job_answer(struct job *j, const char *answer);
void job_answer_secret(struct job *j, struct secret *secret); /* takes it over */

/* True while something runs or waits that will end by itself. */
bool work_is_busy(const struct work *w);

/* Those that run or wait; the order of their start. */
size_t work_count(const struct work *w);
struct job *work_job(const struct work *w, size_t index);

#endif
