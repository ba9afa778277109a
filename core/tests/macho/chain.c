// A chain of frames of several kinds. `start` calls `walk` at its end, with the registers of the innermost frame.

typedef unsigned long word;
typedef int walk_t(word pc, word sp, word fp);

#define FUNCTION __attribute__((noinline)) int
#define CALLED truth[depth++] = (word)__builtin_return_address(0)

// The return addresses of the calls that run, the outermost first.
word truth[64];
int depth;

static walk_t *walk;

FUNCTION hook(void) {
    CALLED;
    volatile char pad[40];
    pad[3] = 1;
    word pc, sp, fp;
#if __x86_64__
    __asm__ volatile("leaq (%%rip), %0; movq %%rsp, %1; movq %%rbp, %2" : "=r"(pc), "=r"(sp), "=r"(fp));
#else
    __asm__ volatile("adr %0, .; mov %1, sp; mov %2, x29" : "=r"(pc), "=r"(sp), "=r"(fp));
#endif
    int result = walk(pc, sp, fp);
    depth--;
    return result + pad[3];
}

void called(word address) {
    truth[depth++] = address;
}

#if __x86_64__
// Its compact encoding could not say where it saves the frame pointer, so the assembler leaves it to a description in DWARF. A directive
// that changes the frame by a difference makes the assembler see that.
int described(void);
__asm__(".text\n"
        ".globl _described\n"
        ".p2align 4\n"
        "_described:\n"
        ".cfi_startproc\n"
        "subq $24, %rsp\n"
        ".cfi_adjust_cfa_offset 24\n"
        "movq %rbp, 8(%rsp)\n"
        ".cfi_offset %rbp, -24\n"
        "xorl %ebp, %ebp\n"
        "movq 24(%rsp), %rdi\n"
        "callq _called\n"
        "callq _hook\n"
        "decl _depth(%rip)\n"
        "movq 8(%rsp), %rbp\n"
        "addq $24, %rsp\n"
        ".cfi_adjust_cfa_offset -24\n"
        "retq\n"
        ".cfi_endproc\n");
#else
FUNCTION described(void) {
    called((word)__builtin_return_address(0));
    int result = hook();
    depth--;
    return result + 1;
}
#endif

FUNCTION leaf(int n) {
    CALLED;
    int result = described();
    depth--;
    return result + n;
}

// A large frame.
FUNCTION large(int n) {
    CALLED;
    volatile char memory[4000];
    memory[n] = 1;
    int result = n ? large(n - 1) : leaf(n);
    depth--;
    return result + memory[n];
}

// Saves many registers.
FUNCTION saving(int n, int a, int b, int c, int d) {
    CALLED;
    int result = large(3);
    result += n ? saving(0, a, b, c, d) : 0;
    depth--;
    return result + n * a + b * c + d;
}

// A frame of a size that only its own code knows.
FUNCTION variable(int n) {
    CALLED;
    volatile char memory[n];
    memory[n - 1] = 2;
    int result = saving(1, n, n + 1, n + 2, n + 3);
    depth--;
    return result + memory[n - 1];
}

FUNCTION floating(double x, int n) {
    CALLED;
    double product = x * n;
    int result = variable(n * 10);
    depth--;
    return result + (int)(product + x);
}

int start(walk_t *walker) {
    depth = 0;
    walk = walker;
    CALLED;
    int result = floating(1.5, 7);
    depth--;
    return result;
}
