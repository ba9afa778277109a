/* Signal handlers that leave by `siglongjmp` in the middle of the tracker's start, and of a second thread's first
 * event. Both call functions of the C library, which this program replaces to raise the signal: `left_start DUMP`.
 * Prints the lost events of each of the two threads before and after events that no signal interrupts, and writes a
 * dump. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "memtrack.h"

static sigjmp_buf back;
static volatile sig_atomic_t in_claim, in_begin, jumps;

static void handler(int signal) {
    (void)signal;
    jumps++;
    siglongjmp(back, 1);
}

static void raise_if(volatile sig_atomic_t *armed) {
    if (*armed) {
        *armed = 0;
        raise(SIGUSR1);
    }
}

/* Replaces the C library's function: the tracker reads the clock when it starts. */
int clock_gettime(clockid_t clock, struct timespec *time) {
    raise_if(&in_claim);
    return (int)syscall(SYS_clock_gettime, clock, time);
}

/* Replaces the C library's function: a thread's first event registers a destructor by it. Here the destructor never
 * runs. */
int pthread_setspecific(pthread_key_t key, const void *value) {
    (void)key, (void)value;
    raise_if(&in_begin);
    return 0;
}

__attribute__((noinline)) static void event(size_t size) {
    memtrack_token_t token = memtrack_on_alloc((void *)0x1000, size);
    memtrack_on_free(token);
}

static unsigned long long lost(void) {
    memtrack_stats_t stats = {.size = sizeof stats};
    CHECK(!memtrack_get_stats(&stats));
    return stats.lost_events;
}

static void leave_first_event(volatile sig_atomic_t *armed) {
    int before = jumps;
    if (!sigsetjmp(back, 1)) {
        *armed = 1;
        event(10);
    }
    CHECK(jumps == before + 1);
    event(20);
    unsigned long long first = lost();
    for (int i = 0; i < 100; i++) {
        event(30);
    }
    printf("%llu %llu\n", first, lost());
}

static void *run(void *nothing) {
    leave_first_event(&in_begin);
    return nothing;
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    CHECK(signal(SIGUSR1, handler) != SIG_ERR);
    leave_first_event(&in_claim);
    pthread_t thread;
    CHECK(!pthread_create(&thread, NULL, run, NULL));
    CHECK(!pthread_join(thread, NULL));
    return memtrack_dump_file(argv[1]) != MEMTRACK_OK;
}
