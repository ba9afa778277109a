/* Works under limits of memory, and prints the memory that it uses, in kB: `limited plain|lock|fill|child`. */

#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* The number in a line of /proc/self/status. */
static long status(const char *name) {
    static char text[8192];
    FILE *file = fopen("/proc/self/status", "r");
    size_t n = fread(text, 1, sizeof text - 1, file);
    text[n] = 0;
    fclose(file);
    char *line = strstr(text, name);
    return line ? atol(line + strlen(name)) : -1;
}

/* Allocates and frees from 2^depth stacks. */
static __attribute__((noinline)) long branch(int depth) {
    if (depth == 0) {
        char *volatile block = malloc(24);
        if (!block) return 1000000;
        block[0] = 1;
        free(block);
        return 1;
    }
    long left = branch(depth - 1);
    return left + branch(depth - 1);
}

/* Leaves room for this many more bytes of address space. */
static void leave(long bytes) {
    struct rlimit limit;
    getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = (rlim_t)status("VmSize:") * 1024 + (rlim_t)bytes;
    if (setrlimit(RLIMIT_AS, &limit)) perror("setrlimit");
}

int main(int count, char **arguments) {
    const char *what = count > 1 ? arguments[1] : "plain";
    /* Now the heap has room for the rest of the program. */
    free(malloc(100000));
    if (!strcmp(what, "lock")) {
        int failed = mlockall(MCL_CURRENT | MCL_FUTURE);
        printf("failed %d\nlocked %ld\n", failed != 0, status("VmLck:"));
    }
    if (!strcmp(what, "fill") || !strcmp(what, "child")) leave(3 << 20);
    if (!strcmp(what, "child")) {
        pid_t child = fork();
        if (child == 0) {
            printf("allocations %ld\n", branch(15));
            return 0;
        }
        int ended;
        waitpid(child, &ended, 0);
        return ended != 0;
    }
    printf("allocations %ld\n", branch(!strcmp(what, "fill") ? 15 : 4));
    printf("size %ld\nresident %ld\n", status("VmSize:"), status("VmRSS:"));
    return 0;
}
