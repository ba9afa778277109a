/* The trace macros of a program that gives memtrack its tasks by hand, without memtrack_freertos.h. */
#ifndef TRACE_H
#define TRACE_H

void task_created(const char *name, const void *stack_low, const void *stack_high, void **context);
void task_deleted(void **context);

#define traceTASK_CREATE(task) \
    task_created((task)->pcTaskName, (task)->pxStack, (task)->pxEndOfStack + 1, (task)->pvThreadLocalStoragePointers)
#define traceTASK_DELETE(task) task_deleted((task)->pvThreadLocalStoragePointers)

#endif
