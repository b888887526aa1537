/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tickets: numbers are drawn, and ticket files made and locked, under the lock of the file `queue`.
 * So whoever has a number can rely on every smaller one having been locked before: a smaller ticket
 * that can be locked belongs to the dead.
 */
#include "gate/lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/text.h"
#include "gate/state.h"

enum { POLL_MS = 25, TELL_MS = 30000, TICKET_BYTES = 4096, NAME_SIZE = 32 };

static const char ticket_format[] = "ticket-%020" PRIu64;

struct gate_lock {
    char *folder;
    uint64_t number;
    int fd;
    int64_t others; /* time of day, in ms, when the queue's file was last written; 0: never */
    bool waited;    /* another had it, or was before us, when we came */
};

static bool ticket_number(const char *name, uint64_t *number)
{
    char again[NAME_SIZE];

    if (sscanf(name, "ticket-%" SCNu64, number) != 1)
        return false;
    snprintf(again, sizeof again, ticket_format, *number);
    return strcmp(again, name) == 0;
}

static char *ticket_path(const char *folder, uint64_t number, struct error *e)
{
    char name[NAME_SIZE];

    snprintf(name, sizeof name, ticket_format, number);
    return path_join(folder, name, e);
}

/* The numbers of all tickets in the folder that are below `limit`, in a buffer of uint64_t. */
static bool list_tickets(const char *folder, uint64_t limit, struct buffer *out, struct error *e)
{
    DIR *dir = opendir(folder);
    struct dirent *item;
    uint64_t number;

    if (dir == NULL)
        return error_set_errno(e, "cannot read the folder '%s'", folder);
    while ((item = readdir(dir)) != NULL)
        if (ticket_number(item->d_name, &number) && number < limit)
            buffer_append(out, &number, sizeof number);
    closedir(dir);
    return buffer_ok(out, e);
}

/* Whether somebody alive holds the ticket; a dead one is swept away. */
static bool alive(const char *folder, uint64_t number)
{
    char *path = ticket_path(folder, number, NULL);
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    bool held = path == NULL || (fd < 0 && errno != ENOENT);

    if (fd >= 0) {
        held = state_lock(fd, false, NULL) != 1;
        if (!held)
            unlink(path);
        close(fd);
    }
    free(path);
    return held;
}

/* The smallest live ticket below `limit`; false when there is none. */
static bool first_alive(const char *folder, uint64_t limit, uint64_t *first)
{
    struct buffer list = BUFFER_INIT;
    bool found = false;

    if (!list_tickets(folder, limit, &list, NULL)) {
        buffer_free(&list);
        return false;
    }
    for (size_t i = 0; i < list.length / sizeof(uint64_t); i++) {
        uint64_t number;

        memcpy(&number, list.data + i * sizeof number, sizeof number);
        if ((found && number > *first) || !alive(folder, number))
            continue;
        *first = number;
        found = true;
    }
    buffer_free(&list);
    return found;
}

static uint64_t largest(const char *folder)
{
    struct buffer list = BUFFER_INIT;
    uint64_t most = 0;

    if (list_tickets(folder, UINT64_MAX, &list, NULL))
        for (size_t i = 0; i < list.length / sizeof most; i++) {
            uint64_t number;

            memcpy(&number, list.data + i * sizeof number, sizeof number);
            most = number > most ? number : most;
        }
    buffer_free(&list);
    return most;
}

/* The next number. The queue's file remembers the last one; a damaged file is made good from the
 * tickets. */
static bool draw(const char *folder, int queue, uint64_t *number, struct error *e)
{
    char text[NAME_SIZE] = "";
    uint64_t last = 0, seen = largest(folder);
    int length;

    if (pread(queue, text, sizeof text - 1, 0) < 0)
        return error_set_errno(e, "cannot read the queue in '%s'", folder);
    sscanf(text, "%" SCNu64, &last);
    *number = (last > seen ? last : seen) + 1;
    length = snprintf(text, sizeof text, "%020" PRIu64 "\n", *number);
    if (pwrite(queue, text, (size_t)length, 0) != length)
        return error_set_errno(e, "cannot write the queue in '%s'", folder);
    return true;
}

