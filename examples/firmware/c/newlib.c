/*
 * The C library's heap. The linker redirects every call of malloc, calloc, realloc and free to memtrack
 * (-Wl,--wrap=malloc …). It names the C library's own functions __real_malloc …; memtrack takes its blocks from these.
 */
#include <malloc.h>
#include <stdlib.h>

#include "program.h"

void *__real_malloc(size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);

/* The alignment of malloc's blocks. */
enum { NATURAL = 8 };

static void *allocate(void *context, size_t size, size_t align) {
    (void)context;
    return align <= NATURAL ? __real_malloc(size) : memalign(align, size);
}

static void *resize(void *context, void *block, size_t size) {
    (void)context;
    return __real_realloc(block, size);
}

static void release(void *context, void *block) {
    (void)context;
    __real_free(block);
}

const memtrack_allocator_t program_allocator = {
    .size = sizeof program_allocator,
    .allocate = allocate,
    .release = release,
    .resize = resize,
};

/* Memory for the C library's malloc. */
void *_sbrk(ptrdiff_t bytes);
void *_sbrk(ptrdiff_t bytes) {
    static char memory[16 << 10] __attribute__((aligned(8)));
    static ptrdiff_t used;
    void *block = memory + used;
    if (bytes > (ptrdiff_t)sizeof memory - used) {
        return (void *)-1;
    }
    used += bytes;
    return block;
}
