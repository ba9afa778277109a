/*
 * A small preemptive kernel for tests, in place of FreeRTOS: it has the names that memtrack_freertos.h and the programs beside it
 * use, with FreeRTOS's meaning. All tasks have one priority and take turns at every tick.
 */
#ifndef FREERTOS_H
#define FREERTOS_H

#include <stddef.h>
#include <stdint.h>

#include "FreeRTOSConfig.h"

typedef int32_t BaseType_t;
typedef uint32_t StackType_t;

#define pdPASS 1
#define pdFALSE 0
#define portBYTE_ALIGNMENT 8
#define portSTACK_GROWTH (-1)

/* The heap: interrupts are turned off for a moment, so interrupts may allocate too. */
void *pvPortMalloc(size_t size);
void *pvPortCalloc(size_t count, size_t size);
void vPortFree(void *block);

#endif
