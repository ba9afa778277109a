/*
 * First bad input, then a storm of allocations: four tasks preempt each other, and two interrupts, of which one interrupts the
 * other, allocate in the middle of the tracker. A count of the program's own says what the figures must be.
 *
 * The program gives memtrack its tasks by hand, as under a kernel of one's own. Three programs are built from it:
 *
 *   c_storm         as it is
 *   c_storm_locked  with a lock around each event (-DLOCKED): then every peak is exact, and every event has its thread
 *   c_storm_full    with a library whose tables have room for one entry each (-DFULL)
 */
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "kernel/said.h"
#include "kernel/tally.h"
#include "kernel/timers.h"
#include "memtrack.h"
#include "task.h"

enum { TASKS = 4, ROUNDS = 400, PLACES = 8, WORDS = 340, INTERRUPTS = TASKS, OF_MAIN = TASKS + 1 };

static void print(const char *text) { board_print(NULL, (const uint8_t *)text, strlen(text)); }

static int bad;

static void check(const char *what, int holds) {
    print(what);
    print(holds ? ": yes\n" : ": NO\n");
    bad |= !holds;
}

/* The tasks, as memtrack knows them. */

enum { CONTEXTS = 16 };
static memtrack_context_t contexts[CONTEXTS];
static unsigned used;
/* The context of each further task gets wrong bounds. */
static int with_wrong_bounds;
/* Whether `current` returns the context of a task that has ended. */
static memtrack_context_t *volatile dead;

void task_created(const char *name, const void *stack_low, const void *stack_high, void **context) {
    *context = &contexts[used++ % CONTEXTS];
    if (with_wrong_bounds) {
        stack_high = (const char *)stack_low + 8;
    }
    if (memtrack_context_create(*context, name, stack_low, stack_high) != MEMTRACK_OK) {
        board_exit(1);
    }
}

void task_deleted(void **context) {
    if (memtrack_context_delete(*context) != MEMTRACK_OK) {
        board_exit(1);
    }
}

static memtrack_context_t *current(void *context) {
    (void)context;
    if (dead != NULL) {
        return dead;
    }
    return xTaskGetSchedulerState() == taskSCHEDULER_NOT_STARTED ? NULL : pvTaskGetThreadLocalStoragePointer(NULL, 0);
}

/* The heap, and a count inside it: exact while a lock keeps everyone else away. */

enum { HEADER = 16 };
static uint32_t inside, inside_peak;

static void *allocate(void *context, size_t size, size_t align) {
    uint32_t *block = align > portBYTE_ALIGNMENT ? NULL : pvPortMalloc(size + 8);
    (void)context;
    if (block == NULL) {
        return NULL;
    }
    block[0] = size - HEADER;
    inside += block[0];
    inside_peak = inside > inside_peak ? inside : inside_peak;
    return block + 2;
}

static void release(void *context, void *block) {
    (void)context;
    inside -= ((uint32_t *)block - 2)[0];
    vPortFree((uint32_t *)block - 2);
}

static size_t lock(void *context) {
    size_t before;
    (void)context;
    __asm__ volatile("mrs %0, primask\n cpsid i" : "=r"(before)::"memory");
    return before;
}

static void unlock(void *context, size_t locked) {
    (void)context;
    __asm__ volatile("msr primask, %0" ::"r"(locked) : "memory");
}

/* The interrupts: timers whose period changes, so that they come everywhere. */

static uint32_t ticks[2];
static void *kept[PLACES];

void timer_interrupt(unsigned number) {
    uint32_t tick = ++ticks[number];
    void *block = tally_malloc(INTERRUPTS, 24 + 8 * number);
    timer_again(number, 3000 + (tick * 7919 + number * 331) % 2000);
    /* Some blocks stay, and another interrupt frees them. */
    tally_free(__atomic_exchange_n(&kept[(tick + number) % PLACES], tick % 3 ? NULL : tally_malloc(INTERRUPTS, 16),
                                   __ATOMIC_SEQ_CST));
    tally_free(block);
}

/* The tasks. */

