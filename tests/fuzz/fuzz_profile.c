/* SPDX-License-Identifier: Apache-2.0 */
/* A profile: parsed, and when it is good, written and parsed again. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "profiles/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct profile_problems problems = {0};
    struct profile *p = profile_parse("fuzz.yaml", data, size, &problems, NULL), *again;
    struct buffer text = BUFFER_INIT;

    assert((p == NULL) == (problems.count > 0));
    if (p != NULL) {
        assert(profile_write(p, &text, NULL));
        again = profile_parse("again.yaml", text.data, text.length, NULL, NULL);
        assert(again != NULL);
        profile_free(&again);
    }
    buffer_free(&text);
    profile_free(&p);
    profile_problems_free(&problems);
    return 0;
}
