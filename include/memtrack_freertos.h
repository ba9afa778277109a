/*
 * memtrack under FreeRTOS: every task under its name, every pvPortMalloc with its stack. The guide is docs/embedded.md.
 *
 * 1. At the end of FreeRTOSConfig.h:
 *
 *      #define configNUM_THREAD_LOCAL_STORAGE_POINTERS MEMTRACK_FREERTOS_POINTERS
 *      #define configRECORD_STACK_HIGH_ADDRESS 1
 *      #define INCLUDE_xTaskGetSchedulerState 1
 *      #define configTASK_RETURN_ADDRESS 0
 *      #include "memtrack_freertos.h"
 *
 *    A task keeps its context in its control block, in pointers of thread-local storage. A program that has N such pointers
 *    of its own adds N, and defines MEMTRACK_FREERTOS_INDEX as N. The return address of 0 ends the stack of a task: without
 *    it, each stack counts as "unwinding stopped early". Without memtrack, leave these lines out.
 *
 * 2. In one source file:
 *
 *      #define MEMTRACK_FREERTOS_IMPLEMENTATION
 *      #include "memtrack_freertos.h"
 *
 * 3. For the linker: -Wl,--wrap=pvPortMalloc,--wrap=vPortFree,--wrap=pvPortCalloc. All three: vPortFree must not get blocks
 *    that one of the others has handed out unseen.
 *
 * 4. First thing in main: memtrack_freertos_start(low, high), with the bounds of the stack of main, which interrupts use later.
 *
 * Each task that allocates or frees needs a slot in the tables, main and the idle task too. The library has four, unless it is built
 * with the environment variable MEMTRACK_REGION_THREADS: two more than there are such tasks.
 *
 * A program that has trace macros of its own calls MEMTRACK_FREERTOS_CREATED and MEMTRACK_FREERTOS_DELETED in its
 * traceTASK_CREATE and traceTASK_DELETE.
 */
#ifndef MEMTRACK_FREERTOS_H
#define MEMTRACK_FREERTOS_H

/* Assemblers read FreeRTOSConfig.h too. */
#if !defined(__ASSEMBLER__) && !defined(__IAR_SYSTEMS_ASM__)

#include "memtrack.h"

/* The pointers of thread-local storage that memtrack takes: one to the context, and the context. */
#define MEMTRACK_FREERTOS_POINTERS (1 + MEMTRACK_CONTEXT_WORDS)

/* The first of them. */
#ifndef MEMTRACK_FREERTOS_INDEX
#define MEMTRACK_FREERTOS_INDEX 0
#endif

#define MEMTRACK_FREERTOS_CONTEXT(task) \
    ((memtrack_context_t *)(void *)&(task)->pvThreadLocalStoragePointers[MEMTRACK_FREERTOS_INDEX + 1])

/* A task is made; FreeRTOS calls this in a critical section, before the task runs. */
#define MEMTRACK_FREERTOS_CREATED(task)                                                                     \
    do {                                                                                                    \
        (task)->pvThreadLocalStoragePointers[MEMTRACK_FREERTOS_INDEX] = MEMTRACK_FREERTOS_CONTEXT(task);    \
        (void)memtrack_context_create(MEMTRACK_FREERTOS_CONTEXT(task), (task)->pcTaskName, (task)->pxStack, \
                                      (task)->pxEndOfStack + 1);                                            \
    } while (0)

/* A task is deleted; FreeRTOS calls this in a critical section. */
#define MEMTRACK_FREERTOS_DELETED(task) ((void)memtrack_context_delete(MEMTRACK_FREERTOS_CONTEXT(task)))

#ifndef traceTASK_CREATE
#define traceTASK_CREATE(task) MEMTRACK_FREERTOS_CREATED(task)
#endif

#ifndef traceTASK_DELETE
#define traceTASK_DELETE(task) MEMTRACK_FREERTOS_DELETED(task)
#endif

/*
 * Begins tracking: sets FreeRTOS as the platform, and its heap as the allocator. Call it first thing in main, before a task is
 * made. `stack_low` and `stack_high` are those of memtrack_set_stack. The result is that of the first call that fails.
 */
#ifdef __cplusplus
extern "C" {
#endif
memtrack_result_t memtrack_freertos_start(const void *stack_low, const void *stack_high);
#ifdef __cplusplus
}
#endif

#endif
#endif

