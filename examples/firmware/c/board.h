/* ARM's MPS2 board with a Cortex-M4 in QEMU: console, sink for a dump, end of the program. */
#ifndef BOARD_H
#define BOARD_H

#include <stddef.h>
#include <stdint.h>

/* Addresses from the linker script. */
extern char _stack_bottom[], _stack_top[], _code_start[], _code_end[], _build_id[], _build_id_end[];

/* Bytes in front of a build id: the note's three words and its name, "GNU" with a zero. */
#define BUILD_ID_NOTE 16

/* Writes to the serial port; a memtrack_write_fn. */
int board_print(void *context, const uint8_t *data, size_t size);

/* Opens the file for a dump on the host, through the debugger. */
int board_open_dump(void);

/* Appends to that file; a memtrack_write_fn. */
int board_write_dump(void *context, const uint8_t *data, size_t size);

/* Ends the program: 0 means success. */
void board_exit(int status);

#endif
