/* Task 25: two processes joined by a pipe. */
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    /* TODO
     * 1. pipe, fork. Each process closes the end that it does not use.
     * 2. One writes a text of small and capital letters, the other turns it into capitals (toupper).
     * 3. Wait for the child.
     */
    fprintf(stderr, "not written yet\n");
    return EXIT_FAILURE;
}
