/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../sign/pe_builder.h"
#include "base/clock.h"
#include "profiles/engine/each.h"
#include "profiles/engine/line.h"

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "cannot go on: %s\n", what);
    abort();
}

static unsigned open_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    unsigned count = 0;

    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static void raise_to(atomic_uint *most, unsigned now)
{
    unsigned seen = atomic_load(most);

    while (seen < now && !atomic_compare_exchange_weak(most, &seen, now))
        ;
}

static void wait_for_most(const atomic_uint *most, unsigned wanted)
{
    int64_t end = clock_ms() + 60000;

    while (atomic_load(most) < wanted && clock_ms() < end)
        clock_sleep_ms(1);
}

static bool sign(void *data, unsigned lane, enum signer_hash hash, const uint8_t *digest,
                 size_t length, struct buffer *signature, struct error *e)
{
    struct rig *r = data;
    size_t number = atomic_fetch_add(&r->signatures, 1) + 1;

    raise_to(&r->most_at_once, atomic_fetch_add(&r->at_once, 1) + 1);
    raise_to(&r->top_lane, lane);
    raise_to(&r->most_descriptors, open_descriptors());
    if (number == r->cancel_at)
        cancel_request(&r->cancel);
    wait_for_most(&r->most_at_once, r->together);
    if (r->delay > 0)
        clock_sleep_ms(r->delay);
    signing_sign(r->identity.key, hash, digest, length, signature);
    if (r->garbage)
        signature->data[signature->length / 2] ^= 1;
    atomic_fetch_sub(&r->at_once, 1);
    return r->fail_at == 0 || number < r->fail_at ||
           error_set(e, ERROR_TOKEN, "the token has gone at signature %zu", number);
}

static void wait_for_all_others(struct rig *r)
{
    int64_t end = clock_ms() + 60000;

    while (r->done + 1 < r->plan.count && clock_ms() < end)
        clock_sleep_ms(5);
    r->done_when_slow_ended = r->done;
    r->signatures_when_slow_ended = r->signatures;
}

static bool stamp(void *data, const uint8_t *signature, size_t length, struct buffer *token,
                  struct engine_stamp *given, struct error *e)
{
    struct rig *r = data;
    size_t number = atomic_fetch_add(&r->stamped, 1) + 1;

    raise_to(&r->most_stamping, atomic_fetch_add(&r->stamping_at_once, 1) + 1);
    raise_to(&r->most_descriptors, open_descriptors());
    if (number == r->cancel_at_stamp)
        cancel_request(&r->cancel);
    wait_for_most(&r->most_stamping, r->stamps_together);
    if (r->meanwhile != NULL)
        r->meanwhile();
    if (r->stamp_delay > 0)
        clock_sleep_ms(r->stamp_delay);
    if (number == r->slow_at)
        wait_for_all_others(r);
    if (r->impatient && cancel_requested(&r->cancel)) {
        atomic_fetch_sub(&r->stamping_at_once, 1);
        return error_set(e, ERROR_CANCELLED, "nobody waits for it");
    }
    stamping_token(&r->server, signature, length, token);
    *given = (struct engine_stamp){.time = time(NULL), .server = "http://test"};
    atomic_fetch_sub(&r->stamping_at_once, 1);
    return number < r->down_from || number >= r->down_until ||
           error_set(e, ERROR_TIMESTAMP, "the server is down at request %zu", number);
}

static const struct signer *login(void *data, unsigned *lanes, struct error *e)
{
    struct rig *r = data;

    atomic_fetch_add(&r->logins, 1);
    if (r->at_login != NULL)
        r->at_login();
    if (r->login_fails != ERROR_NONE) {
        error_set(e, r->login_fails, "no login today");
        return NULL;
    }
    *lanes = r->lanes_given > 0 ? r->lanes_given : r->lanes;
    return &r->signer;
}

static void result(void *data, const struct engine_result *result)
{
    struct rig *r = data;

    r->reports[result->index]++;
    r->order[r->done++ % RIG_FILES] = result->index;
    r->result[result->index] = *result;
}

static void touch(void *data, size_t index, size_t number, size_t most)
{
    struct rig *r = data;

    must(index < r->plan.count && number > r->touch_number && most >= number, "touch");
    r->touch_early =
        r->touch_early || (r->touches > 0 && clock_ms() - r->touched_at < r->touch_lasts);
    r->touches++;
    r->touch_number = number;
    r->touch_most = most;
    r->touch_late =
        r->touch_late || r->touch_waits || r->at_once > 0 || r->signatures + 1 != number;
    r->touch_waits = true;
    if (r->at_touch != NULL)
        r->at_touch(index);
}

static void touched(void *data)
{
    struct rig *r = data;

    must(r->touch_waits && r->at_once == 0, "touched");
    r->touch_waits = false;
    r->touched_at = clock_ms();
}

