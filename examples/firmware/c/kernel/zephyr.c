#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/heap_listener.h>

#include "memtrack_zephyr.h"
#include "task.h"

enum { THREADS = 4 };
static struct k_thread threads[THREADS];
static struct heap_listener *listeners;

void task_created(const char *name, const void *stack_low, const void *stack_high, void **thread) {
    unsigned at = 0;
    while (threads[at].name[0] != '\0') {
        at++;
    }
    memset(&threads[at], 0, sizeof threads[at]);
    strncpy(threads[at].name, name, sizeof threads[at].name - 1);
    threads[at].stack_info.start = (uintptr_t)stack_low;
    threads[at].stack_info.size = (size_t)((const char *)stack_high - (const char *)stack_low);
    *thread = &threads[at];
}

void task_deleted(void **thread) {
    memtrack_zephyr_ended(*thread);
    ((struct k_thread *)*thread)->name[0] = '\0';
}

struct k_thread *k_current_get(void) {
    return xTaskGetSchedulerState() == taskSCHEDULER_NOT_STARTED ? NULL : pvTaskGetThreadLocalStoragePointer(NULL, 0);
}

const char *k_thread_name_get(struct k_thread *thread) { return thread->name; }

void *k_thread_custom_data_get(void) { return k_current_get()->custom_data; }

void k_thread_custom_data_set(void *value) { k_current_get()->custom_data = value; }

void heap_listener_register(struct heap_listener *listener) {
    listener->next = listeners;
    listeners = listener;
}

static void notify(struct sys_heap *heap, enum heap_event_types event, void *block, size_t bytes) {
    struct heap_listener *each;
    for (each = listeners; each != NULL; each = each->next) {
        if (each->event == event && each->heap_id == HEAP_ID_FROM_POINTER(heap)) {
            (event == HEAP_ALLOC ? each->alloc_cb : each->free_cb)(each->heap_id, block, bytes);
        }
    }
}

static uint32_t interrupts_off(void) {
    uint32_t before;
    __asm__ volatile("mrs %0, primask\n cpsid i" : "=r"(before)::"memory");
    return before;
}

static void interrupts_as(uint32_t before) { __asm__ volatile("msr primask, %0" ::"r"(before) : "memory"); }

/* The size of a block is in front of it. */
void *sys_heap_alloc(struct sys_heap *heap, size_t bytes) {
    uint32_t before = interrupts_off(), *block = pvPortMalloc(bytes + 8);
    if (block != NULL) {
        block[0] = bytes;
        block += 2;
        notify(heap, HEAP_ALLOC, block, bytes);
    }
    interrupts_as(before);
    return block;
}

void sys_heap_free(struct sys_heap *heap, void *block) {
    uint32_t before = interrupts_off(), *start = (uint32_t *)block - 2;
    notify(heap, HEAP_FREE, block, start[0]);
    vPortFree(start);
    interrupts_as(before);
}
