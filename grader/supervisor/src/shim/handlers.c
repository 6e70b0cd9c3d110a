/* Preloaded into a program to watch its signal handlers.
 *
 * Every handler the program installs runs inside a wrapper. While it runs, calls of functions that
 * are not async-signal-safe (signal-safety(7)) are reported, and so is an errno that the handler
 * does not leave as it found it. Each report is made once, by a prctl that the kernel refuses and
 * the tracer sees. Everything else is as without the shim: what the program gets back from
 * sigaction, signal and their kin is what it had set.
 */
#define _GNU_SOURCE
#undef _FORTIFY_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>
#include <pthread.h>

/* 'grad'; the same number in shim.rs. */
#define REPORT 0x67726164L
/* No errno of any system; what a handler is to find and to leave. */
#define CANARY 0x6e6f7e0
#define SIGNALS 65

#define UNSAFE_NAMES(X) \
    X(printf) X(vprintf) X(fprintf) X(vfprintf) X(dprintf) X(vdprintf) X(sprintf) X(vsprintf) \
    X(snprintf) X(vsnprintf) X(puts) X(putchar) X(putc) X(fputc) X(fputs) X(fwrite) X(fread) \
    X(fflush) X(fopen) X(fdopen) X(fclose) X(fgets) X(fgetc) X(getc) X(getchar) X(ungetc) \
    X(setvbuf) X(perror) X(malloc) X(calloc) X(realloc) X(free) X(exit) X(quick_exit) X(syslog) \
    X(vsyslog) X(strtok) X(localtime) X(gmtime) X(ctime) X(asctime) X(system) X(popen) X(pclose) \
    X(pthread_mutex_lock) X(pthread_create)

enum id {
#define X(name) ID_##name,
    UNSAFE_NAMES(X)
#undef X
    ID_errno,
    IDS
};

static const char *const texts[IDS] = {
#define X(name) [ID_##name] = "calls " #name,
    UNSAFE_NAMES(X)
#undef X
    [ID_errno] = "changes errno",
};

/* Initial-exec: never allocated on first use, which may be in a handler. */
#define LOCAL static __thread __attribute__((tls_model("initial-exec")))
LOCAL int depth;  /* handlers running in this thread, one inside another */
LOCAL int inside; /* an unsafe function that the innermost handler called is running */

static atomic_char reported[IDS];

#ifdef SHIM_TEST
static int report_fd = -1;
static void report_to_fd(const char *text) {
    if (report_fd < 0) return;
    char line[64];
    size_t len = strlen(text);
    memcpy(line, text, len);
    line[len] = '\n';
    syscall(SYS_write, report_fd, line, len + 1);
}
#endif

static void report(enum id id) {
    if (atomic_exchange(&reported[id], 1)) return;
    int saved = errno;
    syscall(SYS_prctl, REPORT, texts[id], strlen(texts[id]), 0L, 0L);
#ifdef SHIM_TEST
    report_to_fd(texts[id]);
#endif
    errno = saved;
}

/* An unsafe function begins: reported unless it is called by another one. */
static int begin(enum id id) {
    if (depth == 0 || inside) return 0;
    report(id);
    inside = 1;
    return 1;
}

static void end(int began) {
    if (began) inside = 0;
}

/* ---- the functions behind ours ---------------------------------------------------------- */

