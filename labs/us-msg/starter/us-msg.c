/* us-msg dgram|seq PATH: answers each message in upper case. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc != 3 || (strcmp(argv[1], "dgram") != 0 && strcmp(argv[1], "seq") != 0)) {
        fprintf(stderr, "usage: us-msg dgram|seq PATH\n");
        return 2;
    }
    int datagrams = strcmp(argv[1], "dgram") == 0;
    const char *path = argv[2];

    /* TODO
     * 1. socket (SOCK_DGRAM or SOCK_SEQPACKET), bind. Which of the two needs listen and accept?
     * 2. dgram: recvfrom, and sendto to the address that it gave. Who has none cannot be answered.
     * 3. A message of more than 1024 bytes gets "ERR too long": how do you see that it was longer?
     * 4. An answer must not wait for a client that does not read.
     * 5. seq: several clients at once; 0 is the end of one of them.
     */
    fprintf(stderr, "us-msg: %s (%s): not written yet\n", path, datagrams ? "dgram" : "seq");
    return EXIT_FAILURE;
}
