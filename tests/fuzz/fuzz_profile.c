/* SPDX-License-Identifier: Apache-2.0 */
/* A profile: parsed, and when it is good, written and parsed again to the same values. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "profiles/profile.h"
#include "profiles/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_and_read(const struct profile *p)
{
    struct buffer text = BUFFER_INIT;
    struct profile *again;

    assert(profile_write(p, &text, NULL));
    again = profile_parse("again.yaml", text.data, text.length, NULL, NULL);
    assert(again != NULL);
    for (size_t i = 0; i < schema_key_count; i++)
        assert(schema_same(&schema_keys[i], p, again));
    profile_free(&again);
    buffer_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct profile_problems problems = {0};
    struct profile *p = profile_parse("fuzz.yaml", data, size, &problems, NULL);

    assert((p == NULL) == (problems.count > 0));
    for (size_t i = 0; p != NULL && i < schema_key_count; i++)
        assert(p->place[i].end <= size && p->place[i].start <= p->place[i].end);
    if (p != NULL)
        write_and_read(p);
    profile_free(&p);
    profile_problems_free(&problems);
    return 0;
}
