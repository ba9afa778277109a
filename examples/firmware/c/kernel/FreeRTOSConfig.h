/* The kernel's configuration: that of a program with memtrack_freertos.h, or of one that knows the trace macros itself. */
#ifndef FREERTOS_CONFIG_H
#define FREERTOS_CONFIG_H

/* Cycles of the processor between two ticks. Every tick switches tasks. */
#ifndef configTICK_CYCLES
#define configTICK_CYCLES 1500
#endif

#ifdef TRACE_BY_HAND
#include "trace.h"
#define configNUM_THREAD_LOCAL_STORAGE_POINTERS 1
#else
#define configNUM_THREAD_LOCAL_STORAGE_POINTERS MEMTRACK_FREERTOS_POINTERS
#define configRECORD_STACK_HIGH_ADDRESS 1
#define INCLUDE_xTaskGetSchedulerState 1
#define configTASK_RETURN_ADDRESS 0
#include "memtrack_freertos.h"
#endif

#endif
