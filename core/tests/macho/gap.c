// A step of x86_64 that is written in assembly: it saves the frame pointer behind a gap. An encoding could not say so, and the assembler
// leaves it to a description in DWARF: a directive that changes the frame by a difference makes it see that.
#include "chain.h"

__asm__(".text\n"
        ".globl _step_gap_asm\n"
        ".p2align 4\n"
        "_step_gap_asm:\n"
        ".cfi_startproc\n"
        "subq $24, %rsp\n"
        ".cfi_adjust_cfa_offset 24\n"
        "movq %rbp, 8(%rsp)\n"
        ".cfi_offset %rbp, -24\n"
        "xorl %ebp, %ebp\n"
        "movl %edi, %esi\n"
        "movq 24(%rsp), %rdi\n"
        "callq _next\n"
        "movq 8(%rsp), %rbp\n"
        "addq $24, %rsp\n"
        ".cfi_adjust_cfa_offset -24\n"
        "retq\n"
        ".cfi_endproc\n");
