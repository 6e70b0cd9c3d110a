/*
 * The floor: what it costs to fork, exec and drive the programs of us-upper once for each
 * requirement, with no isolation, no tracing, no sleeps and no waiting but for what the programs
 * do. Whatever grades them cannot be faster; `grader check us-upper` is measured against it.
 *
 *   floor SERVER CLIENT [ROUNDS]
 *
 * A server is ready when it has printed its first line. Every reply is compared, so a program
 * that is wrong ends the measurement. Prints medians over the rounds.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Sizes of the lab's own scenarios. */
enum { SLOW = 49152, LARGE = 49152, MOST = LARGE };

struct process {
    pid_t pid;
    int in, out; /* our ends of its standard input and output */
};

static int nothing; /* /dev/null, for messages */
static const char *server_path, *client_path;
static char directory[] = "/tmp/floor-XXXXXX";
static char path[sizeof directory + 8];
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static char request[MOST], expected[MOST], reply[MOST];

static void check(bool good, const char *what)
{
    if (!good)
        errx(1, "wrong: %s", what);
}

/* ---- programs */

static struct process start(const char *program)
{
    int in[2], out[2];
    struct process process;

    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
        err(1, "pipe2");
    process.pid = fork();
    if (process.pid < 0)
        err(1, "fork");
    if (process.pid == 0) {
        signal(SIGPIPE, SIG_DFL);
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        dup2(nothing, STDERR_FILENO);
        execl(program, program, path, (char *)NULL);
        err(127, "%s", program);
    }
    close(in[0]);
    close(out[1]);
    process.in = in[1];
    process.out = out[0];
    return process;
}

static void close_input(struct process *process)
{
    close(process->in);
    process->in = -1;
}

/* The exit status, or 128 + signal. */
static int finish(struct process *process)
{
    int status;

    if (process->in >= 0)
        close(process->in);
    close(process->out);
    if (waitpid(process->pid, &status, 0) < 0)
        err(1, "waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static struct process start_server(void)
{
    struct process server = start(server_path);
    char c;

    do
        check(read(server.out, &c, 1) == 1, "the server's first line");
    while (c != '\n');
    return server;
}

static void stop_server(struct process *server, int sig)
{
    kill(server->pid, sig);
    check(finish(server) == 0, "the server's exit status");
    check(access(path, F_OK) < 0 && errno == ENOENT, "the socket file is gone");
}

/* ---- peers */

static int connect_peer(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        err(1, "connect");
    return fd;
}

static int listen_peer(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1) < 0)
        err(1, "listen");
    return fd;
}

static int accept_peer(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        err(1, "accept");
    return fd;
}

static void put(int fd, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, data, length);
        if (n < 0)
            err(1, "write");
        data += n;
        length -= n;
    }
}

static void expect(int fd, const char *data, size_t length)
{
    size_t got = 0;
    while (got < length) {
        ssize_t n = read(fd, reply + got, length - got);
        check(n > 0, "the reply is long enough");
        got += n;
    }
    check(memcmp(reply, data, length) == 0, "the reply");
}

static void expect_end(int fd)
{
    char c;
    check(read(fd, &c, 1) == 0, "nothing comes after the reply");
}

/* Sends and receives at the same time, and says when all is sent: closes a pipe, half-closes a socket. */
static void exchange(int to, int from, size_t length)
{
    size_t sent = 0, got = 0;

    fcntl(to, F_SETFL, O_NONBLOCK);
    while (got < length) {
        struct pollfd fds[2] = {
            { .fd = from, .events = POLLIN },
            { .fd = sent < length ? to : -1, .events = POLLOUT },
        };
        if (poll(fds, 2, -1) < 0)
            err(1, "poll");
        if (fds[1].revents) {
            ssize_t n = write(to, request + sent, length - sent);
            check(n >= 0 || errno == EAGAIN, "the request is taken");
            if (n > 0)
                sent += n;
            if (sent == length && to == from)
                shutdown(to, SHUT_WR);
            else if (sent == length)
                close(to);
        }
        if (fds[0].revents) {
            ssize_t n = read(from, reply + got, length - got);
            check(n > 0, "the reply is long enough");
            got += n;
        }
    }
    check(memcmp(reply, expected, length) == 0, "the reply");
}

/* Sends without reading until nothing more is taken just now. */
static void stuff(int fd, size_t length)
{
    size_t sent = 0;

    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (sent < length) {
        ssize_t n = write(fd, request + sent, length - sent);
        if (n < 0 && errno == EAGAIN)
            break;
        check(n > 0, "the request is taken");
        sent += n;
    }
}

static void session(const char *text)
{
    int fd = connect_peer();
    size_t length = strlen(text);
    char upper[64];

    for (size_t i = 0; i <= length; i++)
        upper[i] = text[i] >= 'a' && text[i] <= 'z' ? text[i] - 32 : text[i];
    put(fd, text, length);
    shutdown(fd, SHUT_WR);
    expect(fd, upper, length);
    expect_end(fd);
    close(fd);
}

/* ---- one function for each requirement */

static void s_address(void)
{
    struct process server = start_server();
    close(connect_peer());
    stop_server(&server, SIGTERM);
}

static void s_upper(void)
{
    struct process server = start_server();
    char bytes[256], upper[256];
    int fd = connect_peer();

    for (int i = 0; i < 256; i++) {
        bytes[i] = i;
        upper[i] = i >= 'a' && i <= 'z' ? i - 32 : i;
    }
    put(fd, bytes, sizeof bytes);
    shutdown(fd, SHUT_WR);
    expect(fd, upper, sizeof upper);
    expect_end(fd);
    close(fd);
    stop_server(&server, SIGTERM);
}

