/* SPDX-License-Identifier: Apache-2.0 */
/* What verify found: as JSON, and that as text for people. */
#ifndef SIGNET_PROFILES_ENGINE_VERIFY_RECORD_H
#define SIGNET_PROFILES_ENGINE_VERIFY_RECORD_H

#include <jansson.h>

#include "sign/verify.h"

/* New references; keys are always there, null where nothing is known. */
json_t *verify_record(const char *file, const struct verify_report *report);

/* Of a file that could not be judged. */
json_t *verify_record_failed(const char *file, const struct error *why);

/* Appends such a record as text for `width` columns. */
void verify_record_text(const json_t *record, unsigned width, struct buffer *out);

#endif
