/*
 * Allocations with known figures, for memtrack, heaptrack and DHAT to count. Nothing else allocates.
 *
 *   function  allocations                         bytes            fate
 *   keep      100 of 64                           6 400            alive at the end, reachable
 *   leak      7 of 33                             231              alive at the end, lost
 *   churn     1 000 of 100                        100 000          each freed at once: temporary
 *   zero      10 of 10 times 50 (calloc)          5 000            freed at the end
 *   grow      16, then realloc to 32 … 16 384     32 752           one malloc and 10 reallocs; freed after `peak`
 *   shrink    5 000, then realloc to 1 000        6 000            one malloc and one realloc; freed after `peak`
 *   align     3 of 1 000 at 256 (posix_memalign)  3 000            freed after `peak`
 *   peak      one of 50 000                       50 000           freed at once; the program's peak: all but churn
 */
#define _GNU_SOURCE
#include <stdlib.h>

#define FUNCTION __attribute__((noinline)) static

static void *volatile kept[100], *volatile lost, *volatile zeroed[10], *volatile aligned[3];

FUNCTION void keep(void) {
    for (int i = 0; i < 100; i++) {
        kept[i] = malloc(64);
    }
}

FUNCTION void leak(void) {
    for (int i = 0; i < 7; i++) {
        lost = malloc(33);
    }
    lost = NULL;
}

FUNCTION void churn(void) {
    for (int i = 0; i < 1000; i++) {
        void *volatile block = malloc(100);
        free(block);
    }
}

FUNCTION void zero(void) {
    for (int i = 0; i < 10; i++) {
        zeroed[i] = calloc(10, 50);
    }
}

FUNCTION void *grow(void) {
    void *block = malloc(16);
    for (size_t size = 32; size <= 16384; size *= 2) {
        block = realloc(block, size);
    }
    return block;
}

FUNCTION void *shrink(void) {
    void *block = malloc(5000);
    return realloc(block, 1000);
}

FUNCTION void align(void) {
    for (int i = 0; i < 3; i++) {
        void *block = NULL;
        if (posix_memalign(&block, 256, 1000) != 0) {
            exit(1);
        }
        aligned[i] = block;
    }
}

FUNCTION void peak(void) {
    void *volatile block = malloc(50000);
    free(block);
}

int main(void) {
    keep();
    leak();
    churn();
    zero();
    void *grown = grow(), *shrunk = shrink();
    align();
    peak();
    free(grown);
    free(shrunk);
    for (int i = 0; i < 3; i++) {
        free(aligned[i]);
    }
    for (int i = 0; i < 10; i++) {
        free(zeroed[i]);
    }
    return 0;
}