static void s_duplex(void)
{
    struct process server = start_server();
    int fd = connect_peer();

    put(fd, "ab", 2);
    expect(fd, "AB", 2);
    close(fd);
    stop_server(&server, SIGINT);
}

static void s_next(void)
{
    struct process server = start_server();
    for (int i = 0; i < 4; i++)
        session("hello\n");
    stop_server(&server, SIGTERM);
}

static void s_fragments(void)
{
    static const size_t pieces[] = { 1, 1, 7, 2, 15, 1, 30, 3, 9, 31 };
    struct process server = start_server();
    int fd = connect_peer();
    size_t sent = 0;

    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        put(fd, request + sent, pieces[i]);
        expect(fd, expected + sent, pieces[i]);
        sent += pieces[i];
    }
    shutdown(fd, SHUT_WR);
    expect_end(fd);
    close(fd);
    stop_server(&server, SIGTERM);
}

static void s_slow(void)
{
    struct process server = start_server();
    int fd = connect_peer();

    exchange(fd, fd, SLOW);
    check(fcntl(fd, F_SETFL, 0) == 0, "fcntl");
    expect_end(fd);
    close(fd);
    stop_server(&server, SIGTERM);
}

static void s_rude(void)
{
    struct process server = start_server();
    int fd;

    close(connect_peer());
    fd = connect_peer();
    stuff(fd, SLOW);
    close(fd);
    session("still here?\n");
    stop_server(&server, SIGTERM);
}

static void s_bye(void)
{
    struct process server = start_server();
    int fd = connect_peer();

    put(fd, "a", 1);
    expect(fd, "A", 1);
    stop_server(&server, SIGTERM);
    expect_end(fd);
    close(fd);
}

static void c_talk(void)
{
    int listener = listen_peer();
    struct process client = start(client_path);
    int fd = accept_peer(listener);

    put(client.in, "hello\n", 6);
    close_input(&client);
    expect(fd, "hello\n", 6);
    expect_end(fd);
    put(fd, "HELLO\n", 6);
    close(fd);
    expect(client.out, "HELLO\n", 6);
    check(finish(&client) == 0, "the client's exit status");
    close(listener);
    unlink(path);
}

static void c_large(void)
{
    struct process server = start_server();
    struct process client = start(client_path);

    exchange(client.in, client.out, LARGE);
    client.in = -1;
    expect_end(client.out);
    check(finish(&client) == 0, "the client's exit status");
    stop_server(&server, SIGTERM);
}

static void c_errors(void)
{
    struct process client = start(client_path);

    close_input(&client);
    expect_end(client.out);
    check(finish(&client) == 1, "the client's exit status");
}

static void c_cut(void)
{
    int listener = listen_peer();
    struct process client = start(client_path);
    int fd = accept_peer(listener);

    stuff(client.in, SLOW);
    put(fd, "that was it", 11);
    close(fd);
    expect(client.out, "that was it", 11);
    check(finish(&client) == 1, "the client's exit status");
    close(listener);
    unlink(path);
}

static const struct {
    const char *name;
    void (*run)(void);
} requirements[] = {
    { "s-address", s_address }, { "s-upper", s_upper }, { "s-duplex", s_duplex }, { "s-next", s_next },
    { "s-fragments", s_fragments }, { "s-slow", s_slow }, { "s-rude", s_rude }, { "s-bye", s_bye },
    { "c-talk", c_talk }, { "c-large", c_large }, { "c-errors", c_errors }, { "c-cut", c_cut },
};
enum { REQUIREMENTS = sizeof requirements / sizeof *requirements, MOST_ROUNDS = 1000 };

/* ---- measuring */

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count)
{
    qsort(values, count, sizeof *values, ascending);
    return values[count / 2];
}

int main(int argc, char **argv)
{
    static double took[REQUIREMENTS][MOST_ROUNDS], total[MOST_ROUNDS];
    int rounds = argc == 4 ? atoi(argv[3]) : 20;

    if (argc < 3 || argc > 4 || rounds < 1 || rounds > MOST_ROUNDS)
        errx(2, "usage: floor SERVER CLIENT [ROUNDS]");
    server_path = argv[1];
    client_path = argv[2];
    nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nothing < 0)
        err(1, "/dev/null");
    if (!mkdtemp(directory))
        err(1, "%s", directory);
    snprintf(path, sizeof path, "%s/socket", directory);
    memcpy(address.sun_path, path, sizeof path);
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < MOST; i++) {
        request[i] = "abcdefghijklmnopqrstuvwxyz 0123456789\n"[i % 38];
        expected[i] = request[i] >= 'a' && request[i] <= 'z' ? request[i] - 32 : request[i];
    }

    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < REQUIREMENTS; i++) {
            double start = now_us();
            requirements[i].run();
            took[i][round] = now_us() - start;
            total[round] += took[i][round];
        }
    rmdir(directory);

    double sum = 0;
    for (int i = 0; i < REQUIREMENTS; i++) {
        double typical = median(took[i], rounds);
        printf("%-12s %8.0f us\n", requirements[i].name, typical);
        sum += typical;
    }
    printf("%-12s %8.0f us, %.0f us per requirement (sum of the medians of %d rounds)\n", "total", sum,
           sum / REQUIREMENTS, rounds);
    printf("%-12s %8.0f us (median of whole rounds)\n", "round", median(total, rounds));
    return 0;
}
