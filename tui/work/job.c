/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/work/job.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "op/args.h"

enum { MOST_JOBS = 32, WHAT_SIZE = 128 };

enum letter_type { LETTER_RECORD, LETTER_TOLD, LETTER_ASKED, LETTER_ENDED };

/* What a job says; in the mailbox until it is delivered. */
struct letter {
    struct letter *next;
    struct job *job;
    enum letter_type type;
    char *text; /* kind of a record, a line, a question */
    json_t *record;
    struct job_question question;
    struct error error;
    bool failed;
};

struct job {
    struct work *work;
    const struct op *op;
    char **words; /* of the arguments, which point into them */
    struct op_args *args;
    char *lane;
    struct job_watcher watcher;
    struct cancel cancel;
    pthread_t thread;
    bool running, ended;
    int64_t started;

    pthread_mutex_t mutex; /* the answer and the progress */
    pthread_cond_t answered;
    bool has_answer;
    char *answer;
    struct secret *secret;
    uint64_t done, total;
    char what[WHAT_SIZE];
};

struct work {
    struct host_pool *pool;
    int fd;
    pthread_mutex_t mutex; /* the mailbox */
    struct letter *first, **last;
    struct job *job[MOST_JOBS];
    size_t count;
    bool closing; /* nothing new begins */
};

struct work *work_new(struct error *e)
{
    struct work *w = calloc(1, sizeof *w);

    if (w == NULL) {
        error_set_memory(e);
        return NULL;
    }
    w->last = &w->first;
    pthread_mutex_init(&w->mutex, NULL);
    w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    w->pool = op_hosts_new(e);
    if (w->fd < 0)
        error_set_errno(e, "cannot make an eventfd");
    if (w->fd < 0 || w->pool == NULL)
        work_free(&w);
    return w;
}

static void letter_free(struct letter *l)
{
    free(l->text);
    free((char *)(uintptr_t)l->question.expected);
    json_decref(l->record);
    free(l);
}

/* Takes text and record over. */
static void post(struct job *j, struct letter letter)
{
    struct letter *l = malloc(sizeof *l);
    uint64_t one = 1;
    ssize_t written;

    if (l == NULL) {
        letter.job = NULL;
        free(letter.text);
        json_decref(letter.record);
        return;
    }
    *l = letter;
    l->job = j;
    l->next = NULL;
    pthread_mutex_lock(&j->work->mutex);
    *j->work->last = l;
    j->work->last = &l->next;
    pthread_mutex_unlock(&j->work->mutex);
    written = write(j->work->fd, &one, sizeof one);
    (void)written;
}

static void emit(void *data, const char *kind, json_t *record)
{
    post(data, (struct letter){.type = LETTER_RECORD, .text = strdup(kind), .record = record});
}

static void progress(void *data, uint64_t done, uint64_t total, const char *what)
{
    struct job *j = data;

    pthread_mutex_lock(&j->mutex);
    j->done = done;
    j->total = total;
    if (what != NULL)
        snprintf(j->what, sizeof j->what, "%s", what);
    pthread_mutex_unlock(&j->mutex);
}

static void tell(void *data, const char *line)
{
    post(data, (struct letter){.type = LETTER_TOLD, .text = strdup(line)});
}

/* Posts a question and waits for its answer; false when the job was cancelled, or the answer is
 * no. `answer` and `secret` take it over. */
static bool ask_and_wait(struct job *j, struct letter question, char **answer,
                         struct secret **secret)
{
    bool given;

    pthread_mutex_lock(&j->mutex);
    j->has_answer = false;
    pthread_mutex_unlock(&j->mutex);
    post(j, question);
    pthread_mutex_lock(&j->mutex);
    while (!j->has_answer)
        pthread_cond_wait(&j->answered, &j->mutex);
    if (answer != NULL)
        *answer = j->answer;
    else
        free(j->answer);
    given = j->answer != NULL || j->secret != NULL;
    j->answer = NULL;
    if (secret != NULL)
        *secret = j->secret;
    else
        secret_free(&j->secret);
    j->secret = NULL;
    pthread_mutex_unlock(&j->mutex);
    return given;
}

static bool ask(void *data, enum op_ask kind, const char *text, const char *expected, char *out,
                size_t size)
{
    struct letter question = {.type = LETTER_ASKED, .text = strdup(text)};
    char *answer = NULL;
    bool given;

    question.question.kind = kind == OP_ASK_YES_NO       ? QUESTION_YES_NO
                             : kind == OP_ASK_TYPE_LABEL ? QUESTION_LABEL
                                                         : QUESTION_TEXT;
    question.question.expected = expected == NULL ? NULL : strdup(expected);
    given = ask_and_wait(data, question, &answer, NULL);
    if (given && kind == OP_ASK_TYPE_LABEL)
        given = strcmp(answer, expected) == 0;
    if (given && kind == OP_ASK_TEXT)
        snprintf(out, size, "%s", answer);
    free(answer);
    return given;
}

