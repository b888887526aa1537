/* SPDX-License-Identifier: Apache-2.0 */
/* signet doctor --profile: what ready_prepare found, step by step. */
#include <string.h>

#include "profiles/ops/doctor.h"

/* Subjects of ready_finding and their steps; the rest is the profile's own affair. */
static enum doctor_step step_of(const char *subject)
{
    static const struct {
        const char *subject;
        enum doctor_step step;
    } steps[] = {
        {"module", DOCTOR_MODULE},  {"token", DOCTOR_TOKEN}, {"tries", DOCTOR_TOKEN},
        {"sessions", DOCTOR_TOKEN}, {"key", DOCTOR_KEY},     {"certificate", DOCTOR_CERTIFICATE},
        {"chain", DOCTOR_CHAIN},
    };

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (strcmp(steps[i].subject, subject) == 0)
            return steps[i].step;
    return DOCTOR_PROFILE;
}

/* A PIN that cannot be had here may be there where the profile is used. */
static bool only_warns(const struct ready_finding *f)
{
    return f->level == READY_WARNING || strcmp(f->subject, "pin") == 0;
}

static const char *name_of(const struct doctor *d)
{
    return d->profile->name != NULL ? d->profile->name : "NAME";
}

static void remedy(struct doctor *d, struct doctor_finding *f, const struct ready_finding *found)
{
    const char *path = NULL;

    for (size_t i = 0; i < d->inventory->module_count && path == NULL; i++)
        if (d->inventory->module[i].error.code != ERROR_NONE)
            path = d->inventory->module[i].entry.path;
    if (strcmp(found->subject, "module") == 0 && path != NULL)
        doctor_module_remedy(f, path, &found->error);
    else if (strcmp(found->subject, "chain") == 0 && d->ready.chain != NULL)
        doctor_chain_remedy(f, sk_X509_value(d->ready.chain, sk_X509_num(d->ready.chain) - 1));
    else if (strcmp(found->subject, "tries") == 0 && d->token != NULL)
        doctor_remedy(f,
                      d->token->slot.token.flags & CKF_USER_PIN_LOCKED ? "signet unblock @%u"
                                                                       : "signet reset-counter @%u",
                      d->token->number);
    else if (strcmp(found->subject, "certificate") == 0)
        doctor_remedy(f, "After a renewal: signet profile renew %s", name_of(d));
    else if (found->level == READY_ERROR && strcmp(found->subject, "pin") != 0)
        doctor_remedy(f, "signet profile edit %s", name_of(d));
}

void doctor_ready(struct doctor *d)
{
    for (size_t i = 0; i < d->ready.count; i++) {
        const struct ready_finding *found = &d->ready.finding[i];
        enum doctor_step step = step_of(found->subject);
        struct doctor_finding *f = &d->step[step];
        /* Where one step stands for several subjects, each is named. */
        bool named = step == DOCTOR_PROFILE;

        if (found->level == READY_OK)
            doctor_say(f, DOCTOR_OK, "%s%s%s", named ? found->subject : "", named ? ": " : "",
                       found->error.text);
        else if (only_warns(found))
            doctor_say(f, DOCTOR_WARNING, "%s%s%s", named ? found->subject : "", named ? ": " : "",
                       found->error.text);
        else
            doctor_gap(f, found->error.code, "%s%s%s", named ? found->subject : "",
                       named ? ": " : "", found->error.text);
        if (found->level != READY_OK)
            remedy(d, f, found);
    }
}
