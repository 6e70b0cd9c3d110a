/* Task 30, the server: prints in upper case what a client sends. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "./socket";

    /* TODO
     * 1. socket, bind to path, listen.
     * 2. accept one client; print with toupper what comes, until read() = 0.
     * 3. Remove path.
     */
    fprintf(stderr, "server: %s: not written yet\n", path);
    return EXIT_FAILURE;
}
