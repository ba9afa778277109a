/*
 * Profiled firmware whose heap is reported by a listener, as Zephyr's sys_heap does it: two threads fill and empty it, and more
 * blocks are alive for a moment than memtrack_zephyr.h has room for. The kernel's file zephyr.c is in place of Zephyr.
 */
#define MEMTRACK_ZEPHYR_BLOCKS 16
#define MEMTRACK_ZEPHYR_IMPLEMENTATION
#include "memtrack_zephyr.h"

#include <string.h>

#include "board.h"
#include "task.h"

enum { ROUNDS = 1000, HELD = 6, WORDS = 340, TOO_MANY = 20 };

static struct sys_heap heap;
static volatile unsigned ended;

static void print(const char *text) { board_print(NULL, (const uint8_t *)text, strlen(text)); }

__attribute__((noinline)) static void *fill(size_t bytes) { return sys_heap_alloc(&heap, bytes); }

static void thread(void *argument) {
    size_t bytes = (size_t)argument;
    void *held[HELD] = {NULL};
    unsigned round;
    for (round = 0; round < ROUNDS; round++) {
        if (held[round % HELD] != NULL) {
            sys_heap_free(&heap, held[round % HELD]);
        }
        held[round % HELD] = fill(bytes);
    }
    for (round = 0; round < HELD; round++) {
        sys_heap_free(&heap, held[round]);
    }
    ended++;
    vTaskDelete(NULL);
}

static memtrack_stats_t figures(void) {
    memtrack_stats_t stats = {.size = sizeof stats};
    memtrack_get_stats(&stats);
    return stats;
}

static void judge(void *argument) {
    void *blocks[TOO_MANY];
    memtrack_stats_t both, more;
    unsigned at;
    int good;
    (void)argument;
    while (ended < 2) {
        taskYIELD();
    }
    both = figures();
    for (at = 0; at < TOO_MANY; at++) {
        blocks[at] = fill(8);
    }
    more = figures();
    for (at = 0; at < TOO_MANY; at++) {
        sys_heap_free(&heap, blocks[at]);
    }
    good = both.total_allocs == 2 * ROUNDS && both.total_frees == 2 * ROUNDS && both.live_bytes == 0 &&
           both.peak_bytes <= HELD * (24 + 40) && both.peak_bytes >= HELD * 40;
    print(good ? "every block of both threads is counted\n" : "the figures are not what they should be\n");
    good &= more.live_blocks == MEMTRACK_ZEPHYR_BLOCKS && memtrack_zephyr_missed() == TOO_MANY - MEMTRACK_ZEPHYR_BLOCKS &&
            figures().live_blocks == 0 && figures().lost_events == 0;
    print(good ? "blocks without room are missing, and that is said\n" : "the table of blocks does not work\n");
    vTaskSuspendAll();
    board_exit(!good || board_open_dump() || memtrack_dump(board_write_dump, NULL) != MEMTRACK_OK);
}

int main(void) {
    const char *build_id = _build_id + BUILD_ID_NOTE;
    memtrack_set_firmware(_code_start, _code_end, build_id, (size_t)(_build_id_end - build_id));
    if (memtrack_zephyr_start(&heap, _stack_bottom, _stack_top) == MEMTRACK_OK &&
        xTaskCreate(thread, "small", WORDS, (void *)24, 1, NULL) == pdPASS &&
        xTaskCreate(thread, "large", WORDS, (void *)40, 1, NULL) == pdPASS &&
        xTaskCreate(judge, "judge", 800, NULL, 1, NULL) == pdPASS) {
        vTaskStartScheduler();
    }
    return 1;
}
