/* Task 16: an answer of one key, without Enter. */
#include <stdlib.h>

int main(void)
{
    /* TODO
     * 1. tcgetattr; keep a copy; without ICANON, VMIN = 1; tcsetattr.
     * 2. Ask (a question without a newline needs fflush), read one character.
     * 3. Put the terminal back as it was, after Ctrl-C too.
     */
    return EXIT_FAILURE;
}
