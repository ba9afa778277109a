/* A signal handler that leaves by `siglongjmp`, at any instruction, often inside the hook: `left DUMP`. Prints the
 * lost events before and after further events that no signal interrupts, and writes a dump. */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/time.h>

#include "check.h"
#include "memtrack.h"

enum { JUMPS = 200, MORE = 1000 };

static sigjmp_buf back;
static volatile sig_atomic_t armed, jumps;

static void handler(int signal) {
    (void)signal;
    if (armed) {
        jumps++;
        siglongjmp(back, 1);
    }
}

__attribute__((noinline)) static void event(uint32_t size) {
    memtrack_token_t token = memtrack_on_alloc((void *)0x1000, size);
    memtrack_on_free(token);
}

static uint64_t lost(void) {
    memtrack_stats_t stats = {.size = sizeof stats};
    CHECK(!memtrack_get_stats(&stats));
    return stats.lost_events;
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    CHECK(signal(SIGALRM, handler) != SIG_ERR);
    struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
    CHECK(!setitimer(ITIMER_REAL, &often, NULL));
    sigsetjmp(back, 1);
    armed = 1;
    while (jumps < JUMPS) {
        event(10);
    }
    armed = 0;
    CHECK(!setitimer(ITIMER_REAL, &never, NULL));
    event(20);
    uint64_t before = lost();
    for (int i = 0; i < MORE; i++) {
        event(30);
    }
    printf("%llu %llu\n", (unsigned long long)before, (unsigned long long)lost());
    return memtrack_dump_file(argv[1]) != MEMTRACK_OK;
}
