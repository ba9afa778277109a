/* The kernel's tasks, in FreeRTOS's words. */
#ifndef TASK_H
#define TASK_H

#include "FreeRTOS.h"

typedef struct tskTaskControlBlock *TaskHandle_t;
typedef void (*TaskFunction_t)(void *argument);

enum { taskSCHEDULER_SUSPENDED = 0, taskSCHEDULER_NOT_STARTED = 1, taskSCHEDULER_RUNNING = 2 };

/* Makes a task, whose stack has `depth` words. Control block and stack come from pvPortMalloc. */
BaseType_t xTaskCreate(TaskFunction_t function, const char *name, uint32_t depth, void *argument, uint32_t priority,
                       TaskHandle_t *handle);

/* Deletes a task, the running one for NULL. Another task frees its memory later. */
void vTaskDelete(TaskHandle_t task);

/* Runs the tasks. Does not return. */
void vTaskStartScheduler(void);

void vTaskSuspendAll(void);
BaseType_t xTaskResumeAll(void);
BaseType_t xTaskGetSchedulerState(void);
void *pvTaskGetThreadLocalStoragePointer(TaskHandle_t task, BaseType_t index);
TaskHandle_t xTaskGetCurrentTaskHandle(void);

/* Lets another task run. */
void taskYIELD(void);

/* How often tasks were switched. */
uint32_t kernel_switches(void);

#endif
