/* Handlers that do what handlers must not, and honest ones. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *mode;
static sigjmp_buf back;
static FILE *null;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char text[] = "a b";
static void *volatile memory;

static int is(const char *name) { return strcmp(mode, name) == 0; }

static void inner(int sig) { puts("inner"); }

static void handler(int sig) {
    char buffer[32];
    int error = errno;
    if (is("printf")) printf("%d\n", sig);
    if (is("puts")) { puts("x"); puts("y"); }
    if (is("putchar")) putchar('x');
    if (is("fprintf")) fprintf(null, "%d", sig);
    if (is("snprintf")) snprintf(buffer, sizeof buffer - sig % 2, "%d", sig);
    if (is("malloc") || is("thread")) memory = malloc(10);
    if (is("malloc")) free(memory);
    if (is("fopen")) fclose(fopen("/dev/null", "r"));
    if (is("exit")) exit(0);
    if (is("mutex")) { pthread_mutex_lock(&mutex); pthread_mutex_unlock(&mutex); }
    if (is("localtime")) { time_t t = 0; localtime(&t); }
    if (is("strtok")) strtok(text, " ");
    if (is("nested")) raise(SIGUSR2);
    if (is("errno")) write(-1, "", 0);
    if (is("sysv") || is("sigset")) printf("%d\n", sig);
    if (is("jump")) { printf("%d\n", sig); siglongjmp(back, 1); }
    if (is("after_jump")) siglongjmp(back, 1);
    if (is("honest")) write(1, "!", 1);
    if (is("keeps_errno")) { waitpid(-1, 0, WNOHANG); errno = error; }
    if (is("_exit")) _exit(0);
    if (is("free_null")) free(NULL);
    if (is("reinstall")) {
        struct sigaction act = {.sa_handler = handler};
        sigaction(SIGUSR1, &act, 0);
        signal(SIGUSR2, SIG_DFL);
    }
}

static void informed(int sig, siginfo_t *info, void *context) { printf("%d %d\n", sig, info->si_pid == getpid()); }

static void *raiser(void *x) { raise(SIGUSR1); return x; }

int main(int argc, char **argv) {
    struct sigaction act = {.sa_handler = handler};
    mode = argv[1];
    null = fopen("/dev/null", "w");
    if (is("sysv")) __sysv_signal(SIGUSR1, handler);
    else if (is("sigset")) sigset(SIGUSR1, handler);
    else if (is("ignored")) signal(SIGUSR1, SIG_IGN);
    else if (is("info")) {
        act.sa_sigaction = informed;
        act.sa_flags = SA_SIGINFO;
        sigaction(SIGUSR1, &act, 0);
    } else if (is("puts")) signal(SIGUSR1, handler);
    else sigaction(SIGUSR1, &act, 0);
    signal(SIGUSR2, inner);
    if (is("thread")) {
        pthread_t t;
        pthread_create(&t, 0, raiser, 0);
        pthread_join(t, 0);
    } else if (sigsetjmp(back, 1) == 0) {
        raise(SIGUSR1);
        if (!is("_exit") && !is("sysv")) raise(SIGUSR1);
    }
    /* Not in a handler any more, whichever way it was left. */
    free(malloc(100));
    printf("done\n");
    errno = 0;
    return 0;
}
