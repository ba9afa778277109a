/* Compiled without unwind tables, as musl is: stacks lead through this code and through the C library's to `main`. */

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FUNCTION __attribute__((noinline))

static void *kept[8];
static volatile int number = 3;

/* Its code does not say where it would return to. Behind the call of `exit` comes another function. */
FUNCTION __attribute__((noreturn)) static void fail(int code) {
    void *block = malloc(code);
    exit(block == NULL ? code : code - 1);
}

FUNCTION static void checked(int fails) {
    if (fails) fail(fails);
    kept[0] = malloc(100);
}

FUNCTION static void saved_registers(int a, int b, int c, int d, int e, int f, int g, int h) {
    kept[1] = malloc(200 + number - 3);
    printf("%d\n", a + b + c + d + e + f + g + h + number);
}

/* It needs a frame pointer: its frame is as large as its argument says. */
FUNCTION static void variable(int length) {
    char frame[length];
    memset(frame, length, length);
    checked(0);
    for (int i = 1; i < length; i++) saved_registers(i, length, i, length, frame[i], i, length, i);
    printf("%d\n", frame[length - 1]);
}

FUNCTION static int compare(const void *a, const void *b) {
    if (kept[2] == NULL) kept[2] = strdup("two words for a block");
    return *(const int *)a - *(const int *)b;
}

FUNCTION static void sorted(void) {
    int numbers[] = {3, 1, 2, 5, 4, 7, 6, 9, 8};
    qsort(numbers, sizeof numbers / sizeof *numbers, sizeof *numbers, compare);
    printf("%d\n", numbers[number]);
}

FUNCTION static void handler(int signal) {
    kept[3] = malloc(400 + signal - signal);
    number = signal - signal + 3;
}

FUNCTION static void raised(void) {
    signal(SIGUSR1, handler);
    raise(SIGUSR1);
    printf("%d\n", number);
}

int main(void) {
    /* Far from the end of the stack, where musl's start-up code is. */
    volatile char room[1024] = {0};
    variable(number + 1);
    sorted();
    raised();
    fflush(stdout);
    checked(number + 5);
    return room[number];
}