static void *exchange[PLACES];
static volatile uint32_t begun, finished, peaks_impossible, turn;

__attribute__((noinline)) static void *deep(unsigned depth, unsigned owner, uint32_t size) {
    void *block = depth == 0 ? tally_malloc(owner, size) : deep(depth - 1, owner, size);
    __asm__ volatile("" ::: "memory");
    return block;
}

/* The task's peak is between its low count and its high count with all blocks of interrupts, which may have come to it. */
static void judge_own(unsigned own) {
    memtrack_stats_t stats = {.size = sizeof stats};
    memtrack_get_thread_stats(&stats);
    peaks_impossible += stats.peak_bytes > tallies[own].high_peak + tallies[INTERRUPTS].high_peak;
    if (stats.total_allocs >= tallies[own].allocs) {
        peaks_impossible += stats.peak_bytes < tallies[own].low_peak;
    }
}

static void worker(void *argument) {
    unsigned own = (unsigned)(uintptr_t)argument, round;
    while (!begun) {
        taskYIELD();
    }
    for (round = 0; round < ROUNDS; round++) {
        void *own_block = deep(round % 5, own, 16 + 8 * (round * (own + 3) % 11));
        void *given = tally_malloc(own, 32 + 8 * own);
        tally_free(own_block);
        /* Whoever finds the block frees it. */
        tally_free(__atomic_exchange_n(&exchange[(round + own) % PLACES], given, __ATOMIC_SEQ_CST));
    }
    __atomic_add_fetch(&finished, 1, __ATOMIC_SEQ_CST);
    /* One after the other, after the storm. */
    while (turn != own + 1) {
        taskYIELD();
    }
    judge_own(own);
    turn = 0;
    vTaskDelete(NULL);
}

static memtrack_stats_t figures(void) {
    memtrack_stats_t stats = {.size = sizeof stats};
    memtrack_get_stats(&stats);
    return stats;
}

static void judge_storm(void) {
    const tally *all = &tallies[OWNERS];
    memtrack_stats_t stats = figures();
    unsigned own;
    for (own = 0; own < TASKS; own++) {
        turn = own + 1;
        while (turn != 0) {
            taskYIELD();
        }
    }
    memtrack_metrics(said_by_metrics, NULL);
    check("every allocation and free is counted",
          stats.total_allocs == all->allocs && stats.total_frees == all->frees && stats.live_bytes == all->low);
    check("recorded + lost = observed", said.attributed + said.unattributed == all->allocs && said.unattributed == said.nobody_known);
    /* Where an event came in the middle of another one, memtrack says by how much the peak may be too high. */
    check("the peak is possible",
          all->low_peak <= stats.peak_bytes && stats.peak_bytes - said.peak_error <= all->high_peak);
#ifdef LOCKED
    check("the peak is exact", stats.peak_bytes == inside_peak && said.peak_error == 0);
    check("no event came in the middle of another one", said.in_the_hook == 0);
#endif
#ifndef FULL
    check("the peaks of tasks are possible", peaks_impossible == 0);
#endif
    check("interrupts came in the middle of the tracker, and in the middle of each other", ticks[0] > 500 && ticks[1] > 500);
}

/* Bad input. */

static void *volatile left;

/* Three allocations, of which one stays. */
static void three(void *argument) {
    unsigned own = (unsigned)(uintptr_t)argument, round;
    for (round = 0; round < 3; round++) {
        void *block = tally_malloc(own, 48);
        if (round == 2) {
            left = block;
        } else {
            tally_free(block);
        }
    }
    finished++;
    vTaskDelete(NULL);
}

static uint64_t lost_by(const char *name) {
    uint64_t before = figures().lost_events;
    finished = 0;
    xTaskCreate(three, name, WORDS, (void *)OF_MAIN, 1, NULL);
    while (finished == 0) {
        taskYIELD();
    }
    return figures().lost_events - before;
}

