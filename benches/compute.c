/* compute N: N rounds of arithmetic without a single system call; prints ns per round. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
    long rounds = argc == 2 ? atol(argv[1]) : 200000000;
    uint64_t x = 88172645463325252u;
    struct timespec start, end;

    clock_gettime(CLOCK_MONOTONIC, &start);
    for (long i = 0; i < rounds; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    double ns = (end.tv_sec - start.tv_sec) * 1e9 + (end.tv_nsec - start.tv_nsec);
    /* The value is printed so that the loop cannot be left out. */
    printf("compute: %ld rounds, %.3f ns each, %.1f ms (%016llx)\n", rounds, ns / rounds, ns / 1e6,
           (unsigned long long)x);
    return 0;
}
