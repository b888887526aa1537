/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The card, put into the vpcd reader at HOST and PORT: piv_card HOST PORT FOLDER (see store.h).
 * Commands in chains and long answers are as in ISO 7816-4. What goes wrong, by files of the folder
 * that may come and go while the card works:
 *
 *   fault           "pull N", "short N", "long N" or "garbage N": at command number N from now the
 *                   card is pulled out, answers one byte, or bytes after its answer, or other ones
 *   slow            ms for each answer
 *   log             each command, in hexadecimal, without its data
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "piv_card.h"
#include "store.h"
#include "vpcd.h"

enum { SHORT_MAX = 256 };

struct card {
    struct session session;
    struct buffer chain;  /* data of the commands before */
    struct buffer answer; /* what is still to be fetched */
    const char *folder;
};

static void reset(void *data)
{
    struct card *card = data;

    card->session = (struct session){0};
    buffer_reset(&card->chain);
    buffer_reset(&card->answer);
}

static void note(const struct card *card, const uint8_t *bytes, size_t length)
{
    char path[4096];
    FILE *file;

    snprintf(path, sizeof path, "%s/log", card->folder);
    file = fopen(path, "a");
    if (file == NULL)
        return;
    fprintf(file, "%02X %02X %02X %02X %zu\n", bytes[0], bytes[1], bytes[2], bytes[3],
            length > 4 ? length - 5 : 0);
    fclose(file);
}

/* What is left of the answer, at most `most`, and 61xx for what is left then. */
static void deliver(struct card *card, size_t most, uint16_t sw, struct buffer *out)
{
    size_t length = card->answer.length < most ? card->answer.length : most;

    if (length > 0) {
        buffer_append(out, card->answer.data, length);
        memmove(card->answer.data, card->answer.data + length, card->answer.length - length);
        card->answer.length -= length;
    }
    if (card->answer.length > 0)
        sw = (uint16_t)(0x6100 | (card->answer.length > 255 ? 0 : card->answer.length));
    buffer_append_byte(out, (uint8_t)(sw >> 8));
    buffer_append_byte(out, (uint8_t)sw);
}

static void run(struct card *card, const uint8_t *bytes, size_t length, struct buffer *out)
{
    struct command c = {bytes[1], bytes[2], bytes[3], NULL, 0};
    size_t data = length > 5 ? bytes[4] : 0;

    if (data > length - 5 && length > 5) {
        buffer_append(out, "\x67\x00", 2);
        return;
    }
    if (c.ins == 0xc0) {
        deliver(card, bytes[4] == 0 ? SHORT_MAX : bytes[4], 0x9000, out);
        return;
    }
    if (data > 0)
        buffer_append(&card->chain, bytes + 5, data);
    if (bytes[0] & 0x10) {
        buffer_append(out, "\x90\x00", 2);
        return;
    }
    c.data = card->chain.data;
    c.length = card->chain.length;
    buffer_reset(&card->answer);
    deliver(card, SHORT_MAX, piv_command(&card->session, &c, &card->answer), out);
    buffer_reset(&card->chain);
}

/* True while there is one that is to happen now. */
static bool fault(const char *kind)
{
    char name[16] = "", text[32];
    int when = 0;

    if (sscanf(store_text("fault"), "%15s %d", name, &when) != 2 || strcmp(name, kind) != 0)
        return false;
    snprintf(text, sizeof text, "%s %d", name, when - 1);
    store_set_text("fault", when > 1 ? text : "");
    return when <= 1;
}

static bool command(void *data, const uint8_t *bytes, size_t length, struct buffer *out)
{
    struct card *card = data;

    if (length < 4) {
        buffer_append(out, "\x67\x00", 2);
        return true;
    }
    note(card, bytes, length);
    usleep((useconds_t)store_number("slow", 0) * 1000);
    if (fault("pull"))
        return false;
    run(card, bytes, length, out);
    if (fault("short"))
        out->length = 1;
    else if (fault("long"))
        buffer_append(out, "\xff\xff\xff\xff\x90\x00", 6);
    else if (fault("garbage"))
        for (size_t i = 0; i + 2 < out->length; i++)
            out->data[i] = (uint8_t)(out->data[i] * 7 + 13);
    return true;
}

/* With its last byte, which makes the rest come out as zero (ISO 7816-3, section 8.2.5). */
static size_t answer_to_reset(uint8_t *out)
{
    /* T=1, with the historical bytes of nothing that is sold; and those of a YubiKey 5. */
    static const uint8_t plain[] = {0x3b, 0x88, 0x80, 0x01, 'T', 'E', 'S', 'T', ' ', 'P', 'I', 'V'},
                         yubikey[] = {0x3b, 0xfd, 0x13, 0x00, 0x00, 0x81, 0x31, 0xfe,
                                      0x15, 0x80, 0x73, 0xc0, 0x21, 0xc0, 0x57, 'Y',
                                      'u',  'b',  'i',  'K',  'e',  'y'};
    bool is_yubikey = *store_text("version") != '\0';
    size_t length = is_yubikey ? sizeof yubikey : sizeof plain;

    memcpy(out, is_yubikey ? yubikey : plain, length);
    out[length] = 0;
    for (size_t i = 1; i < length; i++)
        out[length] ^= out[i];
    return length + 1;
}

int main(int argc, char **argv)
{
    struct card card = {.chain = BUFFER_INIT, .answer = BUFFER_INIT};
    uint8_t atr[33];
    int status;
    struct vpcd_card port = {.atr = atr, .reset = reset, .command = command, .data = &card};

    if (argc != 4) {
        fputs("usage: piv_card HOST PORT FOLDER\n", stderr);
        return 2;
    }
    card.folder = argv[3];
    store_open(argv[3]);
    port.atr_length = answer_to_reset(atr);
    status = vpcd_serve(&port, argv[1], argv[2]);
    buffer_free(&card.chain);
    buffer_free(&card.answer);
    return status;
}