void rig_open(struct rig *r)
{
    *r = (struct rig){.lanes = 1, .stamps = 4, .required = true};
    signing_identity_make(&r->identity, "P-256");
    stamping_make(&r->server);
    r->spec = signing_spec(&r->identity);
    r->signer = (struct signer){
        .public_key = r->identity.key, .mechanism = r->spec.mechanism, .sign = sign, .data = r};
}

void rig_close(struct rig *r)
{
    signing_identity_free(&r->identity);
    stamping_free(&r->server);
    plan_free(&r->plan);
}

static void forget(struct rig *r)
{
    atomic_store(&r->cancel.requested, false);
    r->logins = r->signatures = 0;
    r->at_once = r->most_at_once = r->top_lane = r->most_descriptors = 0;
    r->stamped = r->done = r->signatures_when_slow_ended = r->done_when_slow_ended = 0;
    r->stamping_at_once = r->most_stamping = 0;
    r->touches = r->touch_number = r->touch_most = 0;
    r->touch_waits = r->touch_late = r->touch_early = false;
    memset(r->reports, 0, sizeof r->reports);
    memset(r->result, 0, sizeof r->result);
    error_clear(&r->e);
    plan_free(&r->plan);
    r->descriptors_before = open_descriptors();
}

unsigned rig_descriptors(const struct rig *r)
{
    unsigned stamps = r->spec.timestamp ? r->stamps : 0;
    unsigned threads = each_workers() + r->lanes * IN_FLIGHT + stamps + WRITERS;
    unsigned waiting = WAITING + (stamps > 0 ? UNSTAMPED : 0) + WAITING;

    /* line.h: three of each file; and one that a thread, or its count here, opens for a moment. */
    return r->descriptors_before + 3 * (threads + waiting) + threads;
}

bool rig_run(struct rig *r, const char *const *names, const char *directory)
{
    const struct profile_list none = {0};
    struct engine engine = {
        .plan = &r->plan,
        .spec = &r->spec,
        .lanes = r->lanes,
        .dry_run = r->dry_run,
        .login = login,
        .touch = r->touch ? touch : NULL,
        .touched = touched,
        .touch_lasts = r->touch_lasts,
        .stamp = stamp,
        .stamps = r->stamps,
        .stamp_required = r->required,
        .result = result,
        .data = r,
        .cancel = &r->cancel,
    };
    size_t count = 0;
    bool done;

    while (names[count] != NULL)
        count++;
    forget(r);
    must(plan_make(&r->plan, names, count, &none, directory, &r->e), r->e.text);
    must(r->plan.count <= RIG_FILES, "too many files");
    done = engine_run(&engine, &r->totals, &r->e);
    /* Whatever happens, each is reported once. */
    for (size_t i = 0; i < r->plan.count; i++)
        must(r->reports[i] == 1, r->plan.item[i].file);
    return done;
}

static void build(struct pe_image *image, unsigned number)
{
    pe_build(image,
             &(struct pe_recipe){
                 .plus = number % 2 == 0, .sections = 2, .section_size = 512, .overlay = number});
}

void rig_program(const char *path, unsigned number)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    struct pe_image image;

    build(&image, number);
    must(fd >= 0 && write(fd, image.bytes.data, image.bytes.length) == (ssize_t)image.bytes.length,
         path);
    close(fd);
    buffer_free(&image.bytes);
}

const char *const *rig_programs(unsigned count)
{
    static char names[RIG_FILES][12];
    static const char *list[RIG_FILES + 1];

    must(count <= RIG_FILES, "too many files");
    for (unsigned i = 0; i < count; i++) {
        snprintf(names[i], sizeof names[i], "%u.exe", i + 1);
        rig_program(names[i], i + 1);
        list[i] = names[i];
    }
    list[count] = NULL;
    return list;
}

bool rig_is_signed(struct rig *r, const char *path)
{
    struct verify_options options = signing_trust(&r->identity);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct verify_report report = {0};
    bool good;

    must(X509_STORE_add_cert(options.trust, r->server.root) == 1, "roots");
    options.now = time(NULL);
    good = fd >= 0 && verify_file(fd, path, &options, &report, NULL, NULL) && report.good;

    verify_report_free(&report);
    X509_STORE_free(options.trust);
    if (fd >= 0)
        close(fd);
    return good;
}

size_t rig_timestamps(struct rig *r, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct buffer there = BUFFER_INIT;
    size_t count;

    must(fd >= 0, path);
    signing_read(fd, &there);
    count = stamping_count(&r->server, &there);
    buffer_free(&there);
    close(fd);
    return count;
}

bool rig_is_program(const char *path, unsigned number)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct buffer there = BUFFER_INIT;
    struct pe_image image;
    bool same;

    must(fd >= 0, path);
    build(&image, number);
    signing_read(fd, &there);
    same = there.length == image.bytes.length &&
           memcmp(there.data, image.bytes.data, there.length) == 0;
    buffer_free(&there);
    buffer_free(&image.bytes);
    close(fd);
    return same;
}
