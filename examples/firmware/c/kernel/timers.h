/* Two timers whose interrupts come everywhere in a program. The second one interrupts the first. */
#ifndef TIMERS_H
#define TIMERS_H

#include <stdint.h>

/* The program's: called in the interrupt of timer 0 or 1. */
void timer_interrupt(unsigned number);

void timers_start(void);
void timers_stop(void);

/* In an interrupt: the timer's next one comes after that many cycles. */
void timer_again(unsigned number, uint32_t cycles);

#endif
