/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/engine/due.h"

#include <unistd.h>

#include "profiles/engine/rewrite.h"
#include "sign/extract.h"

enum seen { UNREADABLE, UNSIGNED, SIGNED };

static enum seen look(const char *file)
{
    struct buffer der = BUFFER_INIT;
    struct stat status;
    int fd = rewrite_open_input(file, &status, NULL);
    enum seen seen = UNREADABLE;

    if (fd >= 0 && extract_signature(fd, file, 0, &der, NULL))
        seen = der.length > 0 ? SIGNED : UNSIGNED;
    if (fd >= 0)
        close(fd);
    buffer_free(&der);
    return seen;
}

static bool is_due(const struct plan_item *item, enum sign_existing existing)
{
    enum seen seen = look(item->file);

    if (seen == UNREADABLE || (seen == SIGNED && existing != SIGN_REPLACE))
        return false;
    return item->in_place || look(item->output) != SIGNED;
}

bool due_signature(const struct plan *plan, enum sign_existing existing, struct cancel *cancel)
{
    for (size_t i = 0; i < plan->count && !cancel_requested(cancel); i++)
        if (plan->item[i].same_as == i && is_due(&plan->item[i], existing))
            return true;
    return false;
}
