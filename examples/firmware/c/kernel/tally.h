/*
 * A count of its own beside memtrack's. Under preemption nobody can say at which moment memtrack counts an event; so there are
 * two counts of live bytes. The low one counts a block after its allocation and until its free begins, the high one before
 * its allocation and until its free has ended. At every moment the truth is between the two, and so is its peak.
 */
#ifndef TALLY_H
#define TALLY_H

#include <stdint.h>

typedef struct tally {
    uint32_t allocs, frees, low, low_peak, high, high_peak;
} tally;

/* Allocates a block of at least 8 bytes, which remembers its size and its owner. NULL if there is no memory. */
void *tally_malloc(unsigned owner, uint32_t size);

/* Frees such a block, whoever owns it; NULL does nothing. */
void tally_free(void *block);

enum { OWNERS = 8 };
/* The last one is the sum. */
extern tally tallies[OWNERS + 1];

#endif
