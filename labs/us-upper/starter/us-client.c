/* us-client PATH: sends its standard input, prints the replies. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: us-client PATH\n");
        return 2;
    }
    const char *path = argv[1];

    /* TODO
     * 1. socket, connect; when that fails, name the path and the reason (strerror).
     * 2. Send standard input and print replies at the same time: neither may wait for the other.
     * 3. When the input ends: shutdown(SHUT_WR). When the server has closed: status 0.
     */
    fprintf(stderr, "us-client: %s: not written yet\n", path);
    return EXIT_FAILURE;
}
