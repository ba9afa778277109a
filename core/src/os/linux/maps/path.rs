//! Paths of mapped files.

use super::Mapping;
use crate::os::linux::calls;
use core::ffi::CStr;

/// Converts a path from the kernel's notation in the list to that of the file system: the kernel writes a newline as
/// `\012`, and appends ` (deleted)` for a file without a name.
pub(crate) fn restore(path: &mut heapless::VecView<u8>, mapping: &Mapping) {
    const NEWLINE: &[u8] = br"\012";
    let (mut from, mut to) = (0, 0);
    while let Some(&byte) = path.get(from) {
        let is_newline = path.get(from..).is_some_and(|rest| rest.starts_with(NEWLINE));
        if let Some(place) = path.get_mut(to) {
            *place = if is_newline { b'\n' } else { byte };
        }
        from += if is_newline { NEWLINE.len() } else { 1 };
        to += 1;
    }
    path.truncate(to);
    strip_deleted(path, mapping.inode);
}

/// Removes ` (deleted)`, which the kernel appends to the path of a file that has no name any more. Leaves it when the
/// file with this inode has that very name.
pub(crate) fn strip_deleted(path: &mut heapless::VecView<u8>, inode: usize) {
    const DELETED: &[u8] = b" (deleted)";
    if path.ends_with(DELETED) && !is_named(path, inode) {
        path.truncate(path.len().saturating_sub(DELETED.len()));
    }
}

/// Whether the file with this inode has this path.
fn is_named(path: &mut heapless::VecView<u8>, inode: usize) -> bool {
    if path.push(0).is_err() {
        return false;
    }
    let name = CStr::from_bytes_until_nul(path).unwrap_or(c"");
    let found = calls::stat(name).is_some_and(|file| file.st_ino as usize == inode);
    path.pop();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn restored(path: &[u8], inode: usize) -> Vec<u8> {
        let mut path = heapless::Vec::<u8, 256>::from_slice(path).unwrap();
        restore(&mut path, &Mapping { inode, ..Mapping::default() });
        path.to_vec()
    }

    #[test]
    fn paths_are_as_in_the_file_system() {
        assert_eq!(restored(br"/a\012b\012", 1), b"/a\nb\n");
        assert_eq!(restored(b"/gone (deleted)", 1), b"/gone");
        assert_eq!(restored(b"/gone (deleted) (deleted)", 1), b"/gone (deleted)");
        assert_eq!(restored(b" (deleted)", 1), b"");
    }

    #[test]
    fn a_file_may_be_called_deleted() {
        use std::os::unix::fs::MetadataExt;
        let path = std::env::temp_dir().join(format!("memtrack {} (deleted)", std::process::id()));
        std::fs::write(&path, b"").unwrap();
        let inode = std::fs::metadata(&path).unwrap().ino() as usize;
        let name = path.to_str().unwrap().as_bytes();
        assert_eq!(restored(name, inode), name);
        assert_eq!(restored(name, inode + 1), &name[..name.len() - b" (deleted)".len()]);
        std::fs::remove_file(&path).unwrap();
    }
}