static struct secret *ask_secret(void *data, const char *text, struct error *e)
{
    struct letter question = {.type = LETTER_ASKED, .text = strdup(text)};
    struct secret *secret = NULL;

    question.question.kind = QUESTION_SECRET;
    ask_and_wait(data, question, NULL, &secret);
    if (secret == NULL)
        error_set(e, ERROR_CANCELLED, "given up: no PIN was typed, and no try was made");
    return secret;
}

static const struct op_outside outside = {
    .emit = emit, .progress = progress, .tell = tell, .ask = ask, .secret = ask_secret};

/* Many a module reads a token once: a host that rests would not see what is new, or gone. */
static bool changes_objects(const struct op *op)
{
    static const char *const verbs[] = {"init", "keygen", "import", "delete"};

    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(op->verb, verbs[i]) == 0)
            return true;
    return false;
}

static void *run(void *data)
{
    struct job *j = data;
    struct op_ctx ctx = {.op = j->op,
                         .program = "signet",
                         .outside = &outside,
                         .data = j,
                         .cancel = &j->cancel,
                         .json = true,
                         .terminal = true,
                         .pool = j->work->pool,
                         .live = true};
    struct letter end = {.type = LETTER_ENDED};

    end.failed = !j->op->run(j->args, &ctx, &end.error);
    if (changes_objects(j->op))
        op_hosts_drop(j->work->pool, j->lane);
    post(j, end);
    return NULL;
}

static void job_free(struct job *j)
{
    op_args_free(&j->args);
    for (size_t i = 0; j->words != NULL && j->words[i] != NULL; i++)
        free(j->words[i]);
    free(j->words);
    free(j->lane);
    free(j->answer);
    secret_free(&j->secret);
    pthread_mutex_destroy(&j->mutex);
    pthread_cond_destroy(&j->answered);
    free(j);
}

static bool lane_is_busy(const struct work *w, const struct job *except)
{
    for (size_t i = 0; i < w->count; i++) {
        const struct job *j = w->job[i];

        if (j != except && j->running && !j->ended && j->lane != NULL && except->lane != NULL &&
            strcmp(j->lane, except->lane) == 0)
            return true;
    }
    return false;
}

/* Threads of ours take no signals: the main thread does. */
static void start_ready(struct work *w)
{
    sigset_t all, old;

    for (size_t i = 0; i < w->count; i++) {
        struct job *j = w->job[i];

        if (j->running || j->ended || lane_is_busy(w, j))
            continue;
        j->running = true;
        j->started = clock_ms();
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &old);
        if (pthread_create(&j->thread, NULL, run, j) != 0) {
            struct letter end = {.type = LETTER_ENDED, .failed = true};

            j->running = false;
            j->ended = true;
            error_set(&end.error, ERROR_SYSTEM, "cannot start a thread");
            post(j, end);
        }
        pthread_sigmask(SIG_SETMASK, &old, NULL);
    }
}

static bool copy_words(struct job *j, const char *const *words, size_t count)
{
    j->words = calloc(count + 1, sizeof *j->words);
    for (size_t i = 0; j->words != NULL && i < count; i++)
        if ((j->words[i] = strdup(words[i])) == NULL)
            return false;
    return j->words != NULL;
}

struct job *work_start(struct work *w, const struct op *op, const char *const *words, size_t count,
                       const char *lane, const struct job_watcher *watcher, struct error *e)
{
    struct job *j = w->count < MOST_JOBS && !w->closing ? calloc(1, sizeof *j) : NULL;

    if (j == NULL) {
        error_set(e, ERROR_SYSTEM, "too much is under way; wait, or cancel something");
        return NULL;
    }
    j->work = w;
    j->op = op;
    j->watcher = *watcher;
    pthread_mutex_init(&j->mutex, NULL);
    pthread_cond_init(&j->answered, NULL);
    if (lane != NULL)
        j->lane = strdup(lane);
    if (!copy_words(j, words, count))
        error_set_memory(e);
    else
        j->args = op_args_parse(op, (int)count, (const char *const *)j->words, e);
    if (j->args == NULL) {
        job_free(j);
        return NULL;
    }
    w->job[w->count++] = j;
    start_ready(w);
    return j;
}

static struct letter *take_letter(struct work *w)
{
    struct letter *l;

    pthread_mutex_lock(&w->mutex);
    l = w->first;
    if (l != NULL && (w->first = l->next) == NULL)
        w->last = &w->first;
    pthread_mutex_unlock(&w->mutex);
    return l;
}

