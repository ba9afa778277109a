/*
 * Every allocation function of the C library, used and misused as programs do it. The output must be the same with
 * and without a preloaded library. Each leak_… function leaks a block of a size of its own.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <string.h>

#include "check.h"

#define FUNCTION __attribute__((noinline))

static void *volatile kept[16];

static int is_filled(const unsigned char *block, unsigned char with, size_t size) {
    while (size > 0 && *block == with) {
        block++;
        size--;
    }
    return size == 0;
}

/* Hides the value from the compiler. */
static size_t opaque(size_t n) {
    volatile size_t hidden = n;
    return hidden;
}

FUNCTION static void leak_malloc(void) { kept[0] = malloc(1000); }
FUNCTION static void leak_calloc(void) { kept[1] = calloc(20, 100); }
FUNCTION static void leak_realloc(void) { kept[2] = realloc(malloc(10), 3000); }
FUNCTION static void leak_reallocarray(void) { kept[3] = reallocarray(NULL, 40, 100); }
FUNCTION static void leak_posix_memalign(void) {
    void *block = NULL;
    CHECK(posix_memalign(&block, 64, 5000) == 0);
    kept[4] = block;
}
FUNCTION static void leak_aligned_alloc(void) { kept[5] = aligned_alloc(128, 6016); }
FUNCTION static void leak_memalign(void) { kept[6] = memalign(256, 7000); }
FUNCTION static void leak_valloc(void) { kept[7] = valloc(8000); }
/* musl has no such function, unless the preloaded library brings it. */
FUNCTION static void leak_pvalloc(void) {
    void *(*pvalloc)(size_t);
    *(void **)&pvalloc = dlsym(RTLD_DEFAULT, "pvalloc");
    kept[8] = pvalloc != NULL ? pvalloc(9000) : NULL;
}
FUNCTION static void leak_strdup(void) {
    char text[500];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    kept[9] = strdup(text);
}

/* Blocks of all sizes are aligned and distinct; all of their usable size can be written, and survives a realloc. */
FUNCTION static void usable(void) {
    size_t size, can;
    for (size = 0; size < 5000; size = size * 5 / 4 + 1) {
        unsigned char *block = malloc(size), *other = malloc(size);
        can = malloc_usable_size(block);
        CHECK(block != NULL && (uintptr_t)block % 16 == 0 && can >= size && block != other);
        memset(block, 7, can);
        memset(other, 8, malloc_usable_size(other));
        CHECK(is_filled(block, 7, can));
        block = realloc(block, size + 4000);
        CHECK(block != NULL && is_filled(block, 7, can) && malloc_usable_size(block) >= size + 4000);
        memset(block, 9, malloc_usable_size(block));
        block = realloc(block, size / 2 + 1);
        CHECK(block != NULL && is_filled(block, 9, size / 2 + 1));
        free(block);
        free(other);
    }
    CHECK(malloc_usable_size(NULL) == 0);
    free(NULL);
}

FUNCTION static void aligned(void) {
    size_t align;
    for (align = sizeof(void *); align <= 65536; align *= 2) {
        void *block = NULL, *second = memalign(align, 1), *third = aligned_alloc(align, align);
        CHECK(posix_memalign(&block, align, align + 3) == 0 && (uintptr_t)block % align == 0);
        CHECK((uintptr_t)second % align == 0 && (uintptr_t)third % align == 0);
        memset(block, 1, malloc_usable_size(block));
        memset(second, 2, malloc_usable_size(second));
        block = realloc(block, 3 * align);
        CHECK(is_filled(block, 1, align + 3));
        free(block);
        free(second);
        free(third);
    }
}

FUNCTION static void zeroed(void) {
    size_t i;
    for (i = 1; i < 2000000; i *= 3) {
        unsigned char *dirty = malloc(i), *block;
        memset(dirty, 0xff, malloc_usable_size(dirty));
        free(dirty);
        block = calloc(i, 1);
        CHECK(is_filled(block, 0, i));
        memset(block, 0xff, i);
        free(block);
    }
}

FUNCTION static void errors(void) {
    void *block = &block;
    size_t huge = opaque(SIZE_MAX);
    errno = 0;
    CHECK(malloc(huge) == NULL && errno == ENOMEM);
    CHECK(malloc(huge - 4) == NULL && malloc(huge - 100) == NULL && malloc(huge / 2 + 1) == NULL);
    errno = 0;
    CHECK(calloc(huge / 4, 5) == NULL && errno == ENOMEM);
    errno = 0;
    CHECK(reallocarray(NULL, huge / 4, 5) == NULL && errno == ENOMEM);
    errno = 0;
    CHECK(memalign(64, huge - 100) == NULL && errno == ENOMEM);
    errno = 0;
    CHECK(valloc(huge - 100) == NULL && errno == ENOMEM);
    CHECK(posix_memalign(&block, opaque(3), 10) == EINVAL && posix_memalign(&block, opaque(4), 10) == EINVAL);
    CHECK(posix_memalign(&block, opaque(0), 10) == EINVAL && block == &block);
    CHECK(posix_memalign(&block, 64, huge - 100) == ENOMEM);
    block = malloc(100);
    memset(block, 5, 100);
    errno = 0;
    CHECK(realloc(block, huge - 100) == NULL && errno == ENOMEM && is_filled(block, 5, 100));
    free(block);
}

/* Calls that succeed leave errno alone. */
FUNCTION static void quiet(void) {
    void *block;
    errno = 77;
    free(malloc(10));
    free(calloc(10, 10));
    free(realloc(malloc(10), 100));
    free(malloc(1 << 20));
    CHECK(posix_memalign(&block, 64, 10) == 0);
    free(block);
    CHECK(errno == 77);
}

/* Size 0: distinct blocks, and glibc's behaviour of realloc. */
FUNCTION static void nothing(void) {
    void *volatile none = malloc(0), *volatile other = calloc(0, 5);
    CHECK(none != NULL && other != NULL && none != other);
    free(other);
    printf("realloc to nothing: %s\n", realloc(none, opaque(0)) == NULL ? "freed" : "a block");
    none = realloc(NULL, 0);
    CHECK(none != NULL);
    free(none);
}

/* Functions of C23, which not every C library has. */
FUNCTION static void sized(void) {
    void (*free_sized)(void *, size_t), (*free_aligned_sized)(void *, size_t, size_t);
    *(void **)&free_sized = dlsym(RTLD_DEFAULT, "free_sized");
    *(void **)&free_aligned_sized = dlsym(RTLD_DEFAULT, "free_aligned_sized");
    if (free_sized != NULL && free_aligned_sized != NULL) {
        free_sized(malloc(100), 100);
        free_aligned_sized(aligned_alloc(64, 128), 64, 128);
        free_sized(NULL, 0);
    }
}

/* Allocations of the dynamic linker itself. */
FUNCTION static void linker(void) {
    CHECK(dlsym(RTLD_NEXT, "no_such_function_anywhere") == NULL && dlerror() != NULL);
    CHECK(dlopen("libno-such-library.so", RTLD_NOW) == NULL && dlerror() != NULL);
}

int main(void) {
    static char buffer[BUFSIZ];
    /* Otherwise the first function that prints would allocate a buffer. */
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    leak_malloc();
    leak_calloc();
    leak_realloc();
    leak_reallocarray();
    leak_posix_memalign();
    leak_aligned_alloc();
    leak_memalign();
    leak_valloc();
    leak_pvalloc();
    leak_strdup();
    usable();
    aligned();
    zeroed();
    errors();
    quiet();
    nothing();
    sized();
    linker();
    puts("all well");
    return 42;
}
