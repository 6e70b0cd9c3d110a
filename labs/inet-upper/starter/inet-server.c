/* inet-server [-4|-6] [HOST] PORT: the upper-case service over TCP. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int usage(void)
{
    fprintf(stderr, "usage: inet-server [-4|-6] [HOST] PORT\n");
    return 2;
}

int main(int argc, char **argv)
{
    int v4 = 1, v6 = 1, option;

    while ((option = getopt(argc, argv, "46")) != -1) {
        switch (option) {
        case '4':
            v6 = 0;
            break;
        case '6':
            v4 = 0;
            break;
        default:
            return usage();
        }
    }
    if (argc - optind != 1 && argc - optind != 2)
        return usage();
    const char *host = argc - optind == 2 ? argv[optind] : NULL;
    const char *port = argv[argc - 1];

    /* TODO
     * 1. getaddrinfo(host, port), with AI_PASSIVE. Which of its addresses do you need?
     * 2. socket, SO_REUSEADDR, IPV6_V6ONLY, bind, listen. Both families: one socket or two?
     * 3. getsockname; print "listening PORT" and a newline, at once.
     * 4. Then all is as in us-upper.
     */
    fprintf(stderr, "inet-server: %s %s (%s%s): not written yet\n", host ? host : "everywhere", port,
            v4 ? "4" : "", v6 ? "6" : "");
    return EXIT_FAILURE;
}
