/* chat-server PATH: what a member says goes, line by line, to all the others. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: chat-server PATH\n");
        return 2;
    }
    const char *path = argv[1];

    /* TODO
     * 1. socket, bind to path, listen; then print "listening". One poll for everybody.
     * 2. For each member: its nick, the line that is not whole yet, and what it has not taken.
     * 3. A whole line: the nick first, then /who, /quit, or text for all the others.
     * 4. Never block in a write; whoever has more than 64 KiB waiting is sent away.
     * 5. However a member ends: one place removes it and tells the others.
     * 6. SIGTERM: remove path, status 0.
     */
    fprintf(stderr, "chat-server: %s: not written yet\n", path);
    return EXIT_FAILURE;
}
