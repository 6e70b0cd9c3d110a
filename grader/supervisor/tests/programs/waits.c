/* One way to wait per name; every case ends asleep (or, where said, running) and stays so. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <time.h>
#include <unistd.h>

static char c;
static pthread_mutex_t A = PTHREAD_MUTEX_INITIALIZER, B = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t both;
static sem_t sem;

static void nothing(int s) { (void)s; }

/* Waits for ever, holding on to everything. */
static void stay(void) { for (;;) pause(); }

/* The reader keeps its own write end: it never sees the end of the file. */
static void pipe_self(void) {
    int p[2];
    pipe(p);
    if (fork() == 0) { close(p[0]); close(p[1]); _exit(0); }
    while (read(p[0], &c, 1) > 0) ;
}

static void pipe_cycle(void) {
    int a[2], b[2];
    pipe(a); pipe(b);
    if (fork() == 0) { close(a[1]); close(b[0]); read(a[0], &c, 1); _exit(0); }
    close(a[0]); close(b[1]);
    read(b[0], &c, 1);
}

/* The writer fills a pipe that its child could read, were it not waiting for its own input. */
static void pipe_full(void) {
    int a[2];
    pipe(a);
    if (fork() == 0) { close(a[1]); stay(); }
    close(a[0]);
    for (;;) write(a[1], &c, 1);
}

static void socket_cycle(void) {
    int s[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    if (fork() == 0) { close(s[0]); read(s[1], &c, 1); _exit(0); }
    close(s[1]);
    read(s[0], &c, 1);
}

static struct sockaddr_un named(const char *path) {
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    strcpy(a.sun_path, path);
    return a;
}

static int listening(const char *path, int backlog) {
    int l = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un a = named(path);
    bind(l, (void *)&a, sizeof a);
    listen(l, backlog);
    return l;
}

static void accept_one(void) { accept(listening("./sock", 5), 0, 0); }

/* Connected, the server has not called accept: its end does not exist yet. */
static void not_accepted(void) {
    int ready[2];
    pipe(ready);
    if (fork() == 0) {
        close(ready[0]);
        listening("./sock", 5);
        close(ready[1]);
        stay();
    }
    close(ready[1]);
    read(ready[0], &c, 1);
    close(ready[0]);
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un a = named("./sock");
    connect(s, (void *)&a, sizeof a);
    read(s, &c, 1);
}

/* The queue of the listener is full. */
static void connect_full(void) {
    listening("./sock", 0);
    struct sockaddr_un a = named("./sock");
    for (;;) connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&a, sizeof a);
}

static void *abba_thread(void *x) {
    pthread_mutex_lock(&B);
    pthread_barrier_wait(&both);
    pthread_mutex_lock(&A);
    return x;
}

static void abba(void) {
    pthread_t t;
    pthread_barrier_init(&both, 0, 2);
    pthread_mutex_lock(&A);
    pthread_create(&t, 0, abba_thread, 0);
    pthread_barrier_wait(&both);
    pthread_mutex_lock(&B);
}

static void *lock_and_leave(void *x) { pthread_mutex_lock(&A); return x; }

static void owner_ended(void) {
    pthread_t t;
    pthread_create(&t, 0, lock_and_leave, 0);
    pthread_join(t, 0);
    pthread_mutex_lock(&A);
}

static void *lock_and_stay(void *x) {
    pthread_mutex_lock(&A);
    pthread_barrier_wait(&both);
    sem_wait(&sem);
    return x;
}

/* Crossed, the kernel would refuse the second lock (EDEADLK). */
static void pi_mutex(void) {
    pthread_t t;
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&A, &attr);
    pthread_barrier_init(&both, 0, 2);
    pthread_create(&t, 0, lock_and_stay, 0);
    pthread_barrier_wait(&both);
    pthread_mutex_lock(&A);
}

static void lost_wakeup(void) {
    pthread_mutex_lock(&A);
    pthread_cond_signal(&cond);
    pthread_cond_wait(&cond, &A);
}

static void *wait_sem(void *x) { sem_wait(&sem); return x; }

static void join(void) {
    pthread_t t;
    pthread_create(&t, 0, wait_sem, 0);
    pthread_join(t, 0);
}

/* As pthread_join of glibc 2.43 does it: on a number in the thread's structure, 0x628 behind its begin there. */
static void join_by_state(void) {
    pthread_t t;
    pthread_create(&t, 0, wait_sem, 0);
    int *state = (int *)((char *)t + 0x628);
    syscall(SYS_futex, state, FUTEX_WAIT, *state, 0);
}

static void *read_line(void *x) { char line[8]; fgets(line, sizeof line, stdin); return x; }

/* As exit of glibc 2.39 does it for each stream. */
static void stream_in_use(void) {
    pthread_t t;
    pthread_create(&t, 0, read_line, 0);
    while (ftrylockfile(stdin) == 0) { funlockfile(stdin); sched_yield(); }
    flockfile(stdin);
}

