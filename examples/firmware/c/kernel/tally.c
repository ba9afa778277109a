#include "tally.h"

#include <stddef.h>

#include "memtrack.h"

tally tallies[OWNERS + 1];

static uint32_t add(uint32_t *to, uint32_t more) { return __atomic_add_fetch(to, more, __ATOMIC_SEQ_CST); }

static void raise(uint32_t *peak, uint32_t now) {
    uint32_t before = __atomic_load_n(peak, __ATOMIC_SEQ_CST);
    while (before < now && !__atomic_compare_exchange_n(peak, &before, now, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
    }
}

static void before_alloc(tally *of, uint32_t size) { raise(&of->high_peak, add(&of->high, size)); }

static void after_alloc(tally *of, uint32_t size) {
    add(&of->allocs, 1);
    raise(&of->low_peak, add(&of->low, size));
}

static void failed(tally *of, uint32_t size) { add(&of->high, -size); }

static void before_free(tally *of, uint32_t size) { add(&of->low, -size); }

static void after_free(tally *of, uint32_t size) {
    add(&of->frees, 1);
    add(&of->high, -size);
}

static void both(void (*count)(tally *of, uint32_t size), unsigned owner, uint32_t size) {
    count(&tallies[owner], size);
    count(&tallies[OWNERS], size);
}

void *tally_malloc(unsigned owner, uint32_t size) {
    uint32_t *block;
    both(before_alloc, owner, size);
    block = memtrack_malloc(size);
    if (block == NULL) {
        both(failed, owner, size);
        return NULL;
    }
    block[0] = size;
    block[1] = owner;
    both(after_alloc, owner, size);
    return block;
}

void tally_free(void *block) {
    if (block != NULL) {
        uint32_t size = ((uint32_t *)block)[0], owner = ((uint32_t *)block)[1];
        both(before_free, owner, size);
        memtrack_free(block);
        both(after_free, owner, size);
    }
}
