@ The processor's table of exceptions: none is expected.
  .section .vectors, "a"
  .word _stack_top
  .word start
  .rept 14
  .word fault
  .endr
