/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of sentences in a report. */
#ifndef SIGNET_SIGN_VERIFY_WORDS_H
#define SIGNET_SIGN_VERIFY_WORDS_H

#include "sign/verify.h"

/* One of the lists: problems or notes of a signature, a timestamp, a file. */
struct verify_words {
    char ***list;
    size_t *count;
    bool *lost; /* set when memory ran out: a report without them all must not be read */
};

#define VERIFY_PROBLEMS(of)                                                                        \
    ((struct verify_words){&(of)->problems, &(of)->problem_count, &(of)->words_lost})
#define VERIFY_NOTES(of) ((struct verify_words){&(of)->notes, &(of)->note_count, &(of)->words_lost})

/* Adds a sentence, unless it is there already. */
void verify_say(struct verify_words words, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void verify_words_free(char **list, size_t count);

#endif
