/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Written records of what is said to a card and what it answers (records/README.md), and a card
 * that replays one: a command that is not the next one of the record fails the test.
 */
#ifndef SIGNET_TESTS_UNIT_CARD_RECORD_H
#define SIGNET_TESTS_UNIT_CARD_RECORD_H

#include "host/card/card.h"

enum record_kind { RECORD_STEP, RECORD_COMMAND, RECORD_ANSWER, RECORD_GONE, RECORD_RESULT };

struct record_line {
    enum record_kind kind;
    unsigned number;     /* of the line in its file */
    char *text;          /* RECORD_STEP, RECORD_RESULT */
    struct buffer bytes; /* RECORD_COMMAND, RECORD_ANSWER */
};

struct record {
    const char *path;
    uint8_t atr[CARD_ATR_MAX];
    size_t atr_length;
    struct record_line *line;
    size_t count, at; /* the next line */
    bool t0;          /* the card speaks T=0 */
    bool reading;     /* the step may send nothing that could cost a try */
};

/* Fails the test where the file is no record. */
void record_load(const char *path, struct record *out);
void record_free(struct record *r);

/* The card of the record. */
struct card record_card(struct record *r);

/* The next line, if it is of this kind; NULL else. */
const struct record_line *record_next(struct record *r, enum record_kind kind);

#endif
