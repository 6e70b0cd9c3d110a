/* us-server PATH: answers every byte in upper case, one client after another. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: us-server PATH\n");
        return 2;
    }
    const char *path = argv[1];

    /* TODO
     * 1. SIGTERM and SIGINT: remove the socket file, end with status 0.
     * 2. socket, bind to path, listen; then print "listening".
     * 3. accept a client; answer what it sends as it arrives, until read() = 0; close; the next one.
     *    A client that breaks off must not take the server with it.
     */
    fprintf(stderr, "us-server: %s: not written yet\n", path);
    return EXIT_FAILURE;
}
