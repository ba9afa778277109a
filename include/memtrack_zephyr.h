/*
 * memtrack under Zephyr: the blocks of a sys_heap (k_malloc's, or one of your own), reported by Zephyr's heap listener. The guide is
 * docs/embedded.md.
 *
 * 1. In prj.conf: CONFIG_SYS_HEAP_LISTENER=y, CONFIG_THREAD_CUSTOM_DATA=y, CONFIG_THREAD_STACK_INFO=y, CONFIG_THREAD_NAME=y.
 *
 * 2. In one source file:
 *
 *      #define MEMTRACK_ZEPHYR_IMPLEMENTATION
 *      #include "memtrack_zephyr.h"
 *
 * 3. Before the heap is used: memtrack_zephyr_start(heap, low, high), with the bounds of the stack of interrupts.
 *
 * 4. When a thread has ended: memtrack_zephyr_ended(thread), for example in sys_trace_thread_abort_user (CONFIG_TRACING_USER).
 *
 * A listener cannot store anything in a block. So the tokens of the blocks are in a table: MEMTRACK_ZEPHYR_BLOCKS of them. A block
 * for which there is no room is not reported; memtrack_zephyr_missed() counts these.
 */
#ifndef MEMTRACK_ZEPHYR_H
#define MEMTRACK_ZEPHYR_H

#include "memtrack.h"

struct sys_heap;
struct k_thread;

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Begins tracking of a heap. A block from before is not known, and its free is ignored. `stack_low` and `stack_high` are those of
 * memtrack_set_stack. The result is that of the first call that fails.
 */
memtrack_result_t memtrack_zephyr_start(struct sys_heap *heap, const void *stack_low, const void *stack_high);

/* A thread has ended. Its figures stay, and there is room for another thread. */
void memtrack_zephyr_ended(struct k_thread *thread);

/* The blocks that were not reported, because the table of tokens was full. */
uint32_t memtrack_zephyr_missed(void);

#ifdef __cplusplus
}
#endif

#endif

#if defined(MEMTRACK_ZEPHYR_IMPLEMENTATION) && !defined(MEMTRACK_ZEPHYR_IMPLEMENTED)
#define MEMTRACK_ZEPHYR_IMPLEMENTED

#include <zephyr/kernel.h>
#include <zephyr/sys/heap_listener.h>

#if !defined(CONFIG_SYS_HEAP_LISTENER) || !defined(CONFIG_THREAD_CUSTOM_DATA) || !defined(CONFIG_THREAD_STACK_INFO) || \
    !defined(CONFIG_THREAD_NAME)
#error "prj.conf: memtrack needs CONFIG_SYS_HEAP_LISTENER, CONFIG_THREAD_CUSTOM_DATA, CONFIG_THREAD_STACK_INFO and CONFIG_THREAD_NAME"
#endif

/* Live blocks for which there is room. */
#ifndef MEMTRACK_ZEPHYR_BLOCKS
#define MEMTRACK_ZEPHYR_BLOCKS 128
#endif

/* Threads that may allocate at a time. */
#ifndef MEMTRACK_ZEPHYR_THREADS
#define MEMTRACK_ZEPHYR_THREADS 8
#endif

static struct {
    void *block;
    /* A token in two words, so that nothing is lost to alignment. */
    uint32_t token[2];
} memtrack_zephyr_blocks[MEMTRACK_ZEPHYR_BLOCKS];
static uint32_t memtrack_zephyr_not_reported;

static struct {
    struct k_thread *thread;
    memtrack_context_t context;
} memtrack_zephyr_threads[MEMTRACK_ZEPHYR_THREADS];

uint32_t memtrack_zephyr_missed(void) { return memtrack_zephyr_not_reported; }

