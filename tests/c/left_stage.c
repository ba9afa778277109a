/* A signal handler that leaves by `siglongjmp` while the program begins and ends stages, often inside those calls:
 * `left_stage`. The program ends the stages that are open, then begins and ends one more. */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>

#include "check.h"
#include "memtrack.h"

enum { JUMPS = 300 };

static sigjmp_buf back;
static volatile sig_atomic_t armed, jumps;

static void handler(int signal) {
    (void)signal;
    if (armed) {
        armed = 0;
        jumps++;
        siglongjmp(back, 1);
    }
}

int main(void) {
    CHECK(signal(SIGALRM, handler) != SIG_ERR);
    struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
    CHECK(!setitimer(ITIMER_REAL, &often, NULL));
    sigsetjmp(back, 1);
    while (memtrack_stage_end() == MEMTRACK_OK) {
    }
    armed = jumps < JUMPS;
    while (armed) {
        memtrack_stage_begin("interrupted");
        memtrack_stage_end();
    }
    CHECK(!setitimer(ITIMER_REAL, &never, NULL));
    int begun = memtrack_stage_begin("last");
    printf("%d %d\n", begun, memtrack_stage_end());
    return 0;
}
