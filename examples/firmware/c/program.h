/* What the two programs differ in: where blocks come from. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "memtrack.h"

extern const memtrack_allocator_t program_allocator;

#endif
