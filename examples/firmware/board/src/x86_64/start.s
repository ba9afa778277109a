# QEMU enters through the PVH note in 32-bit mode without paging. One gigabyte page maps everything; SSE is turned on
# because the compiler for Linux uses it.
.section .note.pvh,"a",@note
.align 4
.long 4, 4, 18
.asciz "Xen"
.long start32
.section .boot,"ax",@progbits
.code32
.globl start32
start32:
  mov $_stack_top, %esp
  mov $pml4, %edi
  mov $pdpt+3, %eax
  mov %eax, (%edi)
  mov $pdpt, %edi
  movl $0x83, (%edi)
  movl $0, 4(%edi)
  mov $pml4, %eax
  mov %eax, %cr3
  mov %cr4, %eax
  or $0x620, %eax
  mov %eax, %cr4
  mov $0xC0000080, %ecx
  rdmsr
  or $0x100, %eax
  wrmsr
  mov %cr0, %eax
  and $0xfffffffb, %eax
  or $0x80000003, %eax
  mov %eax, %cr0
  lgdt gdtr
  ljmp $8, $start64
.code64
start64:
  .cfi_startproc
  .cfi_undefined %rip
  mov $0, %ax
  mov %ax, %ss
  mov %ax, %ds
  mov %ax, %es
  lea _stack_top(%rip), %rsp
  # The outermost frame: no caller, no return address.
  xor %ebp, %ebp
  push $0
  push $0
  mov %rsp, %rbp
  call board_main
  .cfi_endproc
.align 8
gdt: .quad 0, 0x00af9b000000ffff
gdtr: .word 15
  .long gdt
.section .bss.pt,"aw",@nobits
.align 4096
pml4: .skip 4096
pdpt: .skip 4096
.text
