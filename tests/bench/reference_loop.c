/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference for whole files: each session, in a thread of its own, takes the next file, reads
 * and hashes it, has the digest signed, writes both into a file beside it, syncs and renames that.
 * Nothing is checked, parsed or encoded. It spoils its files.
 * usage: reference_loop MODULE TOKEN-LABEL KEY-LABEL SESSIONS FILE…
 */
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/token.h"

enum { PIECE = 65536, MOST_SESSIONS = 16 };

static struct {
    struct token token;
    char *key_label;
    char **file;
    atomic_int next;
    int count;
} run;

static void must(bool good, const char *what)
{
    if (good)
        return;
    perror(what);
    exit(1);
}

static void copy_and_hash(int in, int out, CK_BYTE digest[32])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    char piece[PIECE];
    ssize_t got;

    must(ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) > 0, "SHA-256");
    while ((got = read(in, piece, sizeof piece)) > 0) {
        EVP_DigestUpdate(ctx, piece, (size_t)got);
        must(write(out, piece, (size_t)got) == got, "write");
    }
    must(got == 0, "read");
    EVP_DigestFinal_ex(ctx, digest, NULL);
    EVP_MD_CTX_free(ctx);
}

static void sign_file(const char *name, CK_SESSION_HANDLE session, struct token_key *key)
{
    CK_BYTE digest[32], signature[1024];
    char beside[4096];
    int in = open(name, O_RDONLY | O_CLOEXEC), out;
    ssize_t length;

    snprintf(beside, sizeof beside, "%s.part", name);
    out = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    must(in >= 0 && out >= 0, name);
    copy_and_hash(in, out, digest);
    length = (ssize_t)token_sign(&run.token, session, key, digest, signature);
    must(write(out, signature, (size_t)length) == length, "write");
    must(fsync(out) == 0 && rename(beside, name) == 0, "rename");
    close(in);
    close(out);
}

static void *sign_files(void *data)
{
    CK_SESSION_HANDLE session = *(CK_SESSION_HANDLE *)data;
    struct token_key key = token_key(&run.token, session, run.key_label);
    int index;

    while ((index = atomic_fetch_add(&run.next, 1)) < run.count)
        sign_file(run.file[index], session, &key);
    return NULL;
}

int main(int argc, char **argv)
{
    CK_SESSION_HANDLE session[MOST_SESSIONS];
    pthread_t thread[MOST_SESSIONS];
    int sessions = argc < 6 ? 0 : atoi(argv[4]);

    if (sessions < 1 || sessions > MOST_SESSIONS)
        return 2;
    run.key_label = argv[3];
    run.file = argv + 5;
    run.count = argc - 5;
    token_open(&run.token, argv[1], argv[2]);
    for (int i = 0; i < sessions; i++)
        session[i] = token_session(&run.token);
    token_login(&run.token, session[0]);
    for (int i = 0; i < sessions; i++)
        must(pthread_create(&thread[i], NULL, sign_files, &session[i]) == 0, "thread");
    for (int i = 0; i < sessions; i++)
        pthread_join(thread[i], NULL);
    return 0;
}
