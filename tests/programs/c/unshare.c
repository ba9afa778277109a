/* Asks for a name space of users, which only a process of one thread gets: `unshare call|function`. Allocates until the
 * tracker's thread has had time to run, and again behind it. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Waits, and allocates meanwhile, until the dump has grown beyond `size`. Its size. */
static long grown(const char *path, long size) {
    struct stat file = { 0 };
    while (stat(path, &file) != 0 || file.st_size <= size) {
        for (int i = 0; i < 1000; i++) {
            free(malloc(100));
        }
        usleep(1000);
    }
    return (long)file.st_size;
}

int main(int count, char **arguments) {
    const char *path = getenv("MEMTRACK_DUMP");
    if (path) {
        /* The file has a mark before it has a snapshot. */
        grown(path, grown(path, 0));
    }
    int by_call = count > 1 && !strcmp(arguments[1], "call");
    int result = by_call ? (int)syscall(SYS_unshare, CLONE_NEWUSER) : unshare(CLONE_NEWUSER);
    printf("%d %s\n", result, result ? strerror(errno) : "");
    if (path) {
        /* The interval goes on. Nobody is in the middle of a snapshot: it is this thread that writes them now. */
        grown(path, grown(path, 0));
    }
    return 0;
}