#define REAL(ret, name, ...) static ret (*real_##name)(__VA_ARGS__);
#define FIND(name) \
    do { \
        if (!real_##name) *(void **)&real_##name = dlsym(RTLD_NEXT, #name); \
    } while (0)

typedef void handler(int);
typedef void informed(int, siginfo_t *, void *);

#define ALL(R) \
    R(int, sigaction, int, const struct sigaction *, struct sigaction *) \
    R(handler *, signal, int, handler *) \
    R(handler *, bsd_signal, int, handler *) \
    R(handler *, ssignal, int, handler *) \
    R(handler *, sysv_signal, int, handler *) \
    R(handler *, __sysv_signal, int, handler *) \
    R(handler *, sigset, int, handler *) \
    R(void, siglongjmp, struct __jmp_buf_tag *, int) \
    R(void, longjmp, struct __jmp_buf_tag *, int) \
    R(void, _longjmp, struct __jmp_buf_tag *, int) \
    R(void, __longjmp_chk, struct __jmp_buf_tag *, int) \
    R(int, vprintf, const char *, va_list) \
    R(int, vfprintf, FILE *, const char *, va_list) \
    R(int, vdprintf, int, const char *, va_list) \
    R(int, vsprintf, char *, const char *, va_list) \
    R(int, vsnprintf, char *, size_t, const char *, va_list) \
    R(int, __vprintf_chk, int, const char *, va_list) \
    R(int, __vfprintf_chk, FILE *, int, const char *, va_list) \
    R(int, __vdprintf_chk, int, int, const char *, va_list) \
    R(int, __vsprintf_chk, char *, int, size_t, const char *, va_list) \
    R(int, __vsnprintf_chk, char *, size_t, int, size_t, const char *, va_list) \
    R(int, puts, const char *) \
    R(int, putchar, int) \
    R(int, putc, int, FILE *) \
    R(int, _IO_putc, int, FILE *) \
    R(int, fputc, int, FILE *) \
    R(int, fputs, const char *, FILE *) \
    R(size_t, fwrite, const void *, size_t, size_t, FILE *) \
    R(size_t, fread, void *, size_t, size_t, FILE *) \
    R(int, fflush, FILE *) \
    R(FILE *, fopen, const char *, const char *) \
    R(FILE *, fopen64, const char *, const char *) \
    R(FILE *, fdopen, int, const char *) \
    R(int, fclose, FILE *) \
    R(char *, fgets, char *, int, FILE *) \
    R(int, fgetc, FILE *) \
    R(int, getc, FILE *) \
    R(int, _IO_getc, FILE *) \
    R(int, getchar, void) \
    R(int, ungetc, int, FILE *) \
    R(int, setvbuf, FILE *, char *, int, size_t) \
    R(void, perror, const char *) \
    R(void *, malloc, size_t) \
    R(void *, calloc, size_t, size_t) \
    R(void *, realloc, void *, size_t) \
    R(void, free, void *) \
    R(void, exit, int) \
    R(void, quick_exit, int) \
    R(void, vsyslog, int, const char *, va_list) \
    R(void, __vsyslog_chk, int, int, const char *, va_list) \
    R(char *, strtok, char *, const char *) \
    R(struct tm *, localtime, const time_t *) \
    R(struct tm *, gmtime, const time_t *) \
    R(char *, ctime, const time_t *) \
    R(char *, asctime, const struct tm *) \
    R(int, system, const char *) \
    R(FILE *, popen, const char *, const char *) \
    R(int, pclose, FILE *) \
    R(int, pthread_mutex_lock, pthread_mutex_t *) \
    R(int, pthread_create, pthread_t *, const pthread_attr_t *, void *(*)(void *), void *)

ALL(REAL)

/* dlsym is not safe in a handler: everything is looked up before main. */
__attribute__((constructor)) static void find_all(void) {
#define F(ret, name, ...) FIND(name);
    ALL(F)
#undef F
#ifdef SHIM_TEST
    const char *fd = getenv("GRADER_SHIM_FD");
    if (fd) report_fd = atoi(fd);
#endif
}

/* ---- handlers --------------------------------------------------------------------------- */

static struct {
    _Atomic(void *) function;
    atomic_char informed;
} table[SIGNALS];

static void run(int sig, siginfo_t *info, void *context) {
    int saved = errno, outer = inside;
    void *function = table[sig].function;
    depth++;
    inside = 0;
    errno = CANARY;
    if (table[sig].informed)
        ((informed *)function)(sig, info, context);
    else
        ((handler *)function)(sig);
    /* A changed errno stays changed, as it would without us. */
    if (errno == CANARY)
        errno = saved;
    else
        report(ID_errno);
    inside = outer;
    /* Nothing to undo where a handler was left by a jump that we saw. */
    if (depth > 0) depth--;
}

static void run_plain(int sig) { run(sig, NULL, NULL); }
static void run_informed(int sig, siginfo_t *info, void *context) { run(sig, info, context); }

static int is_function(void *f) {
    return f != (void *)SIG_DFL && f != (void *)SIG_IGN && f != (void *)SIG_ERR && f != (void *)SIG_HOLD;
}

static int is_ours(void *f) { return f == (void *)run_plain || f == (void *)run_informed; }

static int is_signal(int sig) { return sig > 0 && sig < SIGNALS; }

/* Remembers a function before the kernel is told: a signal may come at once. */
static void remember(int sig, void *function, int wants_info) {
    table[sig].function = function;
    table[sig].informed = (char)wants_info;
}

int sigaction(int sig, const struct sigaction *act, struct sigaction *old) {
    FIND(sigaction);
    if (!is_signal(sig)) return real_sigaction(sig, act, old);
    void *was = table[sig].function;
    int was_informed = table[sig].informed;
    struct sigaction ours, before;
    int wrapped = act && is_function((void *)act->sa_handler);
    if (wrapped) {
        ours = *act;
        int wants_info = (act->sa_flags & SA_SIGINFO) != 0;
        if (wants_info)
            ours.sa_sigaction = run_informed;
        else
            ours.sa_handler = run_plain;
        remember(sig, (void *)act->sa_handler, wants_info);
    }
    int result = real_sigaction(sig, wrapped ? &ours : act, &before);
    if (result != 0) {
        if (wrapped) remember(sig, was, was_informed);
        return result;
    }
    if (old) {
        if (is_ours((void *)before.sa_handler)) before.sa_handler = (handler *)was;
        *old = before;
    }
    return 0;
}

int __sigaction(int sig, const struct sigaction *act, struct sigaction *old) { return sigaction(sig, act, old); }

/* The relatives take and return a handler; what they do besides is left to them. */
#define SIGNAL_LIKE(name) \
    handler *name(int sig, handler *function) { \
        FIND(name); \
        if (!is_signal(sig)) return real_##name(sig, function); \
        void *was = table[sig].function; \
        int was_informed = table[sig].informed; \
        int wrapped = is_function((void *)function); \
        if (wrapped) remember(sig, (void *)function, 0); \
        handler *before = real_##name(sig, wrapped ? run_plain : function); \
        if (before == SIG_ERR && wrapped) remember(sig, was, was_informed); \
        return is_ours((void *)before) ? (handler *)was : before; \
    }

SIGNAL_LIKE(signal)
SIGNAL_LIKE(bsd_signal)
SIGNAL_LIKE(ssignal)
SIGNAL_LIKE(sysv_signal)
SIGNAL_LIKE(__sysv_signal)
SIGNAL_LIKE(sigset)

/* A jump out of a handler leaves all handlers; one to a place inside a handler would be unusual. */
#define JUMP(name) \
    __attribute__((noreturn)) void name(struct __jmp_buf_tag env[1], int value) { \
        FIND(name); \
        depth = 0; \
        inside = 0; \
        real_##name(env, value); \
        __builtin_unreachable(); \
    }

JUMP(siglongjmp)
JUMP(longjmp)
JUMP(_longjmp)
JUMP(__longjmp_chk)

/* ---- unsafe functions ------------------------------------------------------------------- */

#undef putc
#undef getc
#undef putchar
#undef getchar
#undef fgetc
#undef fputc

#define CALL(ret, id, real, ...) \
    { \
        FIND(real); \
        int began = begin(ID_##id); \
        ret result = real_##real(__VA_ARGS__); \
        end(began); \
        return result; \
    }
#define CALL_NOTHING(id, real, ...) \
    { \
        FIND(real); \
        int began = begin(ID_##id); \
        real_##real(__VA_ARGS__); \
        end(began); \
    }
#define CALL_LIST(id, real, last, ...) \
    { \
        FIND(real); \
        int began = begin(ID_##id); \
        va_list list; \
        va_start(list, last); \
        int result = real_##real(__VA_ARGS__, list); \
        va_end(list); \
        end(began); \
        return result; \
    }

int printf(const char *f, ...) CALL_LIST(printf, vprintf, f, f)
int fprintf(FILE *s, const char *f, ...) CALL_LIST(fprintf, vfprintf, f, s, f)
int dprintf(int d, const char *f, ...) CALL_LIST(dprintf, vdprintf, f, d, f)
int sprintf(char *b, const char *f, ...) CALL_LIST(sprintf, vsprintf, f, b, f)
int snprintf(char *b, size_t n, const char *f, ...) CALL_LIST(snprintf, vsnprintf, f, b, n, f)
int vprintf(const char *f, va_list l) CALL(int, vprintf, vprintf, f, l)
int vfprintf(FILE *s, const char *f, va_list l) CALL(int, vfprintf, vfprintf, s, f, l)
int vdprintf(int d, const char *f, va_list l) CALL(int, vdprintf, vdprintf, d, f, l)
int vsprintf(char *b, const char *f, va_list l) CALL(int, vsprintf, vsprintf, b, f, l)
int vsnprintf(char *b, size_t n, const char *f, va_list l) CALL(int, vsnprintf, vsnprintf, b, n, f, l)

int __printf_chk(int c, const char *f, ...) CALL_LIST(printf, __vprintf_chk, f, c, f)
int __fprintf_chk(FILE *s, int c, const char *f, ...) CALL_LIST(fprintf, __vfprintf_chk, f, s, c, f)
int __dprintf_chk(int d, int c, const char *f, ...) CALL_LIST(dprintf, __vdprintf_chk, f, d, c, f)
int __sprintf_chk(char *b, int c, size_t m, const char *f, ...) CALL_LIST(sprintf, __vsprintf_chk, f, b, c, m, f)
int __snprintf_chk(char *b, size_t n, int c, size_t m, const char *f, ...)
    CALL_LIST(snprintf, __vsnprintf_chk, f, b, n, c, m, f)
int __vprintf_chk(int c, const char *f, va_list l) CALL(int, vprintf, __vprintf_chk, c, f, l)
int __vfprintf_chk(FILE *s, int c, const char *f, va_list l) CALL(int, vfprintf, __vfprintf_chk, s, c, f, l)
int __vdprintf_chk(int d, int c, const char *f, va_list l) CALL(int, vdprintf, __vdprintf_chk, d, c, f, l)
int __vsprintf_chk(char *b, int c, size_t m, const char *f, va_list l)
    CALL(int, vsprintf, __vsprintf_chk, b, c, m, f, l)
int __vsnprintf_chk(char *b, size_t n, int c, size_t m, const char *f, va_list l)
    CALL(int, vsnprintf, __vsnprintf_chk, b, n, c, m, f, l)

int puts(const char *s) CALL(int, puts, puts, s)
int putchar(int c) CALL(int, putchar, putchar, c)
int putc(int c, FILE *s) CALL(int, putc, putc, c, s)
int _IO_putc(int c, FILE *s) CALL(int, putc, putc, c, s)
int fputc(int c, FILE *s) CALL(int, fputc, fputc, c, s)
int fputs(const char *t, FILE *s) CALL(int, fputs, fputs, t, s)
size_t fwrite(const void *p, size_t n, size_t m, FILE *s) CALL(size_t, fwrite, fwrite, p, n, m, s)
size_t fread(void *p, size_t n, size_t m, FILE *s) CALL(size_t, fread, fread, p, n, m, s)
int fflush(FILE *s) CALL(int, fflush, fflush, s)
FILE *fopen(const char *p, const char *m) CALL(FILE *, fopen, fopen, p, m)
FILE *fopen64(const char *p, const char *m) CALL(FILE *, fopen, fopen, p, m)
FILE *fdopen(int d, const char *m) CALL(FILE *, fdopen, fdopen, d, m)
int fclose(FILE *s) CALL(int, fclose, fclose, s)
char *fgets(char *b, int n, FILE *s) CALL(char *, fgets, fgets, b, n, s)
int fgetc(FILE *s) CALL(int, fgetc, fgetc, s)
int getc(FILE *s) CALL(int, getc, getc, s)
int _IO_getc(FILE *s) CALL(int, getc, getc, s)
int getchar(void) CALL(int, getchar, getchar)
int ungetc(int c, FILE *s) CALL(int, ungetc, ungetc, c, s)
int setvbuf(FILE *s, char *b, int m, size_t n) CALL(int, setvbuf, setvbuf, s, b, m, n)
void perror(const char *s) CALL_NOTHING(perror, perror, s)

void syslog(int p, const char *f, ...) {
    FIND(vsyslog);
    int began = begin(ID_syslog);
    va_list list;
    va_start(list, f);
    real_vsyslog(p, f, list);
    va_end(list);
    end(began);
}
void __syslog_chk(int p, int c, const char *f, ...) {
    FIND(__vsyslog_chk);
    int began = begin(ID_syslog);
    va_list list;
    va_start(list, f);
    real___vsyslog_chk(p, c, f, list);
    va_end(list);
    end(began);
}
void vsyslog(int p, const char *f, va_list l) CALL_NOTHING(vsyslog, vsyslog, p, f, l)
void __vsyslog_chk(int p, int c, const char *f, va_list l) CALL_NOTHING(vsyslog, __vsyslog_chk, p, c, f, l)

char *strtok(char *s, const char *d) CALL(char *, strtok, strtok, s, d)
struct tm *localtime(const time_t *t) CALL(struct tm *, localtime, localtime, t)
struct tm *gmtime(const time_t *t) CALL(struct tm *, gmtime, gmtime, t)
char *ctime(const time_t *t) CALL(char *, ctime, ctime, t)
char *asctime(const struct tm *t) CALL(char *, asctime, asctime, t)
int system(const char *c) CALL(int, system, system, c)
FILE *popen(const char *c, const char *m) CALL(FILE *, popen, popen, c, m)
int pclose(FILE *s) CALL(int, pclose, pclose, s)
int pthread_mutex_lock(pthread_mutex_t *m) CALL(int, pthread_mutex_lock, pthread_mutex_lock, m)
int pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *x)
    CALL(int, pthread_create, pthread_create, t, a, f, x)

void exit(int status) {
    FIND(exit);
    begin(ID_exit);
    real_exit(status);
    __builtin_unreachable();
}

void quick_exit(int status) {
    FIND(quick_exit);
    begin(ID_quick_exit);
    real_quick_exit(status);
    __builtin_unreachable();
}

/* ---- memory ----------------------------------------------------------------------------- */

/* dlsym itself may allocate before we know the real functions; that little memory is never given
   back. Only one thread exists so early. */
static _Alignas(max_align_t) char early[1 << 14];
static size_t early_used;
static int finding;

static void *allocate_early(size_t size) {
    size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (size > sizeof early - early_used) return NULL;
    void *memory = early + early_used;
    early_used += size;
    return memory;
}

static int is_early(const void *p) {
    uintptr_t at = (uintptr_t)p, start = (uintptr_t)early;
    return at >= start && at < start + sizeof early;
}

/* Whether the real function is known; while it is being looked up it is not. */
#define KNOWN(name) (real_##name || find_##name())
#define FINDER(name) \
    static int find_##name(void) { \
        if (finding) return 0; \
        finding = 1; \
        FIND(name); \
        finding = 0; \
        return real_##name != NULL; \
    }
FINDER(malloc)
FINDER(calloc)
FINDER(realloc)
FINDER(free)

void *malloc(size_t size) {
    if (!KNOWN(malloc)) return allocate_early(size);
    CALL(void *, malloc, malloc, size)
}

void *calloc(size_t count, size_t size) {
    /* The early memory is zero, and no request that early overflows. */
    if (!KNOWN(calloc)) return allocate_early(count * size);
    CALL(void *, calloc, calloc, count, size)
}

void *realloc(void *memory, size_t size) {
    if (is_early(memory)) {
        size_t left = (size_t)(early + sizeof early - (char *)memory);
        void *moved = malloc(size);
        if (moved) memcpy(moved, memory, size < left ? size : left);
        return moved;
    }
    if (!KNOWN(realloc)) return memory ? NULL : allocate_early(size);
    CALL(void *, realloc, realloc, memory, size)
}

void free(void *memory) {
    if (!memory || is_early(memory) || !KNOWN(free)) return;
    CALL_NOTHING(free, free, memory)
}
