/* Task 30, the client: sends a text to the server. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "./socket";

    /* TODO
     * 1. socket, connect to path.
     * 2. Send standard input, or a text of small and capital letters.
     * 3. close.
     */
    fprintf(stderr, "client: %s: not written yet\n", path);
    return EXIT_FAILURE;
}
