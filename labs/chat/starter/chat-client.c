/* chat-client PATH NICK: says the nick, then what is typed; shows what the others say. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: chat-client PATH NICK\n");
        return 2;
    }
    const char *path = argv[1];
    const char *nick = argv[2];

    /* TODO
     * 1. socket, connect to path, send nick and a newline.
     * 2. Wait for standard input and for the socket in one poll; pass on what is there.
     * 3. When the input ends: shutdown(SHUT_WR). When the server has closed: end.
     */
    fprintf(stderr, "chat-client: %s as %s: not written yet\n", path, nick);
    return EXIT_FAILURE;
}
