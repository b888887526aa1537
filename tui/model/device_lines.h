/* SPDX-License-Identifier: Apache-2.0 */
/* The right pane's lines about readers and cards, the tries left, containers, and why there is no
 * token. */
#ifndef SIGNET_TUI_MODEL_DEVICE_LINES_H
#define SIGNET_TUI_MODEL_DEVICE_LINES_H

#include "tui/model/detail.h"

/* More is known, by store_figures, than the flags of PKCS#11 say; or why it is not. */
bool device_tells_more(const json_t *figures);
void device_counters(struct detail *d, const json_t *figures);

/* Of a key, or a certificate with its key, by store_names of its token; NULL: not known. */
void device_container(struct detail *d, const json_t *names, const json_t *object);

/* A reader that is empty, or holds a card that no module shows. */
void device_reader(struct detail *d, const struct store *s, const json_t *reader);

/* What `doctor` found; NULL: it has not looked. */
void device_doctor(struct detail *d, const json_t *doctor);

#endif
