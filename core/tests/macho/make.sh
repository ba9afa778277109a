#!/bin/sh
# Makes the libraries for macOS beside this script, and what LLVM says about them. Needs zig (pip install ziglang), llvm, and cargo with a
# compiler whose sources of the standard library are there: RUSTC may name it.
set -e
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
plain='-fno-stack-protector -fno-sanitize=all -fno-asynchronous-unwind-tables -funwind-tables'
frames=-fno-omit-frame-pointer
none=-fomit-frame-pointer

mkdir "$work/rust"
cat >"$work/rust/Cargo.toml" <<TOML
[package]
name = "steps"
edition = "2024"
[lib]
path = "$PWD/steps.rs"
[profile.dev]
opt-level = 2
codegen-units = 1
debug = false
debug-assertions = false
panic = "abort"
TOML

for machine in x86_64 aarch64; do
    # compile VARIANT SOURCE OPTION…
    compile() {
        variant=$1 source=$2
        shift 2
        case $source in *.cpp) language=c++ ;; *) language=cc ;; esac
        object="python3 -m ziglang $language -target $machine-macos -c $plain -DVARIANT=$variant $source"
        $object "$@" -o "$work/$machine-$variant-$source.o"
        # The same code, with a description of each function.
        $object "$@" -fasynchronous-unwind-tables -o "$work/described-$machine-$variant-$source.o"
    }
    compile chain chain.c -O1 $none
    for source in steps.c steps.cpp; do
        compile o0 $source -O0
        compile o1 $source -O1 $none
        compile o2 $source -O2 $frames
        compile os $source -Os $none
    done
    # What an encoding cannot say is in a description: of the frames between their instructions, too.
    compile described steps.c -O2 $none -fasynchronous-unwind-tables
    if [ $machine = x86_64 ]; then compile asm gap.c -O1; fi
    compile frames registers.c -O1 $frames '-DLAST="r15"'
    compile none registers.c -O1 $none '-DLAST="rbp"'
    # Without unwinding at panics the compiler would write no tables.
    (cd "$work/rust" && RUSTC_BOOTSTRAP=1 CARGO_ENCODED_RUSTFLAGS= \
        cargo rustc --quiet -Zbuild-std=core --target $machine-apple-darwin -- \
        --emit=obj="$work/$machine-rust.o" \
        -Cforce-unwind-tables=yes)
    link="python3 -m ziglang cc -target $machine-macos -shared -nostdlib -Wl,-undefined,dynamic_lookup -s"
    $link -o $machine.dylib "$work"/$machine-*.o
    # For x86_64 the linker drops descriptions of what it can encode. For aarch64 the places in an object are not those of its functions.
    case $machine in
        x86_64) described=$(echo "$work"/described-$machine-*.o) ;;
        *) described=$work/described.dylib; $link -o "$described" "$work"/described-$machine-*.o ;;
    esac
    python3 expected.py $machine.dylib $described >$machine.expected
done
