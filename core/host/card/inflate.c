/* SPDX-License-Identifier: Apache-2.0 */
#include "host/card/inflate.h"

#include <zlib.h>

#include "host/card/card.h"

/* 32: zlib's or gzip's header, whichever is there. */
enum { EITHER_HEADER = 32 };

bool inflate_gzip(struct tlv in, size_t most, struct buffer *out)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)in.data, .avail_in = (uInt)in.length};
    size_t before = out->length;
    uint8_t *room = buffer_extend(out, most);
    bool whole = false;

    if (room != NULL && inflateInit2(&z, MAX_WBITS + EITHER_HEADER) == Z_OK) {
        z.next_out = room;
        z.avail_out = (uInt)most;
        whole = inflate(&z, Z_FINISH) == Z_STREAM_END;
        inflateEnd(&z);
    }
    if (room != NULL)
        out->length = before + (whole ? most - z.avail_out : 0);
    return whole;
}

void inflate_certificate(struct tlv stored, struct buffer *der)
{
    enum { HEAD = 4 };

    if (stored.length > HEAD && stored.data[0] == 1 && stored.data[1] == 0)
        inflate_gzip((struct tlv){stored.data + HEAD, stored.length - HEAD}, CARD_ANSWER_MAX, der);
    else
        buffer_append(der, stored.data, stored.length);
}
