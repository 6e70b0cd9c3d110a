/* Task 26: two processes joined by a pipe, with popen and pclose. */
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    /* TODO
     * 1. popen a command that reads or writes a text of small and capital letters.
     * 2. Turn all letters into capitals and print them.
     * 3. pclose.
     */
    fprintf(stderr, "not written yet\n");
    return EXIT_FAILURE;
}