/* main is gone, a thread reads: the leader shows as a zombie. */
static void *read_stdin(void *x) { read(0, &c, 1); return x; }
static void main_left(void) {
    pthread_t t;
    pthread_create(&t, 0, read_stdin, 0);
    pthread_exit(0);
}

static void fifo_open(void) { mkfifo("./fifo", 0600); open("./fifo", O_RDONLY); }
static void fifo_self(void) { mkfifo("./fifo", 0600); read(open("./fifo", O_RDWR), &c, 1); }

static void wait_child(void) {
    pid_t child = fork();
    if (child == 0) stay();
    waitpid(child, 0, 0);
}

static void wait_any(void) {
    for (int i = 0; i < 2; i++) if (fork() == 0) stay();
    wait(0);
}

static void zombie(void) { if (fork() == 0) _exit(0); stay(); }

static void poll_several(void) {
    int p[2];
    pipe(p);
    if (fork() == 0) { close(p[0]); stay(); }
    close(p[1]);
    struct pollfd fds[] = {{0, POLLIN, 0}, {p[0], POLLIN, 0}, {-1, POLLIN, 0}, {listening("./sock", 5), POLLIN, 0}};
    poll(fds, 4, -1);
}

static void select_two(void) {
    int p[2];
    pipe(p);
    fd_set set;
    FD_ZERO(&set);
    FD_SET(0, &set);
    FD_SET(p[0], &set);
    select(p[0] + 1, &set, 0, 0, 0);
}

static void epoll_one(int timeout) {
    int e = epoll_create1(0);
    struct epoll_event v = {.events = EPOLLIN};
    epoll_ctl(e, EPOLL_CTL_ADD, 0, &v);
    epoll_wait(e, &v, 1, timeout);
}
static void epoll_forever(void) { epoll_one(-1); }
static void epoll_timed(void) { epoll_one(700000); }

static void poll_timed(void) { poll(0, 0, 700000); }
static void select_timed(void) { select(0, 0, 0, 0, &(struct timeval){700, 0}); }
static void sleep_long(void) { sleep(1000); }
static void sleep_until(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += 1000;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, 0);
}
static void sem_timed(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += 1000;
    sem_timedwait(&sem, &t);
}
static void sigwait_timed(void) {
    sigset_t s;
    sigemptyset(&s);
    sigaddset(&s, SIGUSR1);
    sigtimedwait(&s, 0, &(struct timespec){1000, 0});
}
static void sigwait_child(void) {
    sigset_t s;
    int n;
    sigemptyset(&s);
    sigaddset(&s, SIGCHLD);
    sigprocmask(SIG_BLOCK, &s, 0);
    if (fork() == 0) stay();
    sigwait(&s, &n);
}
static void mq_timed(void) {
    char name[32], buffer[64];
    snprintf(name, sizeof name, "/waits-%d", (int)getpid());
    struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 8};
    mqd_t q = mq_open(name, O_RDWR | O_CREAT, 0600, &attr);
    mq_unlink(name);
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += 1000;
    mq_timedreceive(q, buffer, sizeof buffer, 0, &t);
}
static void semop_timed(void) {
    int q = semget(IPC_PRIVATE, 1, 0600);
    struct sembuf o = {0, -1, 0};
    semtimedop(q, &o, 1, &(struct timespec){1000, 0});
}

