/* us-many PATH: answers lines in upper case, all clients at once, in one thread. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: us-many PATH\n");
        return 2;
    }
    const char *path = argv[1];

    /* TODO
     * 1. socket, bind to path, listen; then print "listening".
     * 2. For each client: what has come of its line, and what it has not taken of its answers.
     * 3. Wait for the listener and all clients in one poll, select or epoll_wait.
     *    Ask for POLLOUT only while there is something to send, and for POLLIN only while there is room.
     * 4. EAGAIN and EINTR are no errors; 0, ECONNRESET and EPIPE end one client, not the server.
     * 5. SIGTERM: remove path, status 0.
     */
    fprintf(stderr, "us-many: %s: not written yet\n", path);
    return EXIT_FAILURE;
}
