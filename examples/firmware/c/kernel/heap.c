/* The kernel's heap, in place of heap_4.c: chunks in a row. An allocation takes the first chunk that is free and long enough. */
#include <stddef.h>
#include <string.h>

#include "FreeRTOS.h"

typedef struct chunk {
    /* Bytes from this chunk to the next. */
    uint32_t length;
    uint32_t used;
} chunk;

enum { SIZE = 24 << 10, NATURAL = sizeof(chunk) };

static uint64_t memory[SIZE / sizeof(uint64_t)];

static chunk *after(chunk *at) { return (chunk *)((char *)at + at->length); }

static int is_inside(const chunk *at) { return (const char *)at < (const char *)memory + SIZE; }

static uint32_t interrupts_off(void) {
    uint32_t before;
    __asm__ volatile("mrs %0, primask\n cpsid i" : "=r"(before)::"memory");
    return before;
}

static void interrupts_as(uint32_t before) { __asm__ volatile("msr primask, %0" ::"r"(before) : "memory"); }

/* Merges the free chunks that follow, and gives what is beyond `length` bytes back. */
static int fits(chunk *at, uint32_t length) {
    while (is_inside(after(at)) && !after(at)->used) {
        at->length += after(at)->length;
    }
    if (at->length < length) {
        return 0;
    }
    if (at->length - length >= 2 * sizeof(chunk)) {
        uint32_t rest = at->length - length;
        at->length = length;
        after(at)->length = rest;
        after(at)->used = 0;
    }
    return 1;
}

void *pvPortMalloc(size_t size) {
    chunk *at = (chunk *)memory;
    void *block = NULL;
    uint32_t before;
    if (size > SIZE) {
        return NULL;
    }
    size = (size + sizeof(chunk) + NATURAL - 1) & ~(size_t)(NATURAL - 1);
    before = interrupts_off();
    if (at->length == 0) {
        at->length = SIZE;
    }
    for (; block == NULL && is_inside(at); at = after(at)) {
        if (!at->used && fits(at, size)) {
            at->used = 1;
            block = at + 1;
        }
    }
    interrupts_as(before);
    return block;
}

void *pvPortCalloc(size_t count, size_t size) {
    void *block = size != 0 && count > SIZE / size ? NULL : pvPortMalloc(count * size);
    if (block != NULL) {
        memset(block, 0, count * size);
    }
    return block;
}

void vPortFree(void *block) {
    if (block != NULL) {
        ((chunk *)block - 1)->used = 0;
    }
}

/* The C library has no memory of its own. */
void *_sbrk(ptrdiff_t bytes);
void *_sbrk(ptrdiff_t bytes) {
    (void)bytes;
    return (void *)-1;
}
