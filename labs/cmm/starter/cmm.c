/* cmm PATH: a store of versions; each client works on a copy of its own. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: cmm PATH\n");
        return 2;
    }
    const char *path = argv[1];

    /* TODO
     * 1. A server for many clients at once: socket, bind to path, listen, "listening", one poll.
     *    Requests are lines; a client's line may come in pieces.
     * 2. The store: for each key its value and the revision in which it was changed.
     * 3. For each client: the revision it began with, what it has put, and a copy that nobody changes.
     * 4. COMMIT: look for keys that were changed after the base; if there are none, apply all at once.
     * 5. SIGTERM: remove path, status 0.
     */
    fprintf(stderr, "cmm: %s: not written yet\n", path);
    return EXIT_FAILURE;
}
