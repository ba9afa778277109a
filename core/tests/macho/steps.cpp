// The steps that are written in C++. Those with destructors and handlers have data of their language beside their unwind information.
#include "chain.h"

extern "C" {

struct Counter {
    int *at;
    explicit Counter(int *at) : at(at) { ++*at; }
    ~Counter() { --*at; }
};

STEP NAMED(destructor)(int n) {
    int open = 0;
    Counter counter(&open);
    return next(CALLER, n) + n;
}

STEP NAMED(handler)(int n) {
    try {
        return next(CALLER, n) + n;
    } catch (int thrown) {
        return thrown;
    }
}

}

template <int SIZE, typename F> __attribute__((noinline)) int with_memory(F call) {
    volatile char memory[SIZE];
    memory[1] = 1;
    truth[depth++] = CALLER;
    int result = call(memory[1]);
    depth--;
    return result + memory[1];
}

extern "C" STEP NAMED(lambda)(int n) {
    truth[depth++] = CALLER;
    // The closure is inlined into its caller, or a function of its own.
    int result = with_memory<24>([n](int one) __attribute__((noinline)) { return next(CALLER, n) + one; });
    depth--;
    return result + n;
}
