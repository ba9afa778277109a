@ The processor's table of exceptions: the kernel's tick and switch, and the two timers of the board.
  .section .vectors, "a"
  .word _stack_top
  .word start
  .rept 12
  .word fault
  .endr
  .word kernel_pend_sv
  .word kernel_tick
  .rept 8
  .word fault
  .endr
  .word timer_0
  .word timer_1
