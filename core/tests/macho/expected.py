"""Writes what LLVM's tools say about a library, and about files with the same code and call frame information for all of it:

function PLACE ENCODING         a function in the library's compact unwind information
rule NAME BASE CFA RA FP        the frame of a function behind its prologue, by call frame information: the register from
                                which the canonical frame address counts, its distance, and where the return address and the
                                caller's frame pointer lie from that address; `-` for a frame pointer that nobody saves

usage: expected.py LIBRARY DESCRIBED…
"""

import re
import subprocess
import sys

BASES = {"RSP": "sp", "WSP": "sp", "RBP": "fp", "W29": "fp"}
RETURN = {"RIP", "W30"}


def said(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def functions(library):
    lines = said("llvm-objdump", "--unwind-info", library)
    for place, encoding in re.findall(r"function offset=0x(\w+), encoding\[\d+\]=0x(\w+)", lines):
        yield int(place, 16), int(encoding, 16)


def rules(file):
    """The frame of each function: the row behind the prologue, which has the most."""
    names = {}
    for line in said("llvm-nm", file).splitlines():
        place, kind, name = line.rsplit(maxsplit=2) if line[0] != " " else ("0", "U", "")
        # Functions that nobody outside of their object calls may share a name.
        if kind == "T":
            names[int(place, 16)] = name
    for entry in said("llvm-dwarfdump", "--eh-frame", file).split(" FDE ")[1:]:
        begin = int(re.search(r"pc=(\w+)", entry)[1], 16)
        rows = []
        for base, distance, registers in re.findall(r"0x\w+: CFA=(\w+)\+(\d+)(?:: (.*))?", entry):
            places = {name: int(at) for name, at in re.findall(r"(\w+)=\[CFA([-+]\d+)\]", registers)}
            rows.append((BASES.get(base), int(distance), places))
        # A frame pointer is set last. In an epilogue the distance shrinks.
        base, distance, places = max(rows, key=lambda row: (len(row[2]), row[0] == "fp", row[1]))
        address = next((at for name, at in places.items() if name in RETURN), None)
        pointer = next((at for name, at in places.items() if BASES.get(name) == "fp"), "-")
        if begin in names and base and address:
            yield names[begin], base, distance, address, pointer


library, *described = sys.argv[1:]
for place, encoding in functions(library):
    print(f"function {place:x} {encoding:08x}")
for file in described:
    for rule in rules(file):
        print("rule", *rule)