static void rcvtimeo(void) {
    int s[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    struct timeval t = {1000, 0};
    setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    read(s[0], &c, 1);
}

static void inet(void) {
    int l = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bind(l, (void *)&a, sizeof a);
    listen(l, 5);
    accept(l, 0, 0);
}
static void poll_inet(void) {
    struct pollfd p = {socket(AF_INET, SOCK_DGRAM, 0), POLLIN, 0};
    poll(&p, 1, -1);
}

static void timer_fd(int seconds) {
    int f = timerfd_create(CLOCK_MONOTONIC, 0);
    struct itimerspec i = {{0, 0}, {seconds, 0}};
    timerfd_settime(f, 0, &i, 0);
    struct pollfd p = {f, POLLIN, 0};
    poll(&p, 1, -1);
}
static void timerfd_armed(void) { timer_fd(1000); }
static void timerfd_unarmed(void) { timer_fd(0); }
static void timer_posix(void) {
    timer_t t;
    struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    timer_create(CLOCK_MONOTONIC, &e, &t);
    struct itimerspec i = {{0, 0}, {1000, 0}};
    timer_settime(t, 0, &i, 0);
    pause();
}
static void alarmed(void) { alarm(1000); pause(); }

static void stopped(void) { raise(SIGSTOP); }
static void vforked(void) { if (vfork() == 0) { pause(); _exit(0); } }
static void event_fd(void) { unsigned long v; read(eventfd(0, 0), &v, sizeof v); }
static void flocked(void) {
    int ready[2];
    pipe(ready);
    if (fork() == 0) { flock(open("./lock", O_CREAT | O_RDWR, 0600), LOCK_EX); close(ready[0]); close(ready[1]); stay(); }
    close(ready[1]);
    read(ready[0], &c, 1);
    close(ready[0]);
    flock(open("./lock", O_RDWR), LOCK_EX);
}
static void fcntl_locked(void) {
    int ready[2];
    struct flock l = {.l_type = F_WRLCK};
    pipe(ready);
    if (fork() == 0) { fcntl(open("./lock", O_CREAT | O_RDWR, 0600), F_SETLKW, &l); close(ready[0]); close(ready[1]); stay(); }
    close(ready[1]);
    read(ready[0], &c, 1);
    close(ready[0]);
    fcntl(open("./lock", O_RDWR), F_SETLKW, &l);
}
static void read_stdin_once(void) { read(0, &c, 1); }
static void message_queue(void) {
    struct { long type; char text[8]; } m;
    int q = msgget(IPC_PRIVATE, 0600);
    if (fork() == 0) stay();
    msgrcv(q, &m, sizeof m.text, 0, 0);
}
static void spin(void) { for (;;) ; }

/* Root writes to child 1 through a pipe, child 1 to child 2 through another. `spare` says who
   forgets to close what. */
static void tree(int child_keeps, int root_keeps) {
    int a[2], b[2];
    pipe(a); pipe(b);
    if (fork() == 0) {
        if (!child_keeps) close(a[1]);
        close(b[0]);
        read(a[0], &c, 1);
        _exit(0);
    }
    if (fork() == 0) {
        close(a[0]); close(a[1]); close(b[1]);
        read(b[0], &c, 1);
        _exit(0);
    }
    if (!root_keeps) close(a[0]);
    close(b[0]); close(b[1]);
    stay();
}
static void tree_clean(void) { tree(0, 0); }
static void tree_child_keeps(void) { tree(1, 0); }
static void tree_root_keeps(void) { tree(0, 1); }
static void tree_both_keep(void) { tree(1, 1); }
static void tree_alone(void) { int a[2]; pipe(a); stay(); }

static void signals(void) {
    sigset_t s;
    struct sigaction act = {.sa_handler = nothing};
    /* nohup(1) and a shell's & hand on what they ignore. */
    for (int n = 1; n <= SIGRTMAX; n++) signal(n, SIG_DFL);
    sigaction(SIGINT, &act, 0);
    sigaction(SIGQUIT, &act, 0);
    sigaction(SIGRTMIN, &act, 0);
    sigaction(SIGRTMIN + 2, &act, 0);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&s);
    sigaddset(&s, SIGTERM);
    sigprocmask(SIG_SETMASK, &s, 0);
    pause();
}

static const struct { const char *name; void (*run)(void); } cases[] = {
#define CASE(f) {#f, f}
    CASE(pipe_self), CASE(pipe_cycle), CASE(pipe_full), CASE(socket_cycle), CASE(accept_one), CASE(not_accepted),
    CASE(connect_full), CASE(abba), CASE(owner_ended), CASE(pi_mutex), CASE(lost_wakeup), CASE(join),
    CASE(join_by_state), CASE(stream_in_use),
    CASE(main_left), CASE(fifo_open), CASE(fifo_self), CASE(wait_child), CASE(wait_any), CASE(zombie),
    CASE(poll_several), CASE(select_two), CASE(epoll_forever), CASE(epoll_timed), CASE(poll_timed),
    CASE(select_timed), CASE(sleep_long), CASE(sleep_until), CASE(sem_timed), CASE(sigwait_timed),
    CASE(sigwait_child), CASE(mq_timed), CASE(semop_timed), CASE(rcvtimeo), CASE(inet), CASE(poll_inet),
    CASE(timerfd_armed), CASE(timerfd_unarmed), CASE(timer_posix), CASE(alarmed), CASE(stopped), CASE(vforked),
    CASE(event_fd), CASE(flocked), CASE(fcntl_locked), CASE(read_stdin_once), CASE(message_queue), CASE(spin),
    CASE(tree_clean), CASE(tree_child_keeps), CASE(tree_root_keeps), CASE(tree_both_keep), CASE(tree_alone),
    CASE(signals),
};

int main(int argc, char **argv) {
    /* Whatever the test's own environment left open is not part of the case. */
    for (int fd = 3; fd < 1024; fd++) close(fd);
    for (size_t i = 0; argc > 1 && i < sizeof cases / sizeof *cases; i++)
        if (strcmp(cases[i].name, argv[1]) == 0) { cases[i].run(); return 0; }
    return 2;
}
