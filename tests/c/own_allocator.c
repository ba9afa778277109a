/* A program that is linked with its own allocator. No block of one allocator reaches the other. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "check.h"

#define ROOM (8 << 20)

static _Alignas(64) char memory[ROOM];
static size_t used = 64, allocations;

void *aligned_alloc(size_t align, size_t size) {
    size_t at = (used + 64 + align - 1) / align * align;
    if (size > ROOM || at > ROOM - size) {
        errno = ENOMEM;
        return NULL;
    }
    *(size_t *)(memory + at - 16) = size;
    used = at + size;
    allocations++;
    return memory + at;
}

void *malloc(size_t size) { return aligned_alloc(16, size); }

void *calloc(size_t count, size_t size) { return malloc(count * size); }

void free(void *block) { CHECK(block == NULL || ((char *)block > memory && (char *)block < memory + ROOM)); }

size_t malloc_usable_size(void *block) { return block == NULL ? 0 : *(size_t *)((char *)block - 16); }

void *realloc(void *block, size_t size) {
    size_t before = malloc_usable_size(block);
    void *other = malloc(size);
    if (other != NULL && block != NULL) {
        memcpy(other, block, before < size ? before : size);
    }
    return other;
}

void *memalign(size_t align, size_t size) { return aligned_alloc(align, size); }

int posix_memalign(void **to, size_t align, size_t size) {
    *to = aligned_alloc(align, size);
    return *to == NULL ? ENOMEM : 0;
}

int main(void) {
    char *text = strdup("its own");
    char line[64];
    int i;
    for (i = 0; i < 1000; i++) {
        free(realloc(malloc(100), 200));
    }
    snprintf(line, sizeof line, "%s: %d", text, allocations > 2000);
    puts(line);
    free(text);
    return 0;
}
