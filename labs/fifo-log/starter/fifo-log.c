/* fifo-log serve PATH OUT | fifo-log send [-n] PATH ID: a named pipe with several writers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int serve(const char *path, const char *out)
{
    /* TODO
     * 1. mkfifo with the rights 0600; one that is there is used, any other file is left alone.
     * 2. open it for reading; each record that ends with a newline goes to OUT as "N\trecord", at once.
     * 3. When all writers have gone: wait for the next one, without using the processor.
     * 4. SIGTERM: what has arrived is written out, PATH is removed, status 0.
     */
    fprintf(stderr, "fifo-log: serve %s %s: not written yet\n", path, out);
    return EXIT_FAILURE;
}

static int transmit(const char *path, const char *id, int wait)
{
    /* TODO
     * 1. open PATH for writing; who may not wait gets ENXIO: status 4.
     * 2. Each line of the standard input: one record "ID: line", one write.
     * 3. A record of more than PIPE_BUF bytes: status 3. The reader has gone: status 1.
     */
    fprintf(stderr, "fifo-log: send %s %s%s: not written yet\n", path, id, wait ? "" : " (-n)");
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "serve") == 0)
        return serve(argv[2], argv[3]);
    if (argc == 4 && strcmp(argv[1], "send") == 0)
        return transmit(argv[2], argv[3], 1);
    if (argc == 5 && strcmp(argv[1], "send") == 0 && strcmp(argv[2], "-n") == 0)
        return transmit(argv[3], argv[4], 0);
    fprintf(stderr, "usage: fifo-log serve PATH OUT | fifo-log send [-n] PATH ID\n");
    return 2;
}
