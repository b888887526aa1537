/* SPDX-License-Identifier: Apache-2.0 */
/* Frames over a real socket pair: whole, with a descriptor, cut, and announced too long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/frame.h"

static int ends[2];

static int open_pair(void **state)
{
    (void)state;
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
}

static int close_pair(void **state)
{
    (void)state;
    close(ends[0]);
    close(ends[1]);
    return 0;
}

static void test_a_frame_comes_over(void **state)
{
    struct wire_frame sent = {.id = 0x01020304, .type = 7, .lane = 63}, got = WIRE_FRAME_INIT;
    int passed;

    (void)state;
    buffer_append(&sent.body, "body", 4);
    assert_true(wire_send(ends[0], &sent, -1, NULL));
    assert_int_equal(wire_receive(ends[1], &got, &passed, NULL), 1);
    assert_int_equal(got.id, sent.id);
    assert_int_equal(got.type, 7);
    assert_int_equal(got.lane, 63);
    assert_int_equal(got.body.length, 4);
    assert_memory_equal(got.body.data, "body", 4);
    assert_int_equal(passed, -1);
    wire_frame_free(&sent);
    wire_frame_free(&got);
}

static void test_an_empty_body(void **state)
{
    struct wire_frame sent = {.id = 1}, got = WIRE_FRAME_INIT;
    int passed;

    (void)state;
    assert_true(wire_send(ends[0], &sent, -1, NULL));
    assert_int_equal(wire_receive(ends[1], &got, &passed, NULL), 1);
    assert_int_equal(got.body.length, 0);
    wire_frame_free(&got);
}

static void test_a_descriptor_comes_along(void **state)
{
    struct wire_frame sent = {.id = 1}, got = WIRE_FRAME_INIT;
    int pipe_ends[2], passed;
    char byte;

    (void)state;
    assert_int_equal(pipe(pipe_ends), 0);
    assert_true(wire_send(ends[0], &sent, pipe_ends[1], NULL));
    assert_int_equal(wire_receive(ends[1], &got, &passed, NULL), 1);
    assert_true(passed >= 0);
    assert_true(fcntl(passed, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(write(passed, "x", 1), 1);
    assert_int_equal(read(pipe_ends[0], &byte, 1), 1);
    close(passed);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    wire_frame_free(&got);
}

static void *send_large(void *data)
{
    return wire_send(ends[0], data, -1, NULL) ? data : NULL;
}

/* More than a socket takes at once: sender and receiver both go on where they were. */
static void test_a_large_body(void **state)
{
    struct wire_frame sent = {.id = 1}, got = WIRE_FRAME_INIT;
    size_t size = 5 << 20;
    pthread_t thread;
    int passed;
    void *done;

    (void)state;
    memset(buffer_extend(&sent.body, size), 0x5a, size);
    sent.body.data[size - 1] = 1;
    assert_int_equal(pthread_create(&thread, NULL, send_large, &sent), 0);
    assert_int_equal(wire_receive(ends[1], &got, &passed, NULL), 1);
    pthread_join(thread, &done);
    assert_non_null(done);
    assert_int_equal(got.body.length, size);
    assert_memory_equal(got.body.data, sent.body.data, size);
    wire_frame_free(&sent);
    wire_frame_free(&got);
}

static void test_the_end(void **state)
{
    struct wire_frame got = WIRE_FRAME_INIT, sent = {.id = 1};
    struct error e = ERROR_INIT;
    int passed;

    (void)state;
    close(ends[0]);
    ends[0] = -1;
    assert_int_equal(wire_receive(ends[1], &got, &passed, NULL), 0);
    assert_false(wire_send(ends[1], &sent, -1, &e)); /* and no SIGPIPE */
    assert_int_equal(e.code, ERROR_HOST);
}

/* What a host that lies may send. */
static int receive_bytes(const char *bytes, size_t length)
{
    struct wire_frame got = WIRE_FRAME_INIT;
    struct error e = ERROR_INIT;
    int passed, result;

    assert_int_equal(write(ends[0], bytes, length), (ssize_t)length);
    shutdown(ends[0], SHUT_WR);
    result = wire_receive(ends[1], &got, &passed, &e);
    assert_int_equal(passed, -1);
    assert_int_equal(e.code, result == -1 ? ERROR_HOST : ERROR_NONE);
    wire_frame_free(&got);
    return result;
}

static void test_a_cut_head(void **state)
{
    (void)state;
    assert_int_equal(receive_bytes("\0\0\0\0\0\0\0\1\0\1\0", 11), -1);
}

static void test_a_cut_body(void **state)
{
    (void)state;
    assert_int_equal(receive_bytes("\0\0\0\5\0\0\0\1\0\1\0\0abcd", 16), -1);
}

static void test_a_body_too_long(void **state)
{
    (void)state;
    assert_int_equal(receive_bytes("\xff\xff\xff\xff\0\0\0\1\0\1\0\0abcd", 16), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_frame_comes_over, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(test_an_empty_body, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(test_a_descriptor_comes_along, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(test_a_large_body, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(test_the_end, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(test_a_cut_head, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(test_a_cut_body, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(test_a_body_too_long, open_pair, close_pair),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
