#!/bin/sh
# Makes the libraries for macOS beside this script, by zig: pip install ziglang
set -e
cd "$(dirname "$0")"
for machine in x86_64 aarch64; do
    python3 -m ziglang cc -target $machine-macos -shared -nostdlib -O1 -fomit-frame-pointer -fno-stack-protector \
        -fno-sanitize=all -s -o $machine.dylib chain.c
done
