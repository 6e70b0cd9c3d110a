/* Task 31, the server: prints in upper case what its clients send, all at once. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "./socket";

    /* TODO
     * 1. socket, bind to path, listen.
     * 2. Wait for new clients and for all that are there in one poll or select.
     *    Print with toupper what comes; read() = 0 is the end of that client only.
     * 3. Remove path.
     */
    fprintf(stderr, "server: %s: not written yet\n", path);
    return EXIT_FAILURE;
}