static void judge_bad_input(void) {
    memtrack_stats_t before, after;
    void *block;
#ifndef FULL
    check("a task of right bounds loses nothing", lost_by("right") == 0);
    tally_free(left);
    with_wrong_bounds = 1;
    check("wrong bounds lose the stack of each allocation", lost_by("wrong") == 3);
    with_wrong_bounds = 0;
#else
    lost_by("full");
#endif
    before = figures();
    check("a task may end while it holds a block", left != NULL && before.live_bytes == tallies[OWNERS].low);
    tally_free(left);
    check("another task may free it", figures().live_bytes == before.live_bytes - 48);

    before = figures();
    dead = &contexts[(used - 1) % CONTEXTS];
    block = tally_malloc(OF_MAIN, 40);
    tally_free(block);
    dead = NULL;
    after = figures();
    check("the handle of a dead task is a loss",
          after.total_allocs == before.total_allocs + 1 && after.lost_events == before.lost_events + 1);
    check("a dead task cannot end again", memtrack_context_delete(&contexts[(used - 1) % CONTEXTS]) == MEMTRACK_ERROR_NONE);
}

static void judge(void *argument) {
    (void)argument;
    judge_bad_input();
    finished = 0;
    begun = 1;
    timers_start();
    while (finished < TASKS) {
        taskYIELD();
    }
    timers_stop();
    judge_storm();
    vTaskSuspendAll();
    if (bad) {
        memtrack_report(board_print, NULL);
    }
    board_exit(bad || board_open_dump() || memtrack_dump(board_write_dump, NULL) != MEMTRACK_OK);
}

static void judge_calls(void) {
    static memtrack_context_t context;
    memtrack_platform_t platform = {.size = sizeof platform, .current = current};
    memtrack_allocator_t heap = {.size = sizeof heap, .allocate = allocate, .release = release};
    char low[16];
    check("a context has the size that the header says", sizeof context == MEMTRACK_CONTEXT_SIZE);
    check("no context", memtrack_context_create(NULL, "none", low, low + 16) == MEMTRACK_ERROR_NULL &&
                            memtrack_context_delete(NULL) == MEMTRACK_ERROR_NULL);
    check("no name", memtrack_context_create(&context, NULL, low, low + 16) == MEMTRACK_ERROR_NULL);
    check("a context that was never made", memtrack_context_delete(&context) == MEMTRACK_ERROR_NONE);
    check("bounds in the wrong order",
          memtrack_context_create(&context, "upside down", low + 16, low) == MEMTRACK_ERROR_BOUNDS &&
              memtrack_context_delete(&context) == MEMTRACK_OK);
    platform.size = 4;
    check("no platform", memtrack_set_platform(NULL) == MEMTRACK_ERROR_NULL &&
                             memtrack_set_platform(&platform) == MEMTRACK_ERROR_SIZE);
    platform.size = sizeof platform;
    platform.lock = lock;
    check("half a lock", memtrack_set_platform(&platform) == MEMTRACK_ERROR_NULL);
#ifdef LOCKED
    platform.unlock = unlock;
#else
    platform.lock = NULL;
    (void)unlock;
#endif
    check("a platform", memtrack_set_platform(&platform) == MEMTRACK_OK);
    check("one platform too many", memtrack_set_platform(&platform) == MEMTRACK_ERROR_TOO_LATE);
    check("no memory without an allocator", memtrack_malloc(8) == NULL);
    check("an allocator", memtrack_set_allocator(&heap) == MEMTRACK_OK);
}

int main(void) {
    static const char *const names[TASKS] = {"north", "east", "south", "west"};
    const char *build_id = _build_id + BUILD_ID_NOTE;
    unsigned own;
    memtrack_set_stack(_stack_bottom, _stack_top);
    memtrack_set_firmware(_code_start, _code_end, build_id, (size_t)(_build_id_end - build_id));
    judge_calls();
    for (own = 0; own < TASKS; own++) {
        if (xTaskCreate(worker, names[own], WORDS, (void *)(uintptr_t)own, 1, NULL) != pdPASS) {
            return 1;
        }
    }
    if (xTaskCreate(judge, "judge", 900, NULL, 1, NULL) == pdPASS) {
        vTaskStartScheduler();
    }
    return 1;
}
