@ Reset: copy .data, clear .bss, turn the floating point unit on. The walk of a stack ends here.
  .syntax unified
  .cpu cortex-m4
  .thumb

  .text
  .thumb_func
  .globl start
  .type start, %function
start:
  .fnstart
  .cantunwind
  ldr r0, =_data_start
  ldr r1, =_data_end
  ldr r2, =_data_load
1:
  cmp r0, r1
  itt lo
  ldrlo r3, [r2], #4
  strlo r3, [r0], #4
  blo 1b
  ldr r0, =_bss_start
  ldr r1, =_bss_end
  movs r2, #0
2:
  cmp r0, r1
  it lo
  strlo r2, [r0], #4
  blo 2b
  ldr r0, =0xE000ED88
  ldr r1, =0xF00000
  str r1, [r0]
  dsb
  isb
  bl main
  bl board_exit
  .fnend
  .size start, . - start

  .thumb_func
  .globl fault
  .type fault, %function
fault:
  movs r0, #2
  bl board_exit
  .ltorg
