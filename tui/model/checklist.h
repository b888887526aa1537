/* SPDX-License-Identifier: Apache-2.0 */
/* From a token that came by post to builds that sign: what is done, and what comes next. */
#ifndef SIGNET_TUI_MODEL_CHECKLIST_H
#define SIGNET_TUI_MODEL_CHECKLIST_H

#include "tui/model/store.h"

enum step {
    STEP_TOKEN,
    STEP_DRIVER,
    STEP_KEY,
    STEP_CERTIFICATE,
    STEP_PASSWORD,
    STEP_CHAIN,
    STEP_PROFILE,
    STEP_PIN,
    STEP_TRIAL,
    STEP_COUNT,
};

enum step_state { STATE_DONE, STATE_NEXT, STATE_WAITING, STATE_WRONG };

struct checklist {
    struct {
        enum step_state state;
        char text[256];
    } step[STEP_COUNT];
    int done;
    enum step next; /* STEP_COUNT when all are done */
};

const char *checklist_name(enum step s);

/* The URI of the certificate that the list is about; NULL. */
const char *checklist_certificate(const struct store *s, const json_t *token);

/* The certificate is good still, and it is time to order the next. */
bool checklist_expires_soon(const struct store *s, const json_t *token);

/* The order that the certificate step waits for; NULL. With a certificate on the token, it is one
 * for the next. */
const json_t *checklist_order(const struct store *s, const json_t *token);

/* From what is known of the token; the first step that is not done is the next. */
void checklist_make(struct checklist *c, const struct store *s, const json_t *token);

#endif
