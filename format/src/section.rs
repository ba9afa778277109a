//! A section, and the records or stack nodes in it.

use core::marker::PhantomData;

use crate::field::{Get, Malformed};
use crate::record::{Node, Record};
use crate::{Tag, varint};

/// A section.
#[derive(Clone, Copy, Debug)]
pub struct Section<'a> {
    /// Its tag.
    pub tag: Tag,
    /// The offset of its payload in the dump.
    pub offset: usize,
    /// Its payload.
    pub payload: &'a [u8],
}

impl<'a> Section<'a> {
    /// Its records of type `R`; none when its tag is another. The iterator ends after the first [`Malformed`] record.
    #[must_use]
    pub fn records<R: Record<'a>>(&self) -> Records<'a, R> {
        let bytes = if self.tag == R::TAG { self.payload } else { &[] };
        Records { rest: Get::new(bytes), left: most::<R>(bytes.len()), record: PhantomData }
    }

    /// Its stack nodes with their ids; none when its tag is not [`Tag::NODE`].
    #[must_use]
    pub fn nodes(&self) -> Nodes<'a> {
        let bytes = if self.tag == Tag::NODE { self.payload } else { &[] };
        Nodes { rest: Get::new(bytes), next: None, address: 0 }
    }
}

/// The most records that a section of `bytes` has. A writer writes all fields of a record. A forged section of empty records
/// would need hundreds of times its length in a reader's memory.
fn most<R>(bytes: usize) -> usize {
    /// Bytes of memory per byte of the dump.
    const EXPANSION: usize = 32;
    /// The number of records that every section may have.
    const LEAST: usize = 16;
    LEAST + bytes * EXPANSION / size_of::<R>()
}

/// The records of a section.
#[derive(Clone, Copy, Debug)]
pub struct Records<'a, R> {
    rest: Get<'a>,
    /// How many more there can be.
    left: usize,
    record: PhantomData<R>,
}

impl<'a, R: Record<'a>> Records<'a, R> {
    fn read(&mut self) -> Result<R, Malformed> {
        self.left = self.left.checked_sub(1).ok_or(Malformed)?;
        let length = self.rest.varint()?;
        R::get(&mut Get::new(self.rest.bytes(length)?))
    }
}

impl<'a, R: Record<'a>> Iterator for Records<'a, R> {
    type Item = Result<R, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let result = self.read();
        if result.is_err() {
            self.rest = Get::new(&[]);
        }
        Some(result)
    }
}

/// The stack nodes of a section.
#[derive(Clone, Copy, Debug)]
pub struct Nodes<'a> {
    rest: Get<'a>,
    next: Option<u32>,
    address: u64,
}

impl Nodes<'_> {
    fn read(&mut self) -> Result<(u32, Node), Malformed> {
        let id = match self.next {
            Some(id) => id,
            None => u32::try_from(self.rest.varint()?).map_err(|_| Malformed)?,
        };
        let up = u32::try_from(self.rest.varint()?).map_err(|_| Malformed)?;
        let parent =
            id.checked_sub(up).filter(|&parent| parent < id && id >= Node::FIRST).ok_or(Malformed)?;
        self.address = self.address.wrapping_add(varint::unzigzag(self.rest.varint()?) as u64);
        self.next = Some(id.checked_add(1).ok_or(Malformed)?);
        Ok((id, Node { parent, address: self.address }))
    }
}

impl Iterator for Nodes<'_> {
    type Item = Result<(u32, Node), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let result = self.read();
        if result.is_err() {
            self.rest = Get::new(&[]);
        }
        Some(result)
    }
}
