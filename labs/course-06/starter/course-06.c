/* Task 6: lines of a file by number, with a limit of time. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    const char *file = argc > 1 ? argv[1] : "text.txt";

    /* TODO
     * 1. Read file once: where each line begins, and how long it is.
     * 2. Ask for a number, wait at most five seconds (alarm, or a timeout of select or poll).
     * 3. Print that line with lseek and read; 0 ends; after the limit, print all of it and end.
     */
    fprintf(stderr, "%s: not written yet\n", file);
    return EXIT_FAILURE;
}
