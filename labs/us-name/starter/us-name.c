/* us-name [-m MODE] [-b BACKLOG] PATH | -a NAME: the name of a socket. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int usage(void)
{
    fprintf(stderr, "usage: us-name [-m MODE] [-b BACKLOG] PATH | -a NAME\n");
    return 2;
}

int main(int argc, char **argv)
{
    unsigned mode = 0600;
    int backlog = 5;
    const char *abstract = NULL;
    int option;

    while ((option = getopt(argc, argv, "m:b:a:")) != -1) {
        switch (option) {
        case 'm':
            mode = (unsigned)strtoul(optarg, NULL, 8);
            break;
        case 'b':
            backlog = atoi(optarg);
            break;
        case 'a':
            abstract = optarg;
            break;
        default:
            return usage();
        }
    }
    if (abstract ? optind != argc : optind + 1 != argc)
        return usage();
    const char *name = abstract ? abstract : argv[optind];

    /* TODO
     * 1. Is there a file at the path? A dead socket is replaced; what else is there is left alone.
     * 2. socket, bind (not for a moment with more rights than mode), listen(backlog); "listening".
     * 3. SIGUSR1: accept all who wait, send each "served K", close. SIGTERM: remove the name, status 0.
     */
    printf("us-name: %s (mode %o, backlog %d): not written yet\n", name, mode, backlog);
    return EXIT_FAILURE;
}
