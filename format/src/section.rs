//! A section and the records in it.

use core::marker::PhantomData;

use crate::field::{Get, Malformed};
use crate::record::{Node, Record};
use crate::{Tag, varint};

/// A section.
#[derive(Clone, Copy, Debug)]
pub struct Section<'a> {
    /// What it holds.
    pub tag: Tag,
    /// Where its payload begins in the dump.
    pub offset: usize,
    /// Its payload.
    pub payload: &'a [u8],
}

impl<'a> Section<'a> {
    /// Its records, for a section of that tag. After the first [`Malformed`] record the rest is not read.
    #[must_use]
    pub fn records<R: Record<'a>>(&self) -> Records<'a, R> {
        let bytes = if self.tag == R::TAG { self.payload } else { &[] };
        Records { rest: Get::new(bytes), record: PhantomData }
    }

    /// Its stack nodes with their ids, for a section of [`Tag::NODE`].
    #[must_use]
    pub fn nodes(&self) -> Nodes<'a> {
        let bytes = if self.tag == Tag::NODE { self.payload } else { &[] };
        Nodes { rest: Get::new(bytes), next: None, address: 0 }
    }
}

/// The records of a section.
#[derive(Clone, Copy, Debug)]
pub struct Records<'a, R> {
    rest: Get<'a>,
    record: PhantomData<R>,
}

impl<'a, R: Record<'a>> Iterator for Records<'a, R> {
    type Item = Result<R, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let result =
            self.rest.varint().and_then(|n| self.rest.bytes(n)).and_then(|b| R::get(&mut Get::new(b)));
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
