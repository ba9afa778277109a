/* The names of Zephyr that memtrack_zephyr.h uses, over the small kernel of this folder. */
#ifndef ZEPHYR_KERNEL_H
#define ZEPHYR_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#define CONFIG_SYS_HEAP_LISTENER 1
#define CONFIG_THREAD_CUSTOM_DATA 1
#define CONFIG_THREAD_STACK_INFO 1
#define CONFIG_THREAD_NAME 1

struct k_thread {
    struct {
        uintptr_t start;
        size_t size;
    } stack_info;
    void *custom_data;
    char name[16];
};

/* The running thread; NULL before the kernel starts. */
struct k_thread *k_current_get(void);
const char *k_thread_name_get(struct k_thread *thread);
void *k_thread_custom_data_get(void);
void k_thread_custom_data_set(void *value);

struct sys_heap {
    uint32_t unused;
};

/* Allocate and free, and notify the listeners while interrupts are off. */
void *sys_heap_alloc(struct sys_heap *heap, size_t bytes);
void sys_heap_free(struct sys_heap *heap, void *block);

#endif
