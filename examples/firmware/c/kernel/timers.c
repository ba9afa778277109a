#include "timers.h"

#define TIMER(number) ((volatile uint32_t *)(0x40000000 + 0x1000 * (number)))
enum { CONTROL = 0, RELOAD = 2, CLEAR = 3, TIMER_ON = 9, TIMER_OFF = 0 };

void timer_0(void);
void timer_0(void) { timer_interrupt(0); }

void timer_1(void);
void timer_1(void) { timer_interrupt(1); }

void timer_again(unsigned number, uint32_t cycles) {
    TIMER(number)[CLEAR] = 1;
    TIMER(number)[RELOAD] = cycles;
}

void timers_start(void) {
    unsigned number;
    for (number = 0; number < 2; number++) {
        /* The second one interrupts the first. */
        ((volatile uint8_t *)0xE000E400)[8 + number] = number ? 0x20 : 0x60;
        TIMER(number)[RELOAD] = 4000;
        TIMER(number)[CONTROL] = TIMER_ON;
    }
    *(volatile uint32_t *)0xE000E100 = 3 << 8;
}

void timers_stop(void) {
    TIMER(0)[CONTROL] = TIMER_OFF;
    TIMER(1)[CONTROL] = TIMER_OFF;
    *(volatile uint32_t *)0xE000E180 = 3 << 8;
}
