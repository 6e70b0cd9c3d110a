/* sig-count: rings for every SIGINT, counts SIGRTMIN, tells both on SIGQUIT. */
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    /* TODO
     * 1. Install the handlers (or block the signals, for sigwait or signalfd), then print "ready PID".
     * 2. Wait without using the processor, so that no signal is lost between your test and your wait.
     * 3. SIGINT: one BEL at once, with write. SIGRTMIN: only count.
     * 4. SIGQUIT: a newline, "count N rt M", status 0.
     */
    fprintf(stderr, "sig-count: not written yet\n");
    return EXIT_FAILURE;
}
