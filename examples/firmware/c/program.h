/* The part that differs between the two programs: the source of blocks. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "memtrack.h"

extern const memtrack_allocator_t program_allocator;

#endif
