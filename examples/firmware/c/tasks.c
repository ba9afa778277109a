/*
 * Profiled firmware of several tasks in C: two producers send messages through a mailbox to a consumer, a worker allocates
 * beside them, and a task ends with a block. They preempt each other at every tick, in the middle of the tracker too.
 *
 * memtrack_freertos.h gives memtrack the tasks. `cargo xtask qemu "in C"` builds this program with the small kernel of the folder
 * kernel in place of FreeRTOS.
 */
#define MEMTRACK_FREERTOS_IMPLEMENTATION
#include "memtrack_freertos.h"

#include <stdio.h>
#include <string.h>

#include "FreeRTOS.h"
#include "board.h"
#include "task.h"

enum { MESSAGES = 400, WORK = 2000, PLACES = 4, WORDS = 300 };

typedef struct message {
    unsigned number;
    char *text;
} message;

static message *volatile mailbox[PLACES];
static volatile unsigned ended;
/* A block that its task leaves behind. */
static void *volatile left;

static void print(const char *text) { board_print(NULL, (const uint8_t *)text, strlen(text)); }

__attribute__((noinline)) static message *make(unsigned number) {
    message *made_now = pvPortMalloc(sizeof *made_now);
    made_now->number = number;
    made_now->text = pvPortCalloc(1, 16 + number % 32);
    return made_now;
}

__attribute__((noinline)) static void drop(message *old) {
    vPortFree(old->text);
    vPortFree(old);
}

/* Each producer has half of the mailbox, so that one task alone fills a place and one alone empties it. */
static void producer(void *argument) {
    unsigned own = (unsigned)(uintptr_t)argument, number;
    for (number = 0; number < MESSAGES; number++) {
        unsigned place = 2 * own + number % 2;
        message *next = make(number);
        while (mailbox[place] != NULL) {
            taskYIELD();
        }
        mailbox[place] = next;
    }
    ended++;
    vTaskDelete(NULL);
}

static void worker(void *argument) {
    unsigned round;
    (void)argument;
    for (round = 0; round < WORK; round++) {
        void *large = pvPortMalloc(100), *small = pvPortMalloc(50);
        vPortFree(large);
        vPortFree(small);
    }
    left = pvPortMalloc(64);
    ended++;
    vTaskDelete(NULL);
}

static int report(unsigned received) {
    char line[40];
    memtrack_stats_t stats = {.size = sizeof stats};
    /* A control block and a stack for each of five tasks; the block that is left. */
    unsigned expected = 2 * (2 * MESSAGES + WORK) + 10 + 1;
    int holds;
    memtrack_get_stats(&stats);
    holds = stats.total_allocs == expected && stats.lost_events == 0 && received == 2 * MESSAGES;
    snprintf(line, sizeof line, "# %u switches\n", (unsigned)kernel_switches());
    print(line);
    print(holds ? "every allocation is counted, and none is lost\n" : "the figures are not what they should be\n");
    return holds;
}

static void consumer(void *argument) {
    unsigned received = 0, place;
    (void)argument;
    while (ended < 3 || received < 2 * MESSAGES) {
        for (place = 0; place < PLACES; place++) {
            message *next = mailbox[place];
            if (next != NULL) {
                mailbox[place] = NULL;
                drop(next);
                received++;
            }
        }
        taskYIELD();
    }
    vTaskSuspendAll();
    if (!report(received) || board_open_dump() || memtrack_dump(board_write_dump, NULL) != MEMTRACK_OK) {
        board_exit(1);
    }
    board_exit(0);
}

int main(void) {
    const char *build_id = _build_id + BUILD_ID_NOTE;
    memtrack_result_t result = memtrack_freertos_start(_stack_bottom, _stack_top);
    if (result == MEMTRACK_OK) {
        result = memtrack_set_firmware(_code_start, _code_end, build_id, (size_t)(_build_id_end - build_id));
    }
    if (result != MEMTRACK_OK) {
        print(memtrack_strerror(result));
        return 1;
    }
    if (xTaskCreate(producer, "producer0", WORDS, (void *)0, 1, NULL) == pdPASS &&
        xTaskCreate(producer, "producer1", WORDS, (void *)1, 1, NULL) == pdPASS &&
        xTaskCreate(worker, "worker", WORDS, NULL, 1, NULL) == pdPASS &&
        xTaskCreate(consumer, "consumer", 800, NULL, 1, NULL) == pdPASS) {
        vTaskStartScheduler();
    }
    return 1;
}
