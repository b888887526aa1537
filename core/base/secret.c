/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets, each in a page of its own. */
#include "base/secret.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "base/log.h"

struct secret {
    size_t length;
    uint8_t bytes[SECRET_MAX];
};

static void forbid_core_dumps(void)
{
    struct rlimit none;

    if (getrlimit(RLIMIT_CORE, &none) == 0 && none.rlim_cur != 0) {
        none.rlim_cur = 0;
        setrlimit(RLIMIT_CORE, &none);
    }
}

static void say_not_locked(void)
{
    log_line("a PIN could not be locked into memory (RLIMIT_MEMLOCK); it may be written to swap");
}

/* Neither swap, core dump nor forked child gets the page. */
static void protect(struct secret *s)
{
    static pthread_once_t said = PTHREAD_ONCE_INIT;

    if (mlock(s, sizeof *s) != 0)
        pthread_once(&said, say_not_locked);
#ifdef MADV_DONTDUMP
    madvise(s, sizeof *s, MADV_DONTDUMP);
#endif
#ifdef MADV_WIPEONFORK
    madvise(s, sizeof *s, MADV_WIPEONFORK);
#endif
}

struct secret *secret_new(const void *bytes, size_t length, struct error *e)
{
    struct secret *s;

    if (length > SECRET_MAX) {
        error_set(e, ERROR_USAGE, "a secret of %zu bytes is too long; %d at most", length,
                  SECRET_MAX);
        return NULL;
    }
    forbid_core_dumps();
    s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (s == MAP_FAILED) {
        error_set_memory(e);
        return NULL;
    }
    protect(s);
    s->length = length;
    if (length > 0)
        memcpy(s->bytes, bytes, length);
    return s;
}

struct secret *secret_take(void *bytes, size_t length, struct error *e)
{
    struct secret *s = secret_new(bytes, length, e);

    secret_wipe(bytes, length);
    return s;
}

struct secret *secret_dup(const struct secret *s, struct error *e)
{
    return secret_new(s->bytes, s->length, e);
}

void secret_free(struct secret **s)
{
    if (*s == NULL)
        return;
    secret_wipe(*s, sizeof **s);
    munmap(*s, sizeof **s);
    *s = NULL;
}

const uint8_t *secret_bytes(const struct secret *s)
{
    return s->bytes;
}

size_t secret_length(const struct secret *s)
{
    return s->length;
}

void secret_wipe(void *bytes, size_t length)
{
    if (length > 0)
        OPENSSL_cleanse(bytes, length);
}

void secret_harden_process(void)
{
    forbid_core_dumps();
#ifdef __linux__
    prctl(PR_SET_DUMPABLE, 0);
#endif
}