#if defined(MEMTRACK_FREERTOS_IMPLEMENTATION) && !defined(MEMTRACK_FREERTOS_IMPLEMENTED)
#define MEMTRACK_FREERTOS_IMPLEMENTED

#include "FreeRTOS.h"
#include "task.h"

#if configNUM_THREAD_LOCAL_STORAGE_POINTERS < MEMTRACK_FREERTOS_INDEX + MEMTRACK_FREERTOS_POINTERS
#error "FreeRTOSConfig.h: configNUM_THREAD_LOCAL_STORAGE_POINTERS has no room for MEMTRACK_FREERTOS_POINTERS from MEMTRACK_FREERTOS_INDEX on"
#endif
#if !defined(configRECORD_STACK_HIGH_ADDRESS) || configRECORD_STACK_HIGH_ADDRESS != 1
#error "FreeRTOSConfig.h: define configRECORD_STACK_HIGH_ADDRESS as 1, so that memtrack knows the ends of stacks"
#endif
#if !defined(INCLUDE_xTaskGetSchedulerState) || INCLUDE_xTaskGetSchedulerState != 1
#error "FreeRTOSConfig.h: define INCLUDE_xTaskGetSchedulerState as 1, so that memtrack knows when main ends"
#endif
#if portSTACK_GROWTH > 0
#error "memtrack_freertos.h knows only stacks that grow towards lower addresses"
#endif

/*
 * 1 suspends the scheduler during each allocation and free, until memtrack has counted it. It is for programs in which a task
 * deletes another one at any moment: that other task is then never in the middle of an event. The heap itself suspends the
 * scheduler in any case, for a shorter time.
 */
#ifndef MEMTRACK_FREERTOS_LOCK
#define MEMTRACK_FREERTOS_LOCK 0
#endif

#ifdef __cplusplus
extern "C" {
#endif

void *__real_pvPortMalloc(size_t size);
void __real_vPortFree(void *block);
void *__wrap_pvPortMalloc(size_t size);
void *__wrap_pvPortCalloc(size_t count, size_t size);
void __wrap_vPortFree(void *block);

void *__wrap_pvPortMalloc(size_t size) { return memtrack_malloc(size); }

void *__wrap_pvPortCalloc(size_t count, size_t size) { return memtrack_calloc(count, size); }

void __wrap_vPortFree(void *block) { memtrack_free(block); }

static void *memtrack_freertos_allocate(void *context, size_t size, size_t align) {
    (void)context;
    return align > portBYTE_ALIGNMENT ? NULL : __real_pvPortMalloc(size);
}

static void memtrack_freertos_release(void *context, void *block) {
    (void)context;
    __real_vPortFree(block);
}

static memtrack_context_t *memtrack_freertos_current(void *context) {
    /* A context that was never made: events of a task without one are counted as losses. */
    static memtrack_context_t none;
    memtrack_context_t *running;
    (void)context;
    if (xTaskGetSchedulerState() == taskSCHEDULER_NOT_STARTED) {
        return NULL;
    }
    running = (memtrack_context_t *)pvTaskGetThreadLocalStoragePointer(NULL, MEMTRACK_FREERTOS_INDEX);
    return running == NULL ? &none : running;
}

#if MEMTRACK_FREERTOS_LOCK
static size_t memtrack_freertos_lock(void *context) {
    (void)context;
    vTaskSuspendAll();
    return 0;
}

static void memtrack_freertos_unlock(void *context, size_t locked) {
    (void)context;
    (void)locked;
    (void)xTaskResumeAll();
}
#endif

memtrack_result_t memtrack_freertos_start(const void *stack_low, const void *stack_high) {
    static const memtrack_allocator_t heap = {
        sizeof heap, NULL, memtrack_freertos_allocate, memtrack_freertos_release, NULL,
    };
    static const memtrack_platform_t kernel = {
        sizeof kernel, NULL, memtrack_freertos_current,
#if MEMTRACK_FREERTOS_LOCK
        memtrack_freertos_lock, memtrack_freertos_unlock,
#else
        NULL, NULL,
#endif
    };
    memtrack_result_t result = memtrack_set_stack(stack_low, stack_high);
    if (result == MEMTRACK_OK) {
        result = memtrack_set_allocator(&heap);
    }
    if (result == MEMTRACK_OK) {
        result = memtrack_set_platform(&kernel);
    }
    return result;
}

#ifdef __cplusplus
}
#endif

#endif
