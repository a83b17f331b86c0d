/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_line_file.c - lines that a command writes and waits for: all of them, in their order, into files and
 * into pipes that are read slowly; the first failure ends it.
 */
#include "rolecall/line_file.h"
#include "unity.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINES = 20000, LINE_MAX_SIZE = 7600 };

static char path[] = "/tmp/rolecall-lines-XXXXXX";

void setUp(void)
{
}

void tearDown(void)
{
}

/* Line `number`: of any size up to the longest, by turns. */
static size_t make_line(unsigned number, char line[LINE_MAX_SIZE + 1])
{
    size_t size = number % 997 ? 10 + number % 300 : LINE_MAX_SIZE;
    memset(line, 'a' + (char)(number % 26), size);
    line[size] = '\0';
    memcpy(line, "########", 8);
    snprintf(line, 9, "%08u", number % 100000000u);
    line[8] = ' ';
    return size;
}

static void put_lines(struct line_file *file)
{
    char line[LINE_MAX_SIZE + 1];
    for (unsigned i = 0; i < LINES; i++)
        line_file_put(file, line, make_line(i, line));
}

/* As far as each is the next one. */
static unsigned count_lines(FILE *from)
{
    char line[LINE_MAX_SIZE + 2], got[LINE_MAX_SIZE + 3];
    unsigned count = 0;
    for (; fgets(got, sizeof got, from); count++) {
        size_t size = make_line(count, line);
        memcpy(line + size, "\n", 2);
        if (strcmp(line, got) != 0)
            break;
    }
    return count;
}

static void test_every_line_in_place_of_what_was_there(void)
{
    FILE *before = fopen(path, "w");
    for (unsigned i = 0; i < 100000; i++)
        fputs("what was there before, and longer\n", before);
    fclose(before);
    for (unsigned again = 0; again < 2; again++) {
        struct line_file *file = line_file_open(path, again);
        TEST_ASSERT_NOT_NULL(file);
        put_lines(file);
        TEST_ASSERT_EQUAL_INT(0, line_file_close(file));
        FILE *written = fopen(path, "r");
        TEST_ASSERT_EQUAL_UINT(LINES, count_lines(written));
        fclose(written);
    }
}

static void test_none(void)
{
    struct stat status;
    TEST_ASSERT_EQUAL_INT(0, line_file_close(line_file_open(path, false)));
    TEST_ASSERT_EQUAL_INT(0, stat(path, &status));
    TEST_ASSERT_EQUAL_INT64(0, status.st_size);
    TEST_ASSERT_EQUAL_INT(0, line_file_close(NULL));
}

static void test_each_at_once(void)
{
    char text[16];
    struct line_file *file = line_file_open(path, true);
    line_file_put(file, "now", 3);
    FILE *written = fopen(path, "r");
    TEST_ASSERT_EQUAL_STRING("now\n", fgets(text, sizeof text, written));
    fclose(written);
    TEST_ASSERT_EQUAL_INT(0, line_file_close(file));
}

static void *read_slowly(void *from)
{
    usleep(20000);
    uintptr_t count = count_lines(from);
    return (void *)count;
}

/* Standard output is a pipe that does not wait by itself. */
static void test_a_slow_reader_is_waited_for(void)
{
    int ends[2], stdout_before = dup(STDOUT_FILENO);
    pthread_t reader;
    void *count;
    TEST_ASSERT_EQUAL_INT(0, pipe2(ends, O_NONBLOCK));
    TEST_ASSERT_EQUAL_INT(0, fcntl(ends[0], F_SETFL, 0));
    fflush(stdout);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[1]);
    FILE *from = fdopen(ends[0], "r");
    pthread_create(&reader, NULL, read_slowly, from);
    struct line_file *file = line_file_open("-", false);
    put_lines(file);
    int error = line_file_close(file);
    dup2(stdout_before, STDOUT_FILENO);
    close(stdout_before);
    pthread_join(reader, &count);
    fclose(from);
    TEST_ASSERT_EQUAL_INT(0, error);
    TEST_ASSERT_EQUAL_UINT(LINES, (uintptr_t)count);
}

static void test_the_first_failure_is_told(void)
{
    errno = 0;
    TEST_ASSERT_NULL(line_file_open("/no/such/folder/x", false));
    TEST_ASSERT_EQUAL_INT(ENOENT, errno);
    struct line_file *file = line_file_open("/dev/full", false);
    put_lines(file);
    TEST_ASSERT_EQUAL_INT(ENOSPC, line_file_close(file));
}

int main(void)
{
    int fd = mkstemp(path);
    if (fd < 0)
        return 1;
    close(fd);
    UNITY_BEGIN();
    RUN_TEST(test_every_line_in_place_of_what_was_there);
    RUN_TEST(test_none);
    RUN_TEST(test_each_at_once);
    RUN_TEST(test_a_slow_reader_is_waited_for);
    RUN_TEST(test_the_first_failure_is_told);
    int failed = UNITY_END();
    unlink(path);
    return failed;
}
