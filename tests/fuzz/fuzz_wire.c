/* SPDX-License-Identifier: Apache-2.0 */
/* Every message that one side reads from the other. The first byte chooses which. */
#include <stddef.h>
#include <stdint.h>

#include "wire/card.h"
#include "wire/message.h"
#include "wire/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define READ(kind)                                                                                 \
    {                                                                                              \
        struct wire_##kind value;                                                                  \
        if (wire_##kind##_get(&r, &value))                                                         \
            wire_##kind##_put(&out, &value);                                                       \
    }
#define READ_AND_FREE(kind)                                                                        \
    {                                                                                              \
        struct wire_##kind value;                                                                  \
        if (wire_##kind##_get(&r, &value)) {                                                       \
            wire_##kind##_put(&out, &value);                                                       \
            wire_##kind##_free(&value);                                                            \
        }                                                                                          \
    }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_reader r = wire_reader_of(data + 1, size == 0 ? 0 : size - 1);
    struct buffer out = BUFFER_INIT;

    switch (size == 0 ? 255 : data[0] % 23) {
    case 0:
        READ(status) break;
    case 1:
        READ(module) break;
    case 2:
        READ_AND_FREE(slot) break;
    case 3:
        READ_AND_FREE(slots) break;
    case 4:
        READ_AND_FREE(objects) break;
    case 5:
        READ_AND_FREE(open_key) break;
    case 6:
        READ(opened) break;
    case 7:
        READ_AND_FREE(sign) break;
    case 8:
        READ_AND_FREE(login) break;
    case 9:
        READ_AND_FREE(set_pin) break;
    case 10:
        READ_AND_FREE(readers) break;
    case 11:
        READ_AND_FREE(card) break;
    case 12:
        READ_AND_FREE(unblock) break;
    case 13:
        READ_AND_FREE(attestation) break;
    case 14:
        READ_AND_FREE(init_pin) break;
    case 15:
        READ_AND_FREE(application) break;
    case 16:
        READ_AND_FREE(generate) break;
    case 17:
        READ_AND_FREE(store) break;
    case 18:
        READ_AND_FREE(new_key) break;
    case 19:
        READ_AND_FREE(new_certificate) break;
    case 20:
        READ_AND_FREE(which) break;
    case 21:
        READ_AND_FREE(new_names) break;
    case 22:
        READ_AND_FREE(init_token) break;
    }
    buffer_free(&out);
    return 0;
}
