/* pipe-line [-v] CMD ARGS -- CMD ARGS -- ...: runs commands joined by pipes, like a shell. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: pipe-line [-v] CMD [ARG...] [-- CMD [ARG...]]...\n");
        return 2;
    }
    (void)argv;
    /* TODO
     * 1. Split the arguments at "--" into at most 16 commands; with -v print "N stages" to stderr.
     * 2. For each command: a pipe to the next one, fork, dup2, close what is not needed, execvp.
     *    If that fails: a message and _exit(127).
     * 3. Close the pipes in the launcher itself, then wait for every stage.
     * 4. With -v print "STAGE PID STATUS" for each to stderr. End with the status of the last one.
     */
    fprintf(stderr, "pipe-line: not written yet\n");
    return EXIT_FAILURE;
}
