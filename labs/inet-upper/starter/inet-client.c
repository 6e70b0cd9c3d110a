/* inet-client [-4|-6] HOST PORT: sends its standard input, prints the replies. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int usage(void)
{
    fprintf(stderr, "usage: inet-client [-4|-6] HOST PORT\n");
    return 2;
}

int main(int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "46")) != -1) {
        if (option == '?')
            return usage();
    }
    if (argc - optind != 2)
        return usage();
    const char *host = argv[optind], *port = argv[optind + 1];

    /* TODO
     * 1. getaddrinfo(host, port): a list. -4 and -6 limit it to one family.
     * 2. Each address in turn, with a new socket, until connect succeeds; else the last reason, status 1.
     * 3. Then all is as in us-upper.
     */
    fprintf(stderr, "inet-client: %s %s: not written yet\n", host, port);
    return EXIT_FAILURE;
}
