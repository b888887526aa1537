/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/engine/patience.h"

/* Fewer could be a hiccup of one server. */
enum { LEAST_IN_A_ROW = 4 };

void patience_init(struct patience *p, unsigned parallel, bool required)
{
    *p = (struct patience){
        .limit = parallel < LEAST_IN_A_ROW ? LEAST_IN_A_ROW : parallel,
        .probes = !required,
    };
    pthread_mutex_init(&p->mutex, NULL);
}

void patience_destroy(struct patience *p)
{
    pthread_mutex_destroy(&p->mutex);
}

bool patience_lasts(struct patience *p, bool hurry, int64_t now, struct error *e)
{
    bool lasts = true;

    pthread_mutex_lock(&p->mutex);
    if (p->row >= (hurry ? 1 : p->limit)) {
        lasts = p->probes && !hurry && now >= p->ask_again;
        /* One file finds out, the others do not wait for what comes of it. */
        if (lasts)
            p->ask_again = now + PATIENCE_PAUSE;
        else
            error_set(e, ERROR_TIMESTAMP, "no timestamp for %u file%s in a row; the last: %s",
                      p->row, p->row == 1 ? "" : "s", p->last.text);
    }
    pthread_mutex_unlock(&p->mutex);
    return lasts;
}

void patience_answered(struct patience *p, bool good, const struct error *e, int64_t now)
{
    pthread_mutex_lock(&p->mutex);
    if (good) {
        p->row = 0;
    } else {
        p->row++;
        p->last = *e;
        p->ask_again = now + PATIENCE_PAUSE;
    }
    pthread_mutex_unlock(&p->mutex);
}