static char *describe_self(const char *program)
{
    const struct passwd *user = getpwuid(getuid());
    char since[CLOCK_TEXT_SIZE];
    json_t *record =
        json_pack("{s:I, s:s, s:s, s:s}", "pid", (json_int_t)getpid(), "program", program, "user",
                  user == NULL ? "?" : user->pw_name, "since", clock_text(time(NULL), since));
    char *text = record == NULL ? NULL : json_dumps(record, JSON_COMPACT);

    json_decref(record);
    return text;
}

/* Who a ticket belongs to, in words; new string. */
static char *describe_ticket(const char *folder, uint64_t number)
{
    struct buffer text = BUFFER_INIT;
    char *path = ticket_path(folder, number, NULL), *words = NULL, *safe;
    const char *program = NULL, *user = NULL, *since = NULL;
    json_int_t pid = 0;
    json_t *record = NULL;

    if (path != NULL && path_read_file(path, TICKET_BYTES, &text, NULL) && text.length > 0)
        record = json_loadb((const char *)text.data, text.length, 0, NULL);
    if (record != NULL && json_unpack(record, "{s:I, s:s, s:s, s:s}", "pid", &pid, "program",
                                      &program, "user", &user, "since", &since) == 0)
        words =
            text_format("%s (process %lld of %s, since %s)", program, (long long)pid, user, since);
    else
        words = strdup("another process");
    safe = words == NULL ? NULL : text_printable(words, strlen(words));
    free(words);
    json_decref(record);
    buffer_free(&text);
    free(path);
    return safe;
}

static bool make_ticket(struct gate_lock *l, const char *program, struct error *e)
{
    char *path = ticket_path(l->folder, l->number, e), *self = describe_self(program);
    bool made = false;

    if (path != NULL && self != NULL) {
        l->fd = state_open(path, 0, e);
        if (l->fd >= 0 && state_lock(l->fd, true, e) == 1)
            made = write(l->fd, self, strlen(self)) == (ssize_t)strlen(self) ||
                   error_set_errno(e, "cannot write '%s'", path);
    }
    free(path);
    free(self);
    return made;
}

