@ The exception in which the kernel switches tasks: registers that the processor has not saved go onto the task's own stack.
  .syntax unified
  .cpu cortex-m4
  .fpu fpv4-sp-d16
  .thumb
  .text

  .thumb_func
  .globl kernel_pend_sv
  .type kernel_pend_sv, %function
kernel_pend_sv:
  .fnstart
  .cantunwind
  mrs r0, psp
  tst lr, #0x10
  it eq
  vstmdbeq r0!, {s16-s31}
  stmdb r0!, {r4-r11, lr}
  bl kernel_next
  ldmia r0!, {r4-r11, lr}
  tst lr, #0x10
  it eq
  vldmiaeq r0!, {s16-s31}
  msr psp, r0
  bx lr
  .fnend
  .size kernel_pend_sv, . - kernel_pend_sv

@ Leaves main for good: r0 is the stack pointer of the first task. Interrupts get the stack of main from its beginning on.
  .thumb_func
  .globl kernel_leave_main
  .type kernel_leave_main, %function
kernel_leave_main:
  .fnstart
  .cantunwind
  add r0, #36
  msr psp, r0
  ldr r1, =_stack_top
  msr msp, r1
  movs r1, #2
  msr control, r1
  isb
  pop {r0-r3, r12, lr}
  pop {r4, r5}
  orr r4, r4, #1
  cpsie i
  bx r4
  .fnend
  .size kernel_leave_main, . - kernel_leave_main
  .ltorg
