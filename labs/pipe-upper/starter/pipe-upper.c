/* pipe-upper [FILE]: copies FILE or standard input through a pipe to a child that upper-cases it. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc > 2) {
        fprintf(stderr, "usage: pipe-upper [FILE]\n");
        return 2;
    }
    const char *file = argc == 2 ? argv[1] : "standard input";

    /* TODO
     * 1. pipe, fork. Each process closes the end that it does not use.
     * 2. Parent: copy the input into the pipe; a write may take less than all of it. Then close.
     * 3. Child: read until 0, turn a-z into A-Z, write.
     * 4. Parent: wait for the child and return its status (128 + N, if signal N killed it).
     */
    fprintf(stderr, "pipe-upper: %s: not written yet\n", file);
    return EXIT_FAILURE;
}