/* The place of a block, or of a new one; the number of places if there is none. Zephyr calls a listener under a lock. */
static unsigned memtrack_zephyr_find(void *block, void *wanted) {
    unsigned first = (unsigned)(((uintptr_t)block >> 3) % MEMTRACK_ZEPHYR_BLOCKS), step;
    for (step = 0; step < MEMTRACK_ZEPHYR_BLOCKS; step++) {
        unsigned at = (first + step) % MEMTRACK_ZEPHYR_BLOCKS;
        if (memtrack_zephyr_blocks[at].block == wanted) {
            return at;
        }
    }
    return MEMTRACK_ZEPHYR_BLOCKS;
}

static void memtrack_zephyr_alloc(uintptr_t heap, void *block, size_t bytes) {
    unsigned at = memtrack_zephyr_find(block, NULL);
    memtrack_token_t token;
    (void)heap;
    if (at == MEMTRACK_ZEPHYR_BLOCKS) {
        memtrack_zephyr_not_reported++;
        return;
    }
    token = memtrack_on_alloc(block, bytes);
    memtrack_zephyr_blocks[at].block = block;
    memtrack_zephyr_blocks[at].token[0] = (uint32_t)token;
    memtrack_zephyr_blocks[at].token[1] = (uint32_t)(token >> 32);
}

static void memtrack_zephyr_free(uintptr_t heap, void *block, size_t bytes) {
    unsigned at = memtrack_zephyr_find(block, block);
    (void)heap;
    (void)bytes;
    if (at < MEMTRACK_ZEPHYR_BLOCKS) {
        const uint32_t *token = memtrack_zephyr_blocks[at].token;
        (void)memtrack_on_free((memtrack_token_t)token[1] << 32 | token[0]);
        memtrack_zephyr_blocks[at].block = NULL;
    }
}

/* The running thread's context, which is made at the thread's first event. Events of the heap come one after another. */
static memtrack_context_t *memtrack_zephyr_current(void *context) {
    /* A context that was never made: events of a thread for which there is none are counted as losses. */
    static memtrack_context_t none;
    struct k_thread *running = k_current_get();
    unsigned at;
    (void)context;
    if (running == NULL) {
        return NULL;
    }
    if (k_thread_custom_data_get() != NULL) {
        return (memtrack_context_t *)k_thread_custom_data_get();
    }
    for (at = 0; at < MEMTRACK_ZEPHYR_THREADS; at++) {
        if (memtrack_zephyr_threads[at].thread == NULL) {
            const char *name = k_thread_name_get(running);
            const char *low = (const char *)running->stack_info.start;
            memtrack_zephyr_threads[at].thread = running;
            (void)memtrack_context_create(&memtrack_zephyr_threads[at].context, name == NULL ? "" : name, low,
                                          low + running->stack_info.size);
            k_thread_custom_data_set(&memtrack_zephyr_threads[at].context);
            return &memtrack_zephyr_threads[at].context;
        }
    }
    return &none;
}

void memtrack_zephyr_ended(struct k_thread *thread) {
    unsigned at;
    for (at = 0; at < MEMTRACK_ZEPHYR_THREADS; at++) {
        if (memtrack_zephyr_threads[at].thread == thread) {
            (void)memtrack_context_delete(&memtrack_zephyr_threads[at].context);
            memtrack_zephyr_threads[at].thread = NULL;
        }
    }
}

memtrack_result_t memtrack_zephyr_start(struct sys_heap *heap, const void *stack_low, const void *stack_high) {
    static const memtrack_platform_t kernel = {sizeof kernel, NULL, memtrack_zephyr_current, NULL, NULL};
    static struct heap_listener allocs, frees;
    memtrack_result_t result = memtrack_set_stack(stack_low, stack_high);
    if (result == MEMTRACK_OK) {
        result = memtrack_set_platform(&kernel);
    }
    if (result == MEMTRACK_OK) {
        allocs.heap_id = frees.heap_id = HEAP_ID_FROM_POINTER(heap);
        allocs.event = HEAP_ALLOC;
        allocs.alloc_cb = memtrack_zephyr_alloc;
        frees.event = HEAP_FREE;
        frees.free_cb = memtrack_zephyr_free;
        heap_listener_register(&allocs);
        heap_listener_register(&frees);
    }
    return result;
}

#endif
