//! Fields: how a value of a record is encoded, and the two cursors that write and read fields.

use crate::varint;

/// A record ends in the middle of a field, or the value of a field is outside the range of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Writes fields into a fixed buffer. It remembers that the buffer was full, so that no field has to return an error.
pub struct Put<'b> {
    buffer: &'b mut [u8],
    len: usize,
    overflow: bool,
}

impl<'b> Put<'b> {
    pub(crate) fn new(buffer: &'b mut [u8]) -> Self {
        Put { buffer, len: 0, overflow: false }
    }

    /// Appends raw bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        match self.buffer.get_mut(self.len..self.len + bytes.len()) {
            Some(room) if !self.overflow => {
                room.copy_from_slice(bytes);
                self.len += bytes.len();
            }
            _ => self.overflow = true,
        }
    }

    /// Appends a varint.
    pub fn varint(&mut self, value: u64) {
        let Some(room) = self.buffer.get_mut(self.len..).filter(|_| !self.overflow) else { return };
        if let ([first, ..], 0..0x80) = (&mut *room, value) {
            *first = value as u8;
            self.len += 1;
        } else if let Some(room) = room.first_chunk_mut() {
            self.len += varint::encode(value, room);
        } else {
            // The buffer ends within the longest varint; this one may be shorter.
            let mut out = [0; varint::MAX_LEN];
            let n = varint::encode(value, &mut out);
            self.bytes(&out[..n]);
        }
    }

    /// How many bytes were written; `None` when the buffer was too small.
    pub(crate) fn finish(self) -> Option<usize> {
        (!self.overflow).then_some(self.len)
    }
}

/// Reads fields from a record's bytes.
#[derive(Clone, Copy, Debug)]
pub struct Get<'a> {
    bytes: &'a [u8],
}

impl<'a> Get<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Get { bytes }
    }

    /// Whether all bytes have been read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The next varint.
    ///
    /// # Errors
    /// [`Malformed`] when it is cut off or wider than 64 bits.
    pub fn varint(&mut self) -> Result<u64, Malformed> {
        let (value, n) = varint::decode(self.bytes).ok_or(Malformed)?;
        self.bytes = &self.bytes[n..];
        Ok(value)
    }

    /// The next `n` bytes.
    ///
    /// # Errors
    /// [`Malformed`] when fewer are left.
    pub fn bytes(&mut self, n: u64) -> Result<&'a [u8], Malformed> {
        let n = usize::try_from(n).map_err(|_| Malformed)?;
        let (head, rest) = self.bytes.split_at_checked(n).ok_or(Malformed)?;
        self.bytes = rest;
        Ok(head)
    }
}

/// A value that a record can have.
pub trait Field<'a>: Sized {
    /// Appends the value.
    fn put(&self, out: &mut Put<'_>);
    /// Reads the value.
    ///
    /// # Errors
    /// [`Malformed`] when the bytes are cut off, or the value is out of the type's range.
    fn get(from: &mut Get<'a>) -> Result<Self, Malformed>;
}

macro_rules! varint_field {
    ($($int:ty),*) => {$(
        impl<'a> Field<'a> for $int {
            fn put(&self, out: &mut Put<'_>) {
                out.varint(u64::from(*self));
            }
            fn get(from: &mut Get<'a>) -> Result<Self, Malformed> {
                <$int>::try_from(from.varint()?).map_err(|_| Malformed)
            }
        }
    )*};
}
varint_field!(u8, u16, u32, u64);

impl<'a> Field<'a> for bool {
    fn put(&self, out: &mut Put<'_>) {
        out.varint(u64::from(*self));
    }
    fn get(from: &mut Get<'a>) -> Result<Self, Malformed> {
        match from.varint()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }
}

/// A string or build id: a varint length, then the bytes. Names are UTF-8 where those of the target are.
impl<'a> Field<'a> for &'a [u8] {
    fn put(&self, out: &mut Put<'_>) {
        out.varint(self.len() as u64);
        out.bytes(self);
    }
    fn get(from: &mut Get<'a>) -> Result<Self, Malformed> {
        let n = from.varint()?;
        from.bytes(n)
    }
}

/// A list inside a record: a varint count, then the items. The writer has a slice, and the reader iterates over the bytes, so
/// neither needs memory of its own.
#[derive(Clone, Copy, Debug)]
pub enum List<'a, T> {
    /// The items of a writer.
    Items(&'a [T]),
    /// The items that a reader found. Each one can be read.
    Encoded {
        /// How many items.
        count: u64,
        /// Their bytes.
        bytes: Get<'a>,
    },
}

impl<T> Default for List<'_, T> {
    fn default() -> Self {
        List::Items(&[])
    }
}

impl<'a, T: Field<'a> + Copy> List<'a, T> {
    /// The items in order.
    pub fn iter(&self) -> impl Iterator<Item = T> + use<'a, T> {
        let (slice, mut count, mut bytes) = match *self {
            List::Items(items) => (items, 0, Get::new(&[])),
            List::Encoded { count, bytes } => (&[][..], count, bytes),
        };
        let encoded = core::iter::from_fn(move || {
            count = count.checked_sub(1)?;
            T::get(&mut bytes).ok()
        });
        slice.iter().copied().chain(encoded)
    }
}

impl<'a, T: Field<'a> + Copy + PartialEq> PartialEq for List<'a, T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<'a, T: Field<'a> + Copy> Field<'a> for List<'a, T> {
    fn put(&self, out: &mut Put<'_>) {
        out.varint(self.iter().count() as u64);
        self.iter().for_each(|item| item.put(out));
    }
    fn get(from: &mut Get<'a>) -> Result<Self, Malformed> {
        let count = from.varint()?;
        let bytes = *from;
        for _ in 0..count {
            if from.is_empty() {
                return Err(Malformed);
            }
            T::get(from)?;
        }
        Ok(List::Encoded { count, bytes })
    }
}