static void remove_job(struct work *w, struct job *j)
{
    size_t i = 0;

    while (w->job[i] != j)
        i++;
    memmove(&w->job[i], &w->job[i + 1], (w->count - i - 1) * sizeof(struct job *));
    w->count--;
}

static void end_job(struct work *w, struct letter *l)
{
    struct job *j = l->job;

    if (j->running)
        pthread_join(j->thread, NULL);
    j->ended = true;
    remove_job(w, j);
    start_ready(w);
    j->watcher.ended(j->watcher.data, j, l->failed ? &l->error : NULL);
    job_free(j);
}

/* Nobody who could answer: no. */
static void ask_watcher(struct letter *l)
{
    struct job *j = l->job;

    l->question.text = l->text;
    if (j->watcher.asked != NULL && !cancel_requested(&j->cancel))
        j->watcher.asked(j->watcher.data, j, &l->question);
    else
        job_answer(j, NULL);
}

void work_deliver(struct work *w)
{
    struct letter *l;
    uint64_t count;
    ssize_t got = read(w->fd, &count, sizeof count);

    (void)got;
    while ((l = take_letter(w)) != NULL) {
        struct job *j = l->job;

        if (l->type == LETTER_RECORD && j->watcher.record != NULL)
            j->watcher.record(j->watcher.data, j, l->text, l->record);
        else if (l->type == LETTER_TOLD && j->watcher.told != NULL)
            j->watcher.told(j->watcher.data, j, l->text);
        else if (l->type == LETTER_ASKED)
            ask_watcher(l);
        else if (l->type == LETTER_ENDED)
            end_job(w, l);
        letter_free(l);
    }
}

void work_free(struct work **work)
{
    struct work *w = *work;

    if (w == NULL)
        return;
    w->closing = true;
    for (size_t i = 0; i < w->count; i++)
        job_cancel(w->job[i]);
    while (w->count > 0) {
        work_deliver(w);
        clock_sleep_ms(w->count > 0 ? 5 : 0);
    }
    op_hosts_free(&w->pool);
    if (w->fd >= 0)
        close(w->fd);
    pthread_mutex_destroy(&w->mutex);
    free(w);
    *work = NULL;
}

int work_fd(const struct work *w)
{
    return w->fd;
}

void work_restart_hosts(struct work *w, const char *path)
{
    op_hosts_drop(w->pool, path);
}

const struct job_watcher *job_watcher(const struct job *j)
{
    return &j->watcher;
}

const struct op *job_op(const struct job *j)
{
    return j->op;
}

const struct op_args *job_args(const struct job *j)
{
    return j->args;
}

const char *job_lane(const struct job *j)
{
    return j->lane;
}

/* One that still waits for its lane has not begun, and ends at once. */
void job_cancel(struct job *j)
{
    cancel_request(&j->cancel);
    job_answer(j, NULL);
    if (!j->running && !j->ended) {
        struct letter end = {.type = LETTER_ENDED, .failed = true};

        j->ended = true;
        error_set(&end.error, ERROR_CANCELLED, "cancelled before it began");
        post(j, end);
    }
}

bool job_is_cancelled(struct job *j)
{
    return cancel_requested(&j->cancel);
}

bool job_is_errand(const struct job *j)
{
    return j->watcher.asked != NULL &&
           (j->op->effects & (OP_WRITES | OP_CHANGES | OP_DESTROYS | OP_LOGS_IN)) != 0;
}

bool job_stays(const struct job *j)
{
    return j->watcher.stays;
}

bool job_running(const struct job *j)
{
    return j->running;
}

int64_t job_started(const struct job *j)
{
    return j->started;
}

void job_progress(struct job *j, uint64_t *done, uint64_t *total, char *what, size_t size)
{
    pthread_mutex_lock(&j->mutex);
    *done = j->done;
    *total = j->total;
    snprintf(what, size, "%s", j->what);
    pthread_mutex_unlock(&j->mutex);
}

static void answer_with(struct job *j, char *answer, struct secret *secret)
{
    pthread_mutex_lock(&j->mutex);
    free(j->answer);
    secret_free(&j->secret);
    j->answer = answer;
    j->secret = secret;
    j->has_answer = true;
    pthread_cond_signal(&j->answered);
    pthread_mutex_unlock(&j->mutex);
}

void job_answer(struct job *j, const char *answer)
{
    answer_with(j, answer == NULL ? NULL : strdup(answer), NULL);
}

void job_answer_secret(struct job *j, struct secret *secret)
{
    answer_with(j, NULL, secret);
}

bool work_is_busy(const struct work *w)
{
    for (size_t i = 0; i < w->count; i++)
        if (!job_stays(w->job[i]))
            return true;
    return false;
}

size_t work_count(const struct work *w)
{
    return w->count;
}

struct job *work_job(const struct work *w, size_t index)
{
    return w->job[index];
}
