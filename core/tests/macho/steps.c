// The steps that are written in C.
#include "chain.h"

STEP NAMED(small)(int n) {
    return next(CALLER, n) + n;
}

// A frame whose size takes two bytes of an instruction, and one whose size takes more.
STEP NAMED(large)(int n) {
    volatile char memory[4000];
    memory[n] = 1;
    return next(CALLER, n) + memory[n];
}

STEP NAMED(huge)(int n) {
    volatile char memory[70000];
    memory[n] = 1;
    memory[n + 60000] = 2;
    return next(CALLER, n) + memory[n] + memory[n + 60000];
}

// Numbers in registers that a callee saves, and some on the stack.
STEP NAMED(busy)(int n) {
    volatile int source = n;
    int a = source, b = source, c = source, d = source, e = source, f = source, g = source, h = source;
    int result = next(CALLER, n);
    return result + a * b + c * d + e * f + g * h + (a ^ c ^ e ^ g) * (b ^ d ^ f ^ h);
}

STEP NAMED(floating)(int n) {
    volatile double source = n;
    double a = source, b = source + 1, c = source + 2;
    int result = next(CALLER, n);
    return result + (int)(a * b + c);
}

// A frame of a size that only its own code knows.
STEP NAMED(variable)(int n) {
    volatile char memory[8 * n + 8];
    memory[n] = 2;
    return next(CALLER, n) + memory[n];
}

// A frame that begins at a multiple of 128.
STEP NAMED(aligned)(int n) {
    volatile char memory[128] __attribute__((aligned(128)));
    memory[n] = 3;
    return next(CALLER, n) + memory[n] + (int)((word)memory & 127);
}

// The same with a size that only its own code knows: it needs a third register.
STEP NAMED(both)(int n) {
    volatile char aligned[128] __attribute__((aligned(128)));
    volatile char memory[8 * n + 8];
    aligned[n] = memory[n] = 3;
    return next(CALLER, n) + aligned[n] + memory[n];
}

// More arguments than registers have room for.
static __attribute__((noinline)) int many(int a, int b, int c, int d, int e, int f, int g, int h, int i, int j) {
    return next(CALLER, a) + b + c + d + e + f + g + h + i + j;
}

STEP NAMED(arguments)(int n) {
    truth[depth++] = CALLER;
    int result = many(n, 1, 2, 3, 4, 5, 6, 7, 8, n);
    depth--;
    return result + n;
}
