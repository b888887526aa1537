/* SPDX-License-Identifier: Apache-2.0 */
/* How well a few typed letters fit a text. */
#ifndef SIGNET_TUI_VIEW_FUZZY_H
#define SIGNET_TUI_VIEW_FUZZY_H

/* Below 0: the letters do not stand in the text in this order, whatever their case. Else the
 * higher the better: letters at the beginning of words, and side by side, count more. "" fits all
 * alike. */
int fuzzy_score(const char *typed, const char *text);

#endif
