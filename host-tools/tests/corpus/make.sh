#!/bin/sh
# Makes the binaries of other architectures, which not every machine can compile, and `expected.txt`: the names that
# LLVM's symbolizer gives each call in them. Needs clang, lld and llvm 14, as in Debian 12: `cargo xtask bless binaries`
# installs them and runs this script. The output is the same every time.
set -eu
corpus=$(cd "$(dirname "$0")" && pwd)
PATH="$PATH:$(llvm-config-14 --bindir)"
# A fixed directory, because linkers write it into their output.
work=/tmp/memtrack-binaries
mkdir "$work"
trap 'rm -r "$work"' EXIT
cp "$corpus/basket.cpp" "$work"
cd "$work"

compile() { # TARGET OUTPUT OPTION…
    machine=$1 output=$2
    shift 2
    clang -target "$machine" -O1 -g -nostdinc++ -fno-exceptions -fno-asynchronous-unwind-tables \
        -ffile-compilation-dir=/shop "$@" -c basket.cpp -o "$output"
}

# Mach-O for two architectures in one file, with debug information in a bundle beside it.
dwarf=basket.dylib.dSYM/Contents/Resources/DWARF
mkdir -p "$dwarf"
for arch in x86_64 arm64; do
    compile "$arch-apple-macos11" "$arch.o"
    # A Mach-O file contains the time of its object file.
    touch -d @0 "$arch.o"
    ld64.lld -arch "$arch" -platform_version macos 11 11 -dylib -install_name basket.dylib "$arch.o" -o "$arch.dylib"
    dsymutil --flat "$arch.dylib" -o "$arch.dwarf"
done
llvm-lipo -create x86_64.dylib arm64.dylib -output basket.dylib
# As programs are released: without names that only the program itself uses.
llvm-strip -x x86_64.dylib -o basket-stripped.dylib
llvm-lipo -create x86_64.dwarf arm64.dwarf -output "$dwarf/basket.dylib"

# PE, with debug information in a program database.
compile x86_64-pc-windows-msvc pe.o -gcodeview
lld-link /nologo /dll /noentry /nodefaultlib /debug /export:basket_main /timestamp:0 /pdbaltpath:%_PDB% \
    /out:basket.dll /pdb:basket.pdb /implib:basket.lib pe.o

# ELF with 32 bits (once as Thumb code), with big-endian byte order, and with both.
elf() { # NAME TARGET OPTION…
    name=$1 target=$2
    shift 2
    compile "$target-linux-gnu" "$name.o" -static "$@"
    ld.lld -e basket_main --build-id=sha1 "$name.o" -o "basket-$name"
}
elf i386 i386
elf armv7 armv7 -mthumb -mfloat-abi=soft
elf powerpc powerpc
elf powerpc64 powerpc64 -mabi=elfv2
# With split debug information: a skeleton, and the rest in another file.
elf split powerpc -gsplit-dwarf -ffile-compilation-dir="$work"

# The frames at each call, one line each: NAME ADDRESS FRAME;…;FRAME, outermost first.
names() { # NAME FILE [SYMBOLS [ARCHITECTURE]]
    calls=$(llvm-objdump -d --no-show-raw-insn "$2" |
        awk '$2 ~ /^(call[lq]?|bl)$/ { sub(":", "", $1); print "0x" $1 }')
    llvm-symbolizer --obj="${3:-$2}" --default-arch="${4:-}" $calls | awk -v calls="$calls" -v name="$1" '
        BEGIN { RS = ""; FS = "\n"; split(calls, call, "\n") }
        { frames = $1; for (i = 3; i <= NF; i += 2) frames = $i ";" frames; print name, call[NR], frames }'
}
{
    names macho-x86_64 x86_64.dylib "$dwarf/basket.dylib" x86_64
    names macho-arm64 arm64.dylib "$dwarf/basket.dylib" arm64
    names pe basket.dll
    for name in i386 armv7 powerpc powerpc64 split; do names "$name" "basket-$name"; done
} >expected.txt

chmod 644 basket.dylib basket.dll basket-*
rm -rf "$corpus"/basket.d* "$corpus"/basket-*
cp -r basket.dylib basket.dylib.dSYM basket.dll basket.pdb basket-* split.dwo expected.txt "$corpus"
