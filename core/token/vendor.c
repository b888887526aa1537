/* SPDX-License-Identifier: Apache-2.0 */
#include "token/vendor.h"

bool vendor_read(struct host *h, CK_SLOT_ID slot, struct cancel *cancel,
                 struct wire_application *out, struct error *e)
{
    struct buffer body = BUFFER_INIT, answer = BUFFER_INIT;
    struct wire_reader r;
    bool read;

    *out = (struct wire_application){0};
    wire_put_u64(&body, slot);
    read = buffer_ok(&body, e) && host_call(h, WIRE_VENDOR, 0, &body, cancel, &answer, e);
    if (read) {
        r = wire_reader_of(answer.data, answer.length);
        wire_application_get(&r, out);
        read = wire_reader_done(&r, e);
    }
    if (!read)
        wire_application_free(out);
    buffer_free(&body);
    buffer_free(&answer);
    return read;
}
