//! A module's index of functions, `.eh_frame_hdr`: all functions by address, each with the address of its description in
//! `.eh_frame` (Linux Standard Base, "DWARF Extensions").
//!
//! All linkers write it in one form, which [`look_up`] searches. A first capture has a look-up for each frame, and a general
//! decoder of addresses at each step would be a third of its cost.

use super::reader::Reader;

/// Version 1; the section's address in four signed bytes, relative to these; the number of rows in four bytes; rows of
/// two addresses in four signed bytes each, relative to the index.
const USUAL: [u8; 4] = [1, 0x1b, 0x03, 0x3b];
/// The offset of the section's address in the index.
const PLACE: usize = 4;
const ROWS: usize = 12;

/// The addresses that an index gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The section with the descriptions.
    pub(super) frames: usize,
    /// The description of the last function that begins before the code. It says whether the function reaches that far.
    pub(super) description: usize,
}

/// Looks up the code at `pc` in an index of the usual form.
#[inline]
pub(super) fn look_up(index: &'static [u8], pc: usize) -> Option<Found> {
    let start = index.as_ptr() as usize;
    let (head, rows) = index.split_at_checked(ROWS)?;
    let word = |bytes: &[u8]| Some(i32::from_le_bytes(*bytes.first_chunk()?));
    if !head.starts_with(&USUAL) {
        return None;
    }
    let count = word(&head[8..])?.try_into().ok()?;
    let rows = rows.as_chunks::<8>().0.get(..count)?;
    let code = i32::try_from(pc.wrapping_sub(start) as isize).ok()?;
    let begin = |row: &[u8; 8]| i32::from_le_bytes([row[0], row[1], row[2], row[3]]);
    let row = &rows[rows.partition_point(|row| begin(row) <= code).checked_sub(1)?];
    Some(Found {
        frames: (start + PLACE).wrapping_add_signed(word(&head[PLACE..])? as isize),
        description: start.wrapping_add_signed(word(&row[4..])? as isize),
    })
}

/// The same in an index of any form.
#[cold]
#[inline(never)]
pub(super) fn look_up_unusual(index: &'static [u8], pc: usize) -> Option<Found> {
    let section = Some(index.as_ptr().addr());
    let mut head = Reader(index);
    let [1, frames, count, table] = [head.u8()?, head.u8()?, head.u8()?, head.u8()?] else { return None };
    let frames = head.address(frames, section)?;
    let count = usize::try_from(head.size(count)?).ok()?;
    let row = 2 * Reader::bytes_of_address(table)?;
    let rows = head.0.get(..count.checked_mul(row)?)?;
    // The two addresses of a row.
    let row = |number: usize| {
        let mut row = Reader(rows.get(number * row..)?);
        Some((row.address(table, section)?, row.address(table, section)?))
    };
    let (mut first, mut after) = (0, count);
    while first < after {
        let middle = first + (after - first) / 2;
        if row(middle)?.0 <= pc as u64 { first = middle + 1 } else { after = middle }
    }
    let (_, description) = row(first.checked_sub(1)?)?;
    Some(Found { frames: frames as usize, description: description as usize })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::unwind_tables;

    /// The index of this test's own program.
    fn own() -> &'static [u8] {
        let table = unwind_tables::find(own as *const () as usize).unwrap();
        // SAFETY: the module is mapped from its index to its end.
        unsafe { core::slice::from_raw_parts(table.header as *const u8, table.end - table.header) }
    }

    #[test]
    fn both_ways_find_the_same() {
        let index = own();
        let functions =
            [own as *const () as usize, look_up as *const () as usize, look_up_unusual as *const () as usize];
        for function in functions {
            for pc in function..function + 64 {
                let found = look_up(index, pc);
                assert!(found.is_some() && found == look_up_unusual(index, pc), "{pc:x}: {found:x?}");
            }
        }
    }

    #[test]
    fn another_form_is_left_to_the_other_way() {
        static INDEX: [u8; 32] = {
            let mut index = [0; 32];
            // Rows of absolute addresses, eight bytes each.
            [index[0], index[1], index[2], index[3]] = [1, 0x1b, 0x03, 0x04];
            (index[8], index[12], index[20]) = (1, 100, 77);
            index
        };
        assert_eq!(look_up(&INDEX, 120), None);
        let frames = INDEX.as_ptr() as usize + PLACE;
        assert_eq!(look_up_unusual(&INDEX, 120), Some(Found { frames, description: 77 }));
    }

    #[test]
    fn rows_that_cannot_be_there_are_not_counted_on() {
        static INDEX: [u8; 32] = {
            let mut index = [0; 32];
            // A count of eight bytes, and rows of twice eight.
            [index[0], index[1], index[2], index[3]] = [1, 0x1b, 0x04, 0x04];
            (index[14], index[15]) = (0xff, 0xff);
            index
        };
        assert_eq!((look_up(&INDEX, 120), look_up_unusual(&INDEX, 120)), (None, None));
    }

    #[test]
    fn an_index_that_is_cut_off_or_begins_later_tells_nothing() {
        let index = own();
        assert_eq!(look_up(&index[..ROWS - 1], own as *const () as usize), None);
        assert_eq!(look_up(&index[..ROWS + 8], own as *const () as usize), None);
        // A program may lie below that distance.
        assert_eq!(look_up(index, (index.as_ptr() as usize).wrapping_sub(1 << 30)), None);
    }
}
