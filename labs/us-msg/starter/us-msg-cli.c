/* us-msg-cli dgram|seq PATH: each line is a message, each answer a line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc != 3 || (strcmp(argv[1], "dgram") != 0 && strcmp(argv[1], "seq") != 0)) {
        fprintf(stderr, "usage: us-msg-cli dgram|seq PATH\n");
        return 2;
    }
    int datagrams = strcmp(argv[1], "dgram") == 0;
    const char *path = argv[2];

    /* TODO
     * 1. socket; with datagrams a name of its own as well, which no other client has.
     * 2. connect; when there is no server: a message with the reason, status 1.
     * 3. Each line without its newline is one message. Wait for the answer, two seconds at most.
     * 4. If the name is a file, remove it in the end.
     */
    fprintf(stderr, "us-msg-cli: %s (%s): not written yet\n", path, datagrams ? "dgram" : "seq");
    return EXIT_FAILURE;
}
