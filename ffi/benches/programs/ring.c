/*
 * W1: one allocation and one free per step, 16 to 1024 bytes, under one of eight stacks of about 24 frames. A ring of 64
 * blocks delays the frees.
 */
#include <stdint.h>
#include <stdlib.h>

#define DEEP __attribute__((noinline, noclone)) static int

static void *volatile ring[64];
static uint64_t state = 1;

static uint64_t next_random(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return state >> 33;
}

typedef struct request {
    size_t size;
    unsigned path;
    void *block;
} request;

DEEP level_20(request *r) {
    r->block = malloc(r->size);
    *(volatile char *)r->block = 1;
    return 1;
}
/* Each adds something, or the compiler would make a jump of the call; twins add different things, or it would merge them. */
#define LEVEL(name, next, n)                                                                                           \
    DEEP name(request *r) { return next(r) + n; }
#define FORK(name, bit, one, other)                                                                                    \
    DEEP name(request *r) { return (r->path & bit ? one(r) : other(r)) + 1; }
LEVEL(level_19, level_20, 1)
LEVEL(level_18, level_19, 1)
LEVEL(level_17a, level_18, 1)
LEVEL(level_17b, level_18, 2)
FORK(level_16, 4, level_17a, level_17b)
LEVEL(level_15, level_16, 1)
LEVEL(level_14, level_15, 1)
LEVEL(level_13, level_14, 1)
LEVEL(level_12, level_13, 1)
LEVEL(level_11, level_12, 1)
LEVEL(level_10a, level_11, 1)
LEVEL(level_10b, level_11, 2)
FORK(level_9, 2, level_10a, level_10b)
LEVEL(level_8, level_9, 1)
LEVEL(level_7, level_8, 1)
LEVEL(level_6, level_7, 1)
LEVEL(level_5, level_6, 1)
LEVEL(level_4, level_5, 1)
LEVEL(level_3a, level_4, 1)
LEVEL(level_3b, level_4, 2)
FORK(level_2, 1, level_3a, level_3b)
LEVEL(level_1, level_2, 1)

int main(int argc, char **argv) {
    unsigned long steps = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
    int sum = 0;
    for (unsigned long i = 0; i < steps; i++) {
        uint64_t random = next_random();
        request r = {16 + random % 1009, (unsigned)(random >> 20) & 7, NULL};
        sum += level_1(&r);
        free(ring[i % 64]);
        ring[i % 64] = r.block;
    }
    for (int i = 0; i < 64; i++) {
        free(ring[i]);
    }
    return sum == 0;
}
