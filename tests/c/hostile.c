/* Triggers a snapshot in the environment that the suite prepared: `hostile signal|interval|peak|failure|exit|fork
 * [closed]`. With `closed` it first closes every descriptor above standard error. Its output does not depend on the
 * tracker. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static void *volatile kept[64];

__attribute__((noinline)) static void grow(void) {
    for (int i = 0; i < 64; i++) {
        kept[i] = malloc(64 << 10);
        if (kept[i]) {
            memset(kept[i], i, 64 << 10);
        }
    }
}

int main(int argc, char **argv) {
    CHECK(argc >= 2);
    if (argc > 2) {
        for (int file = 3; file < 1024; file++) {
            close(file);
        }
    }
    free(malloc(100));
    if (!strcmp(argv[1], "signal")) {
        struct sigaction there;
        CHECK(!sigaction(SIGUSR1, NULL, &there));
        if (there.sa_handler == SIG_DFL) {
            signal(SIGUSR1, SIG_IGN);
        }
        raise(SIGUSR1);
    } else if (!strcmp(argv[1], "interval")) {
        for (int i = 0; i < 30; i++) {
            usleep(1000);
            free(malloc(1000));
        }
    } else if (!strcmp(argv[1], "peak")) {
        grow();
    } else if (!strcmp(argv[1], "failure")) {
        volatile size_t huge = SIZE_MAX / 2;
        CHECK(malloc(huge) == NULL);
    } else if (!strcmp(argv[1], "fork")) {
        pid_t child = fork();
        if (child == 0) {
            grow();
            exit(3);
        }
        int status;
        CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 3);
    }
    /* A descriptor that was closed at the start must still be unused. */
    printf("all well, input is %s\n", fcntl(0, F_GETFD) < 0 ? "closed" : "open");
    fflush(stdout);
    return 7;
}
