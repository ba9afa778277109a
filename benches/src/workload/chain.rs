//! A block allocated under a deep stack.
//!
//! [`allocate`] calls through 14 functions that are never inlined; together with the frames above `main` or above the
//! start of a thread, the stack has about 24 frames. Ten levels choose between two functions, so one place in the
//! source is reached by up to 1024 stacks. The first eight differ near the root, in the middle and near the leaf. As in programs
//! that allocate through `Vec` and `String`, the innermost return addresses alone do not distinguish them.
//!
//! Each function adds a constant to a result that the compiler cannot know; otherwise the compiler would turn the
//! calls into jumps, and the frames would disappear. Twins add different constants; otherwise the compiler would
//! merge them.

use std::hint::black_box;
use std::mem::MaybeUninit;

/// Memory of which only the first byte is ever written, so that only its first page is resident.
pub type Block = Box<[MaybeUninit<u8>]>;

/// The number of different stacks.
pub const PATHS: u64 = 1 << 10;

struct Request {
    size: usize,
    path: u64,
    block: Option<Block>,
}

/// A block of `size` bytes, allocated under one of [`PATHS`] stacks, chosen by the low bits of `path`.
pub fn allocate(size: usize, path: u64) -> Block {
    let mut request = Request { size, path, block: None };
    black_box(level_1(&mut request));
    request.block.expect("the innermost level allocates")
}

/// A level, and its twin if it has one, call the next level; or the bit of the path at a place chooses between that and its twin.
/// (`@` makes one function, and `@@` makes a twin if there is a name for it.)
macro_rules! levels {
    ($($name:ident $(and $same:ident)? calls $next:ident $(or $twin:ident by $place:literal)?;)*) => {$(
        levels!(@ $name 1 $next $($twin $place)?);
        levels!(@@ $($same)? 2 $next $($twin $place)?);
    )*};
    (@@ 2 $($next:tt)*) => {};
    (@@ $name:ident 2 $($next:tt)*) => { levels!(@ $name 2 $($next)*); };
    (@ $name:ident $number:literal $next:ident $($twin:ident $place:literal)?) => {
        #[inline(never)]
        fn $name(request: &mut Request) -> u64 {
            $(if request.path >> $place & 1 != 0 {
                return $twin(request) + $number;
            })?
            $next(request) + $number
        }
    };
}

levels! {
    level_1 calls level_2;
    level_2 calls level_3 or level_3_twin by 0;
    level_3 and level_3_twin calls level_4 or level_4_twin by 3;
    level_4 and level_4_twin calls level_5 or level_5_twin by 4;
    level_5 and level_5_twin calls level_6 or level_6_twin by 5;
    level_6 and level_6_twin calls level_7 or level_7_twin by 1;
    level_7 and level_7_twin calls level_8 or level_8_twin by 6;
    level_8 and level_8_twin calls level_9 or level_9_twin by 7;
    level_9 and level_9_twin calls level_10;
    level_10 calls level_11 or level_11_twin by 2;
    level_11 and level_11_twin calls level_12 or level_12_twin by 8;
    level_12 and level_12_twin calls level_13 or level_13_twin by 9;
    level_13 and level_13_twin calls level_14;
}

#[inline(never)]
fn level_14(request: &mut Request) -> u64 {
    let mut block: Block = Box::new_uninit_slice(request.size);
    if let Some(first) = block.first_mut() {
        first.write(1);
    }
    request.block = Some(black_box(block));
    black_box(1)
}
