//! The steps that are written in Rust. None knows its return address.
#![no_std]

use core::hint::black_box;
use core::mem::MaybeUninit;

unsafe extern "C" {
    #[link_name = "next"]
    safe fn call_next(unknown: usize, n: i32) -> i32;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

fn next(n: i32) -> i32 {
    call_next(0, n)
}

#[inline(never)]
fn fold<F: FnMut(i64, i64) -> i64>(numbers: &[i64], first: i64, f: F) -> i64 {
    numbers.iter().copied().fold(first, f)
}

/// Calls inside a closure, which an iterator of another function calls.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn step_iterator_rust(n: i32) -> i32 {
    let numbers = black_box([1, 2, 3]);
    fold(&numbers, 0, |sum, number| if number == 2 { i64::from(call_next(1, n)) + sum } else { sum + number }) as i32
}

/// Values that live across the call.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn step_values_rust(n: i32) -> i32 {
    let values: [u128; 6] = core::array::from_fn(|place| black_box(place as u128 ^ n as u128));
    let result = next(n);
    let sum = values.iter().fold(0u128, |sum, value| sum.wrapping_mul(31).wrapping_add(*value));
    result.wrapping_add(sum as i32)
}

/// A frame of several pages.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn step_pages_rust(n: i32) -> i32 {
    let mut memory = MaybeUninit::<[i32; 9000]>::uninit();
    let place = black_box(memory.as_mut_ptr()).cast::<i32>();
    // SAFETY: both places are within the array, and the second one is read after it is written.
    unsafe {
        place.add(8999).write_volatile(n);
        place.write_volatile(next(n));
        place.read_volatile() + place.add(8999).read_volatile()
    }
}
