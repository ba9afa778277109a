#include "task.h"

#include <string.h>

typedef struct tskTaskControlBlock {
    /* Its stack pointer while another task runs. */
    StackType_t *pxTopOfStack;
    struct tskTaskControlBlock *next;
    uint32_t deleted;
    StackType_t *pxStack, *pxEndOfStack;
    char pcTaskName[16];
    void *pvThreadLocalStoragePointers[configNUM_THREAD_LOCAL_STORAGE_POINTERS];
} TCB_t;

#define SYST ((volatile uint32_t *)0xE000E010)
#define ICSR (*(volatile uint32_t *)0xE000ED04)
#define SHPR3 (*(volatile uint32_t *)0xE000ED20)
enum { PEND_SV = 1 << 28, THUMB = 1 << 24, TO_TASK = (int)0xFFFFFFFD, FRAME = 8, SAVED = 9 };

/* A ring of all tasks that may run; the deleted ones, whose memory the idle task frees. */
static TCB_t *volatile running, *volatile deleted;
static volatile uint32_t suspended, started, switches, missed;

uint32_t kernel_switches(void) { return switches; }

static uint32_t interrupts_off(void) {
    uint32_t before;
    __asm__ volatile("mrs %0, primask\n cpsid i" : "=r"(before)::"memory");
    return before;
}

static void interrupts_as(uint32_t before) { __asm__ volatile("msr primask, %0" ::"r"(before) : "memory"); }

void taskYIELD(void) {
    ICSR = PEND_SV;
    __asm__ volatile("dsb\n isb" ::: "memory");
}

/* The tick and the switch have the lowest priority: both interrupt tasks only. */
void kernel_tick(void);
void kernel_tick(void) {
    if (suspended) {
        missed = 1;
    } else {
        ICSR = PEND_SV;
    }
}

StackType_t *kernel_next(StackType_t *sp);
StackType_t *kernel_next(StackType_t *sp) {
    uint32_t before = interrupts_off();
    running->pxTopOfStack = sp;
    if (!suspended) {
        TCB_t *from = running, *last = from;
        while (last->next != from) {
            last = last->next;
        }
        running = from->next;
        if (from->deleted) {
            last->next = from->next;
            from->next = deleted;
            deleted = from;
        }
        switches++;
    }
    interrupts_as(before);
    return running->pxTopOfStack;
}

BaseType_t xTaskCreate(TaskFunction_t function, const char *name, uint32_t depth, void *argument, uint32_t priority,
                       TaskHandle_t *handle) {
    TCB_t *task = pvPortMalloc(sizeof *task);
    StackType_t *stack = pvPortMalloc(depth * sizeof *stack), *sp;
    uint32_t before;
    (void)priority;
    if (task == NULL || stack == NULL) {
        vPortFree(task);
        vPortFree(stack);
        return pdFALSE;
    }
    memset(task, 0, sizeof *task);
    task->pxStack = stack;
    task->pxEndOfStack = stack + (depth & ~1u) - 1;
    strncpy(task->pcTaskName, name, sizeof task->pcTaskName - 1);
    /* An exception's frame, with a return address of 0; below it, the registers of the switch. */
    sp = task->pxEndOfStack + 1 - FRAME;
    memset(sp - SAVED, 0, (SAVED + FRAME) * sizeof *sp);
    sp[0] = (StackType_t)argument;
    sp[6] = (StackType_t)function & ~1u;
    sp[7] = THUMB;
    sp[-1] = (StackType_t)TO_TASK;
    task->pxTopOfStack = sp - SAVED;
    before = interrupts_off();
    traceTASK_CREATE(task);
    if (running == NULL) {
        running = task->next = task;
    } else {
        task->next = running->next;
        running->next = task;
    }
    interrupts_as(before);
    if (handle != NULL) {
        *handle = task;
    }
    return pdPASS;
}

void vTaskDelete(TaskHandle_t task) {
    uint32_t before = interrupts_off();
    TCB_t *gone = task == NULL ? running : task;
    traceTASK_DELETE(gone);
    gone->deleted = 1;
    if (gone != running) {
        TCB_t *last = running;
        while (last->next != gone) {
            last = last->next;
        }
        last->next = gone->next;
        gone->next = deleted;
        deleted = gone;
    }
    interrupts_as(before);
    while (gone == running) {
        taskYIELD();
    }
}

/* Frees what deleted tasks have left. */
static void idle(void *argument) {
    (void)argument;
    for (;;) {
        uint32_t before = interrupts_off();
        TCB_t *gone = deleted;
        if (gone != NULL) {
            deleted = gone->next;
        }
        interrupts_as(before);
        if (gone != NULL) {
            vPortFree(gone->pxStack);
            vPortFree(gone);
        }
        taskYIELD();
    }
}

void kernel_leave_main(StackType_t *sp);

void vTaskStartScheduler(void) {
    if (xTaskCreate(idle, "IDLE", 192, NULL, 0, NULL) == pdPASS) {
        (void)interrupts_off();
        SHPR3 = 0xFFFF0000;
        SYST[1] = configTICK_CYCLES;
        SYST[2] = 0;
        SYST[0] = 7;
        started = 1;
        kernel_leave_main(running->pxTopOfStack);
    }
}

void vTaskSuspendAll(void) {
    uint32_t before = interrupts_off();
    suspended++;
    interrupts_as(before);
}

BaseType_t xTaskResumeAll(void) {
    uint32_t before = interrupts_off();
    if (--suspended == 0 && missed) {
        missed = 0;
        ICSR = PEND_SV;
    }
    interrupts_as(before);
    return pdFALSE;
}

BaseType_t xTaskGetSchedulerState(void) {
    if (!started) {
        return taskSCHEDULER_NOT_STARTED;
    }
    return suspended ? taskSCHEDULER_SUSPENDED : taskSCHEDULER_RUNNING;
}

TaskHandle_t xTaskGetCurrentTaskHandle(void) { return running; }

void *pvTaskGetThreadLocalStoragePointer(TaskHandle_t task, BaseType_t index) {
    return (task == NULL ? running : task)->pvThreadLocalStoragePointers[index];
}
