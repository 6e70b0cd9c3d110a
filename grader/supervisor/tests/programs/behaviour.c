/* Prints everything that a program can learn about its handlers; the same with and without shim. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

static volatile int ran, other_ran, seen_info, on_stack;
static char stack[1 << 16];
static sigjmp_buf back;

static void one(int sig) { ran++; }
static void two(int sig) { other_ran++; }
static void fails(int sig) { errno = EXDEV; }
static void leaves(int sig) { siglongjmp(back, 7); }
static void where(int sig) { char here; on_stack = &here >= stack && &here < stack + sizeof stack; }
static void informed(int sig, siginfo_t *info, void *context) {
    seen_info = info->si_signo == sig && info->si_code == SI_QUEUE && info->si_value.sival_int == 42
        && ((ucontext_t *)context)->uc_stack.ss_size + 1 > 0;
}

static const char *name(void *f) {
    return f == (void *)one ? "one" : f == (void *)two ? "two" : f == (void *)informed ? "informed" :
        f == (void *)SIG_DFL ? "default" : f == (void *)SIG_IGN ? "ignore" : f == (void *)SIG_ERR ? "error" :
        f == (void *)SIG_HOLD ? "hold" : "something else";
}

static void show(const char *what, int sig) {
    struct sigaction act;
    memset(&act, 0x55, sizeof act);
    errno = 0;
    int r = sigaction(sig, 0, &act);
    printf("%s: %d %d %s flags %x mask", what, r, errno, r ? "-" : name((void *)act.sa_handler), r ? 0 : act.sa_flags);
    for (int s = 1; !r && s < 65; s++) if (sigismember(&act.sa_mask, s) == 1) printf(" %d", s);
    printf("\n");
}

static int formatted(int (*f)(char *, size_t, const char *, va_list), char *b, size_t n, const char *t, ...) {
    va_list l;
    va_start(l, t);
    int r = f(b, n, t, l);
    va_end(l);
    return r;
}

int main(void) {
    struct sigaction act, old;
    char buffer[64];

    show("fresh", SIGUSR1);
    printf("signal %s\n", name((void *)signal(SIGUSR1, one)));
    show("signal", SIGUSR1);
    raise(SIGUSR1);
    raise(SIGUSR1);
    printf("ran %d\n", ran);
    printf("signal again %s\n", name((void *)signal(SIGUSR1, two)));
    raise(SIGUSR1);
    printf("ran %d %d\n", ran, other_ran);
    printf("ignored after %s\n", name((void *)signal(SIGUSR1, SIG_IGN)));
    raise(SIGUSR1);
    show("ignored", SIGUSR1);
    printf("handler after %s\n", name((void *)signal(SIGUSR1, one)));
    printf("default after %s\n", name((void *)signal(SIGUSR1, SIG_DFL)));

    /* One shot: the kernel puts the default back. */
    memset(&act, 0, sizeof act);
    act.sa_handler = one;
    act.sa_flags = SA_RESETHAND;
    sigaddset(&act.sa_mask, SIGINT);
    printf("sigaction %d\n", sigaction(SIGUSR1, &act, &old));
    printf("old %s\n", name((void *)old.sa_handler));
    show("one shot", SIGUSR1);
    raise(SIGUSR1);
    show("shot", SIGUSR1);
    printf("sysv %s\n", name((void *)__sysv_signal(SIGUSR1, one)));
    show("sysv", SIGUSR1);
    raise(SIGUSR1);
    show("sysv shot", SIGUSR1);

    act.sa_sigaction = informed;
    act.sa_flags = SA_SIGINFO | SA_RESTART;
    printf("informed %d\n", sigaction(SIGRTMIN, &act, 0));
    show("informed", SIGRTMIN);
    sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 42});
    printf("info %d\n", seen_info);
    /* The same structure in and out. */
    printf("swap %d\n", sigaction(SIGRTMIN, &act, &act));
    printf("swapped %s\n", name((void *)act.sa_sigaction));

    printf("bad signal %d %d\n", sigaction(0, &act, 0), errno);
    printf("bad signal %d %d\n", sigaction(999, &act, 0), errno);
    printf("kill %d %d\n", sigaction(SIGKILL, &act, 0), errno);
    printf("kill %s %d\n", name((void *)signal(SIGKILL, one)), errno);
    printf("bad %s %d\n", name((void *)signal(-1, one)), errno);
    show("internal", 32);

    printf("sigset %s\n", name((void *)sigset(SIGUSR2, one)));
    show("sigset", SIGUSR2);
    printf("hold %s\n", name((void *)sigset(SIGUSR2, SIG_HOLD)));
    printf("release %s\n", name((void *)sigset(SIGUSR2, two)));
    show("released", SIGUSR2);
    siginterrupt(SIGUSR2, 1);
    show("interrupting", SIGUSR2);
    printf("then %s\n", name((void *)signal(SIGUSR2, one)));
    show("still interrupting", SIGUSR2);

    signal(SIGUSR1, one);
    errno = ENOTTY;
    raise(SIGUSR1);
    printf("errno kept %d\n", errno);
    signal(SIGUSR1, fails);
    raise(SIGUSR1);
    printf("errno changed %d\n", errno);

    int jumped = sigsetjmp(back, 1);
    signal(SIGUSR1, leaves);
    if (jumped == 0) raise(SIGUSR1);
    sigset_t now;
    sigprocmask(SIG_BLOCK, 0, &now);
    printf("jumped %d blocked %d\n", jumped, sigismember(&now, SIGUSR1));

    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, 0);
    memset(&act, 0, sizeof act);
    act.sa_handler = where;
    act.sa_flags = SA_ONSTACK;
    sigaction(SIGUSR1, &act, 0);
    raise(SIGUSR1);
    printf("alternate stack %d\n", on_stack);

    int *p = calloc(4, sizeof *p);
    printf("calloc %d\n", p[0] | p[3]);
    p = realloc(p, 4096);
    printf("realloc %d\n", p[3]);
    free(p);
    printf("too much %d\n", malloc((size_t)-1 / 2) == 0 && errno == ENOMEM);
    printf("vsnprintf %d %s\n", formatted(vsnprintf, buffer, sizeof buffer, "%d-%s-%.1f", 1, "x", 2.5), buffer);
    fprintf(stdout, "%ld %c %s\n", 123456789012L, 'c', "text");
    fputs("fputs ", stdout); putc('a', stdout); fputc('b', stdout); putchar('\n');
    fflush(stdout);
    if (fork() == 0) { signal(SIGTERM, SIG_DFL); raise(SIGTERM); }
    int status;
    wait(&status);
    printf("child %d %d\n", WIFSIGNALED(status), WTERMSIG(status));
    fflush(stdout);
    if (fork() == 0) { execl("/bin/echo", "echo", "executed", (char *)0); _exit(1); }
    wait(&status);
    printf("status %x\n", status);
    exit(0);
}
