/*
 * A library with an allocator, as used in production, preloaded behind memtrack's library: memtrack must take its
 * blocks from it. It marks its blocks, and ends the program when it is asked to free a block that has no mark. Its
 * constructor allocates before `main`. With NO_SIZES it does not export malloc_usable_size, with NO_MEMALIGN it does
 * not export memalign.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void *__libc_memalign(size_t align, size_t size);
void __libc_free(void *block);

/* Precedes each block. */
typedef struct head {
    size_t size;
    uint64_t mark;
    void *base;
} head;

#define MARK 0x6d656d747261636bu

static unsigned long allocations;

#ifdef NO_SIZES
#define malloc_usable_size own_usable_size
#endif
#ifdef NO_MEMALIGN
#define memalign own_memalign
#endif

static head *head_of(void *block) { return (head *)((char *)block - sizeof(head)); }

void *memalign(size_t align, size_t size) {
    size_t offset = align < 64 ? 64 : align;
    char *base = size > SIZE_MAX / 2 ? NULL : __libc_memalign(offset, offset + size);
    if (base == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    *head_of(base + offset) = (head){size, MARK, base};
    __atomic_add_fetch(&allocations, 1, __ATOMIC_RELAXED);
    return base + offset;
}

void *malloc(size_t size) { return memalign(16, size); }

void *aligned_alloc(size_t align, size_t size) { return memalign(align, size); }

void *valloc(size_t size) { return memalign(4096, size); }

void *pvalloc(size_t size) { return memalign(4096, size > SIZE_MAX / 2 ? size : (size + 4095) / 4096 * 4096); }

int posix_memalign(void **to, size_t align, size_t size) {
    void *block;
    if (align % sizeof(void *) != 0 || align == 0 || (align & (align - 1)) != 0) {
        return EINVAL;
    }
    block = memalign(align, size);
    if (block == NULL) {
        return ENOMEM;
    }
    *to = block;
    return 0;
}

void *calloc(size_t count, size_t size) {
    void *block = malloc(size != 0 && count > SIZE_MAX / size ? SIZE_MAX : count * size);
    return block == NULL ? NULL : memset(block, 0, count * size);
}

size_t malloc_usable_size(void *block) { return block == NULL ? 0 : head_of(block)->size; }

void free(void *block) {
    if (block == NULL) {
        return;
    }
    if (head_of(block)->mark != MARK) {
        static const char text[] = "a block that is not mine\n";
        _exit(write(2, text, sizeof text - 1) > 0 ? 99 : 98);
    }
    head_of(block)->mark = 0;
    __libc_free(head_of(block)->base);
}

void *realloc(void *block, size_t size) {
    size_t before = malloc_usable_size(block);
    void *other = malloc(size);
    if (other != NULL && block != NULL) {
        memcpy(other, block, before < size ? before : size);
        free(block);
    }
    return other;
}

__attribute__((constructor)) static void early(void) { free(strdup("early")); }

__attribute__((destructor)) static void tell(void) {
    char line[64];
    int length = snprintf(line, sizeof line, "next allocator: %d\n", allocations > 100);
    if (write(2, line, (size_t)length) != length) {
        _exit(97);
    }
}
