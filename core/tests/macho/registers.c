// A step for each choice of six registers that belong to the caller: it saves them.
#include "chain.h"

#if __x86_64__
#define REGISTER0 "rbx"
#define REGISTER1 "r12"
#define REGISTER2 "r13"
#define REGISTER3 "r14"
#define REGISTER4 "r15"
#define REGISTER5 LAST
#else
#define REGISTER0 "x19"
#define REGISTER1 "x22"
#define REGISTER2 "x25"
#define REGISTER3 "x28"
#define REGISTER4 "d8"
#define REGISTER5 "d13"
#endif

#define USE(name, ...)                                       \
    STEP name(int n) {                                       \
        __asm__ volatile("" : : : "memory" __VA_ARGS__);     \
        return next(CALLER, n) + 1;                          \
    }

#define WITH0_0
#define WITH0_1 , REGISTER0
#define WITH1_0
#define WITH1_1 , REGISTER1
#define WITH2_0
#define WITH2_1 , REGISTER2
#define WITH3_0
#define WITH3_1 , REGISTER3
#define WITH4_0
#define WITH4_1 , REGISTER4
#define WITH5_0
#define WITH5_1 , REGISTER5

#define SIX(a, b, c, d, e, f) \
    USE(NAMED(saves##a##b##c##d##e##f), WITH0_##a WITH1_##b WITH2_##c WITH3_##d WITH4_##e WITH5_##f)
#define FIVE(...) SIX(__VA_ARGS__, 0) SIX(__VA_ARGS__, 1)
#define FOUR(...) FIVE(__VA_ARGS__, 0) FIVE(__VA_ARGS__, 1)
#define THREE(...) FOUR(__VA_ARGS__, 0) FOUR(__VA_ARGS__, 1)
#define TWO(...) THREE(__VA_ARGS__, 0) THREE(__VA_ARGS__, 1)
#define ONE(...) TWO(__VA_ARGS__, 0) TWO(__VA_ARGS__, 1)

ONE(0)
ONE(1)
