/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the console and the verbs will ask of a card, for tests:
 *
 *   manage generate READER SLOT TYPE KEY [PIN TOUCH]   the new key's SubjectPublicKeyInfo, DER
 *   manage store READER SLOT FILE KEY                  FILE: a certificate, DER
 *   manage attest READER SLOT                          the key's attestation, DER
 *   manage watch COUNT                                 a line for each answer of the wait for
 * readers
 *
 * KEY is the source of the management key; SERIAL in the environment, which card is meant. Exit
 * status as of the programs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "gate/manage.h"
#include "token/card.h"

enum { FILE_MAX_BYTES = 1 << 20 };

struct asked {
    struct host *host;
    struct gate_card card;
    struct pin_source *source;
    uint8_t slot;
};

static bool begin(struct asked *a, char **argv, const char *source, struct error *e)
{
    a->source = pin_source_parse(source, e);
    a->host = a->source == NULL ? NULL : card_host_start(NULL, e);
    a->slot = (uint8_t)strtoul(argv[3], NULL, 16);
    a->card = (struct gate_card){
        .reader = argv[2],
        .family = "piv",
        .device = "test-card",
        .serial = getenv("SERIAL"),
        .label = "test card",
        .management_key = a->source,
        .actor = a->source == NULL ? GATE_HEADLESS : gate_actor_of(a->source),
        .program = "manage",
    };
    return a->host != NULL;
}

static void end(struct asked *a)
{
    host_stop(&a->host);
    pin_source_free(&a->source);
}

static bool generate(int argc, char **argv, struct error *e)
{
    struct asked a = {0};
    struct buffer spki = BUFFER_INIT;
    const struct gate_new_key key = {
        .slot = (uint8_t)strtoul(argv[3], NULL, 16),
        .type = argv[4],
        .pin_policy = (uint8_t)(argc > 7 ? atoi(argv[6]) : 0),
        .touch_policy = (uint8_t)(argc > 7 ? atoi(argv[7]) : 0),
    };
    bool done = begin(&a, argv, argv[5], e) && gate_card_generate(&a.card, &key, a.host, &spki, e);

    if (done)
        fwrite(spki.data, 1, spki.length, stdout);
    buffer_free(&spki);
    end(&a);
    return done;
}

static bool store(char **argv, struct error *e)
{
    struct asked a = {0};
    struct buffer der = BUFFER_INIT;
    bool done = path_read_file(argv[4], FILE_MAX_BYTES, &der, e) && begin(&a, argv, argv[5], e) &&
                gate_card_store(&a.card, a.slot, der.data, der.length, a.host, e);

    buffer_free(&der);
    end(&a);
    return done;
}

static bool attest(char **argv, struct error *e)
{
    struct host *h = card_host_start(NULL, e);
    struct wire_attestation a = {0};
    bool done =
        h != NULL && card_attest(h, argv[2], (uint8_t)strtoul(argv[3], NULL, 16), NULL, &a, e);

    if (done)
        fwrite(a.certificate, 1, a.certificate_length, stdout);
    wire_attestation_free(&a);
    host_stop(&h);
    return done;
}

static void print(const struct wire_readers *r)
{
    for (size_t i = 0; i < r->count; i++)
        printf("%s%s%s%s", i == 0 ? "" : " ", r->reader[i].present ? "card" : "empty",
               r->reader[i].in_use ? "-in-use" : "", r->reader[i].exclusive ? "-alone" : "");
    puts("");
    fflush(stdout);
}

static bool watch(int count, struct error *e)
{
    struct host *h = card_host_start(NULL, e);
    struct wire_readers known = {0}, now;
    bool done = h != NULL;

    for (int i = 0; done && i < count; i++) {
        done = card_readers_wait(h, &known, NULL, &now, e);
        wire_readers_free(&known);
        if (done) {
            known = now;
            print(&known);
        }
    }
    wire_readers_free(&known);
    host_stop(&h);
    return done;
}

int main(int argc, char **argv)
{
    struct error e = ERROR_INIT;
    bool done = false;

    if (argc >= 6 && strcmp(argv[1], "generate") == 0)
        done = generate(argc, argv, &e);
    else if (argc == 6 && strcmp(argv[1], "store") == 0)
        done = store(argv, &e);
    else if (argc == 4 && strcmp(argv[1], "attest") == 0)
        done = attest(argv, &e);
    else if (argc == 3 && strcmp(argv[1], "watch") == 0)
        done = watch(atoi(argv[2]), &e);
    else
        error_set(&e, ERROR_USAGE, "see the head of manage.c");
    if (!done)
        fprintf(stderr, "%s\n", e.text);
    return error_exit_status(e.code);
}
