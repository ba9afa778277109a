/* Zephyr's interface of a heap's listeners. */
#ifndef ZEPHYR_HEAP_LISTENER_H
#define ZEPHYR_HEAP_LISTENER_H

#include <stddef.h>
#include <stdint.h>

enum heap_event_types { HEAP_EVT_UNKNOWN, HEAP_RESIZE, HEAP_ALLOC, HEAP_FREE };

struct heap_listener {
    struct heap_listener *next;
    uintptr_t heap_id;
    enum heap_event_types event;
    union {
        void (*alloc_cb)(uintptr_t heap_id, void *mem, size_t bytes);
        void (*free_cb)(uintptr_t heap_id, void *mem, size_t bytes);
    };
};

void heap_listener_register(struct heap_listener *listener);

#define HEAP_ID_FROM_POINTER(heap) ((uintptr_t)(heap))

#endif
