/* echo N: N round trips of one byte between two processes over a socket pair; prints ns per trip. */
#define _GNU_SOURCE
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    long trips = argc == 2 ? atol(argv[1]) : 100000;
    struct timespec start, end;
    int pair[2];
    char byte = 'x';

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        err(1, "socketpair");
    pid_t child = fork();
    if (child < 0)
        err(1, "fork");
    if (child == 0) {
        close(pair[0]);
        while (read(pair[1], &byte, 1) == 1)
            if (write(pair[1], &byte, 1) != 1)
                err(1, "child");
        return 0;
    }
    close(pair[1]);
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (long i = 0; i < trips; i++)
        if (write(pair[0], &byte, 1) != 1 || read(pair[0], &byte, 1) != 1)
            err(1, "parent");
    clock_gettime(CLOCK_MONOTONIC, &end);
    close(pair[0]);

    int status;
    if (waitpid(child, &status, 0) < 0 || status != 0)
        errx(1, "the child failed");
    double ns = (end.tv_sec - start.tv_sec) * 1e9 + (end.tv_nsec - start.tv_nsec);
    printf("echo: %ld round trips, %.0f ns each, %.1f ms\n", trips, ns / trips, ns / 1e6);
    return 0;
}
