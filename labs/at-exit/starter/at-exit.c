/* at-exit MODE FILE: the ways in which a process ends. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: at-exit MODE FILE\n");
        return 2;
    }
    const char *mode = argv[1];
    const char *file = argv[2];

    /* TODO
     * 1. Create file. Register A, B and C with atexit, in this order; each writes its letter, A also
     *    removes file.
     * 2. printf("body"), without a newline and without fflush.
     * 3. End as mode says: return, helper, exit, _exit, abort, wait, nested, fork.
     */
    fprintf(stderr, "at-exit: %s %s: not written yet\n", mode, file);
    return EXIT_FAILURE;
}
