/* stage WORD...: a stage of a pipeline that does what it is told, word after word, and then ends with 0.
 *
 *   gate NAME   writes "gate NAME" to standard error
 *   copy        copies its input to its output
 *   tag NAME    copies lines, and adds NAME to each
 *   first       copies one line
 *   spew N      writes N bytes, in lines
 *   sleep MS    waits so many milliseconds
 *   exit N      ends with N
 *   raise N     dies of signal N
 *
 * Nothing is buffered: a line that came goes on at once. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char buffer[65536];

static void put(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t n = write(fd, bytes, count);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            _exit(1);
        bytes += n;
        count -= n;
    }
}

static size_t get(char *bytes, size_t most)
{
    ssize_t n;
    do
        n = read(0, bytes, most);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        _exit(1);
    return n;
}

static void copy(void)
{
    size_t n;
    while ((n = get(buffer, sizeof buffer)) > 0)
        put(1, buffer, n);
}

/* Lines are short: one that is not is cut by the room there is, and each piece is tagged. */
static void tag(const char *name)
{
    static char line[1024];
    size_t have = 0, n;
    while ((n = get(buffer, sizeof buffer)) > 0) {
        for (size_t i = 0; i < n; i++) {
            if (buffer[i] != '\n' && have < sizeof line - 256) {
                line[have++] = buffer[i];
                continue;
            }
            have += snprintf(line + have, 256, " %.200s\n", name);
            put(1, line, have);
            have = 0;
        }
    }
    if (have > 0) {
        have += snprintf(line + have, 256, " %.200s", name);
        put(1, line, have);
    }
}

static void first(void)
{
    char byte;
    while (get(&byte, 1) == 1) {
        put(1, &byte, 1);
        if (byte == '\n')
            return;
    }
}

static void spew(long count)
{
    static char line[] = "abcdefghijklmnopqrstuvwxyz01234\n";
    for (size_t i = 0; i < sizeof buffer; i++)
        buffer[i] = line[i % (sizeof line - 1)];
    while (count > 0) {
        size_t n = count < 4096 ? count : 4096;
        put(1, buffer, n);
        count -= n;
    }
}

static void rest(long ms)
{
    struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        const char *next = i + 1 < argc ? argv[i + 1] : "0";
        if (strcmp(word, "copy") == 0) {
            copy();
            continue;
        }
        if (strcmp(word, "first") == 0) {
            first();
            continue;
        }
        i++;
        if (strcmp(word, "gate") == 0) {
            char line[256];
            put(2, line, snprintf(line, sizeof line, "gate %.200s\n", next));
        } else if (strcmp(word, "tag") == 0) {
            tag(next);
        } else if (strcmp(word, "spew") == 0) {
            spew(atol(next));
        } else if (strcmp(word, "sleep") == 0) {
            rest(atol(next));
        } else if (strcmp(word, "exit") == 0) {
            return atoi(next);
        } else if (strcmp(word, "raise") == 0) {
            signal(atoi(next), SIG_DFL);
            raise(atoi(next));
        } else {
            return 2;
        }
    }
    return 0;
}
