/* Enters a new user namespace, which the kernel only allows in a process with one thread: `unshare call|function`.
 * Allocates until the tracker's thread has had time to run, and again afterwards. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Allocates and waits until the dump is larger than `size`. Returns its new size. */
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
        /* The file holds a process mark before it holds a snapshot. */
        grown(path, grown(path, 0));
    }
    int by_call = count > 1 && !strcmp(arguments[1], "call");
    int result = by_call ? (int)syscall(SYS_unshare, CLONE_NEWUSER) : unshare(CLONE_NEWUSER);
    printf("%d %s\n", result, result ? strerror(errno) : "");
    if (path) {
        /* Snapshots continue at the interval. No other thread is in the middle of one: this thread writes them
         * now. */
        grown(path, grown(path, 0));
    }
    return 0;
}
