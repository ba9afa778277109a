/*
 * A heap of the program's own: chunks in a row. An allocation takes the first chunk that is free and long enough.
 * memtrack_malloc … take their blocks from it.
 */
#include "program.h"

typedef struct chunk {
    /* Bytes from this chunk to the next. */
    uint32_t length;
    uint32_t used;
} chunk;

enum { SIZE = 16 << 10, NATURAL = sizeof(chunk) };

static uint64_t memory[SIZE / sizeof(uint64_t)];

static chunk *after(chunk *at) { return (chunk *)((char *)at + at->length); }

static int is_inside(const chunk *at) { return (const char *)at < (const char *)memory + SIZE; }

/* Merges the free chunks that follow. */
static void join(chunk *at) {
    while (is_inside(after(at)) && !after(at)->used) {
        at->length += after(at)->length;
    }
}

/* Cuts a chunk after `length` bytes; the rest becomes a chunk of its own. */
static void split(chunk *at, uint32_t length) {
    uint32_t rest = at->length - length;
    if (rest >= 2 * sizeof(chunk)) {
        at->length = length;
        after(at)->length = rest;
        after(at)->used = 0;
    }
}

static void *allocate(void *context, size_t size, size_t align) {
    chunk *at = (chunk *)memory;
    (void)context;
    /* No caller here asks for more than malloc's alignment. */
    if (size > SIZE || align > NATURAL) {
        return NULL;
    }
    if (at->length == 0) {
        at->length = SIZE;
    }
    size = (size + sizeof(chunk) + NATURAL - 1) & ~(size_t)(NATURAL - 1);
    for (; is_inside(at); at = after(at)) {
        if (!at->used) {
            join(at);
            if (at->length >= size) {
                split(at, size);
                at->used = 1;
                return at + 1;
            }
        }
    }
    return NULL;
}

static void release(void *context, void *block) {
    (void)context;
    ((chunk *)block - 1)->used = 0;
}

/* It cannot resize: memtrack allocates a new block and copies. */
const memtrack_allocator_t program_allocator = {
    .size = sizeof program_allocator,
    .allocate = allocate,
    .release = release,
};

/* The C library has no memory of its own. */
void *_sbrk(ptrdiff_t bytes);
void *_sbrk(ptrdiff_t bytes) {
    (void)bytes;
    return (void *)-1;
}
