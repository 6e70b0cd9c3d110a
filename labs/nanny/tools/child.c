/* child WORD...: a child that does what it is told, word after word, and then ends with 0.
 *
 *   say TEXT    writes TEXT and a newline
 *   exit N      ends with N
 *   raise N     dies of signal N
 *   wait        waits for ever
 *   sleep MS    waits so many milliseconds
 *   open        blocks no signal from here on
 *   stubborn    ignores SIGTERM from here on
 *   apart       leaves for a session of its own: no signal to a group reaches it
 *   term MS     waits for SIGTERM and says that it came; so many milliseconds later writes how often
 *
 * Each line is one write. Signals are waited for, not caught, so nothing depends on timing. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void say(const char *text)
{
    char line[256];
    int n = snprintf(line, sizeof line, "%s\n", text);
    if (write(1, line, n) < 0)
        _exit(1);
}

static struct timespec milliseconds(const char *text)
{
    long ms = atol(text);
    return (struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
}

static void rest(struct timespec left)
{
    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

static void term(const char *ms)
{
    sigset_t set;
    char line[64];
    int times = 0;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    while (sigwaitinfo(&set, NULL) != SIGTERM)
        ;
    /* What comes while it rests stays pending: another one shows as a second. */
    times = 1;
    say("SIGTERM came");
    rest(milliseconds(ms));
    struct timespec none = { 0, 0 };
    while (sigtimedwait(&set, NULL, &none) == SIGTERM)
        times++;
    snprintf(line, sizeof line, "got SIGTERM %d", times);
    say(line);
}

static void raise_for_certain(int number)
{
    sigset_t set;
    signal(number, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, number);
    raise(number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        const char *next = i + 1 < argc ? argv[i + 1] : "0";
        int one = 0;
        if (strcmp(word, "wait") == 0) {
            for (;;)
                pause();
        } else if (strcmp(word, "open") == 0) {
            sigset_t none;
            sigemptyset(&none);
            sigprocmask(SIG_SETMASK, &none, NULL);
        } else if (strcmp(word, "stubborn") == 0) {
            signal(SIGTERM, SIG_IGN);
        } else if (strcmp(word, "apart") == 0) {
            if (setsid() < 0)
                return 2;
        } else {
            one = 1;
            if (strcmp(word, "say") == 0)
                say(next);
            else if (strcmp(word, "exit") == 0)
                return atoi(next);
            else if (strcmp(word, "raise") == 0)
                raise_for_certain(atoi(next));
            else if (strcmp(word, "sleep") == 0)
                rest(milliseconds(next));
            else if (strcmp(word, "term") == 0)
                term(next);
            else
                return 2;
        }
        i += one;
    }
    return 0;
}
