/*
 * A process with four children: one leaves by _exit after its fork, one leaves by exit, one executes a program (this
 * one), and one comes from vfork and only borrows the memory.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static void *volatile kept;

__attribute__((noinline)) static void parents_own(void) { kept = malloc(10000); }
__attribute__((noinline)) static void of_the_forked(void) { kept = malloc(20000); }
__attribute__((noinline)) static void of_the_leaver(void) { kept = malloc(30000); }
__attribute__((noinline)) static void of_the_program(void) { kept = malloc(40000); }

static int wait_for(pid_t child) {
    int status;
    CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

int main(int argc, char **argv) {
    pid_t child;
    if (argc > 1) {
        CHECK(strcmp(argv[1], "child") == 0);
        of_the_program();
        return 5;
    }
    parents_own();
    if ((child = fork()) == 0) {
        of_the_forked();
        _exit(3);
    }
    CHECK(wait_for(child) == 3);
    if ((child = fork()) == 0) {
        of_the_leaver();
        exit(4);
    }
    CHECK(wait_for(child) == 4);
    if ((child = fork()) == 0) {
        execl("/proc/self/exe", argv[0], "child", (char *)NULL);
        _exit(1);
    }
    CHECK(wait_for(child) == 5);
    if ((child = vfork()) == 0) {
        _exit(6);
    }
    CHECK(wait_for(child) == 6);
    puts("all well");
    return 7;
}
