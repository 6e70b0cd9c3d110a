/* nanny [-r MAX] SPEC: starts children, tells how they end, starts again those that failed. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: nanny [-r MAX] SPEC\n");
        return 2;
    }
    (void)argv;
    /* TODO
     * 1. Read SPEC (`-`: standard input): each line is a name, a command and its arguments.
     * 2. Start the children in this order; keep pid, name and restarts of each in a table.
     * 3. Wait for SIGCHLD and SIGTERM without polling; collect every child that has ended.
     * 4. Print "exit NAME code N" or "exit NAME sig S"; start again what failed, MAX times at most,
     *    then "give-up NAME".
     * 5. SIGTERM: pass it on to each child; after two seconds SIGKILL to those left; "bye", status 0.
     */
    fprintf(stderr, "nanny: not written yet\n");
    return EXIT_FAILURE;
}
