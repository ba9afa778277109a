// A chain of calls through frames of all kinds. Each kind is a *step*: a function that notes where it was called from, calls the
// next step, and uses its frame afterwards. The caller of `start` chooses the steps and their order.
#pragma once

typedef unsigned long word;
typedef int step_t(int n);
typedef int walk_t(word pc, word sp, word fp);

#ifdef __cplusplus
extern "C" {
#endif

// The return addresses of the calls that run, the outermost first. A number below 8 stands for the one that a step has, which is the
// same for all steps, and for so many more behind it: a step that is not written in C cannot know them.
extern __attribute__((visibility("hidden"))) word truth[1024];
extern __attribute__((visibility("hidden"))) int depth;

// Calls the next step. `caller` is the address to which the step that calls it returns, or such a number.
int next(word caller, int n);

// Calls the steps, then `walk` with the registers of the innermost frame.
int start(walk_t *walk, step_t *const *steps, int count);

#ifdef __cplusplus
}
#endif

#define CALLER ((word)__builtin_return_address(0))
#define STEP __attribute__((noinline)) int
// A variant of the source has a name of its own: the functions of C and C++ are compiled several times.
#define NAMED_(name, variant) step_##name##_##variant
#define NAMED2(name, variant) NAMED_(name, variant)
#define NAMED(name) NAMED2(name, VARIANT)
