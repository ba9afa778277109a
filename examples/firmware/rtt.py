"""Drains the up-channels of SEGGER's real-time transfer with gdb alone, for debug probes whose server cannot:

    gdb-multiarch -nx -batch firmware.elf -ex 'target remote :3333' -ex 'tbreak main_ends' -x rtt.py

The program runs until it reaches a breakpoint. This script stops it for a moment at short intervals and appends the contents of
the rings to rtt0.bin, rtt1.bin … Then `memtrack-fold rtt0.bin -b firmware.elf` reads a dump.
"""

import os
import signal
import struct
import threading

import gdb

INTERVAL = 0.02
HEADER, CHANNEL = 24, 24
gdb.execute("set language c")
CONTROL = int(gdb.parse_and_eval("(unsigned long)&_SEGGER_RTT"))


def words(address, count):
    memory = gdb.selected_inferior().read_memory(address, 4 * count)
    return struct.unpack(f"<{count}I", memory)


def drain():
    memory = gdb.selected_inferior()
    # The program writes the name last, when everything else is ready.
    if bytes(memory.read_memory(CONTROL, 11)) != b"SEGGER RTT\0":
        return
    for number in range(words(CONTROL + 16, 1)[0]):
        channel = CONTROL + HEADER + CHANNEL * number
        _, ring, size, write, read, _ = words(channel, 6)
        parts = [(read, write)] if read <= write else [(read, size), (0, write)]
        with open(f"rtt{number}.bin", "ab") as file:
            for begin, end in parts:
                if begin < end:
                    file.write(bytes(memory.read_memory(ring + begin, end - begin)))
        memory.write_memory(channel + 16, struct.pack("<I", write))


ended = False


def stopped(event):
    global ended
    ended = ended or isinstance(event, gdb.BreakpointEvent)


gdb.events.stop.connect(stopped)
while not ended:
    timer = threading.Timer(INTERVAL, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        gdb.execute("continue", to_string=True)
        timer.cancel()
    except KeyboardInterrupt:
        pass
    drain()