static int64_t day_ms(struct timespec t)
{
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* An empty queue's file was made just now, by us. */
static int64_t last_written(int queue)
{
    struct stat status;

    return fstat(queue, &status) == 0 && status.st_size > 0 ? day_ms(status.st_mtim) : 0;
}

static bool join_queue(struct gate_lock *l, const char *program, struct error *e)
{
    char *path = path_join(l->folder, "queue", e);
    int queue = path == NULL ? -1 : state_open(path, 0, e);
    bool locked = queue >= 0 && state_lock(queue, true, e) == 1, joined;
    uint64_t first;

    if (locked) {
        l->others = last_written(queue);
        l->waited = first_alive(l->folder, UINT64_MAX, &first);
    }
    joined = locked && draw(l->folder, queue, &l->number, e) && make_ticket(l, program, e);

    if (queue >= 0)
        close(queue);
    free(path);
    return joined;
}

static void tell(const struct gate_person *person, const char *folder, uint64_t first)
{
    char *holder, *text;

    if (person == NULL || person->tell == NULL)
        return;
    holder = describe_ticket(folder, first);
    text = text_format("waiting for the token: %s has it",
                       holder == NULL ? "another process" : holder);
    if (text != NULL)
        person->tell(person->data, text);
    free(holder);
    free(text);
}

static bool busy(const struct gate_lock *l, uint64_t first, int64_t wait_ms, struct error *e)
{
    char *holder = describe_ticket(l->folder, first);

    error_set(e, ERROR_BUSY, "the token is in use by %s%s",
              holder == NULL ? "another process" : holder,
              wait_ms > 0 ? "; waited as long as was allowed" : "");
    free(holder);
    return false;
}

bool gate_lock_wait(const struct gate_lock *l, int64_t wait_ms, const struct gate_person *person,
                    struct cancel *cancel, struct error *e)
{
    int64_t end = clock_ms() + wait_ms, told_at = 0;
    uint64_t first = 0, told = 0;

    while (first_alive(l->folder, l->number, &first)) {
        int64_t now = clock_ms();

        if (cancel_requested(cancel))
            return error_set(e, ERROR_CANCELLED, "cancelled while waiting for the token");
        if (now >= end)
            return busy(l, first, wait_ms, e);
        if (first != told || now - told_at >= TELL_MS) {
            tell(person, l->folder, first);
            told = first;
            told_at = now;
        }
        clock_sleep_ms(POLL_MS);
    }
    return true;
}

static char *folder_of(const char *device, struct error *e)
{
    char *name = text_format("lock/%s", device);
    char *folder = name == NULL ? NULL : state_folder(name, true, e);

    free(name);
    return folder;
}

struct gate_lock *gate_lock_join(const char *device, const char *program, struct error *e)
{
    struct gate_lock *l = calloc(1, sizeof *l);

    if (l == NULL) {
        error_set_memory(e);
        return NULL;
    }
    l->fd = -1;
    l->folder = folder_of(device, e);
    if (l->folder == NULL || !join_queue(l, program, e))
        gate_lock_release(&l);
    return l;
}

struct gate_lock *gate_lock_take(const char *device, const char *program, int64_t wait_ms,
                                 const struct gate_person *person, struct cancel *cancel,
                                 struct error *e)
{
    struct gate_lock *l = gate_lock_join(device, program, e);

    if (l != NULL && !gate_lock_wait(l, wait_ms, person, cancel, e))
        gate_lock_release(&l);
    return l;
}

bool gate_lock_is_ours(const struct gate_lock *l)
{
    uint64_t first;

    return !first_alive(l->folder, l->number, &first);
}

int gate_lock_fd(const struct gate_lock *l)
{
    return l->fd;
}

int64_t gate_lock_others_ago(const struct gate_lock *l)
{
    struct timespec now;

    if (l->waited)
        return 0;
    if (l->others == 0)
        return INT64_MAX;
    clock_gettime(CLOCK_REALTIME, &now);
    return day_ms(now) - l->others;
}

/* Written anew, so that the next one knows when the token was last in use. */
static void stamp_queue(const struct gate_lock *l)
{
    char *path = path_join(l->folder, "queue", NULL);

    if (path != NULL)
        utimensat(AT_FDCWD, path, NULL, 0);
    free(path);
}

void gate_lock_release(struct gate_lock **lock)
{
    struct gate_lock *l = *lock;
    char *path;

    if (l == NULL)
        return;
    if (l->fd >= 0) {
        stamp_queue(l);
        path = ticket_path(l->folder, l->number, NULL);
        if (path != NULL)
            unlink(path);
        free(path);
        close(l->fd);
    }
    free(l->folder);
    free(l);
    *lock = NULL;
}

/* With the queue held, so that no ticket is looked at between its making and its locking. */
char *gate_lock_holder(const char *device)
{
    char *folder = folder_of(device, NULL), *holder = NULL;
    char *path = folder == NULL ? NULL : path_join(folder, "queue", NULL);
    int queue = path == NULL ? -1 : state_open(path, 0, NULL);
    uint64_t first = 0;

    if (queue >= 0 && state_lock(queue, true, NULL) == 1 && first_alive(folder, UINT64_MAX, &first))
        holder = describe_ticket(folder, first);
    if (queue >= 0)
        close(queue);
    free(path);
    free(folder);
    return holder;
}
