/* A parent that keeps blocks, and children that allocate one block each: `children keep|clear`. With `clear` it
 * empties its environment first, as a daemon does. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { BLOCKS = 1000, CHILDREN = 10 };

static void *volatile kept[BLOCKS];

__attribute__((noinline)) static void parents_own(void) {
    for (int i = 0; i < BLOCKS; i++) {
        kept[i] = malloc(100);
    }
}

__attribute__((noinline)) static void childs_own(void) { kept[0] = malloc(7000); }

int main(int argc, char **argv) {
    CHECK(argc == 2);
    if (!strcmp(argv[1], "clear")) {
        CHECK(!clearenv());
    }
    parents_own();
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = fork();
        if (child == 0) {
            childs_own();
            exit(0);
        }
        int status;
        CHECK(waitpid(child, &status, 0) == child && status == 0);
    }
    puts("all well");
    return 0;
}
