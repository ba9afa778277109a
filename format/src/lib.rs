//! The formats of memtrack: the dump, byte by byte, and the [memory image](image), word by word.
//!
//! **What this crate does**: it turns records (a [`Cell`], a [`Module`], …) into bytes and bytes into records.
//! The target uses [`Encoder`], the host uses [`Reader`]. Both use the same record types, so a new field is new on both sides.
//! The specification with byte tables is `docs/wire-format.md`.
//!
//! **What you do**: hand the encoder a [`Sink`] and records in any order that keeps records of one kind
//! together; read a dump by iterating over the [`Item`]s of a [`Reader`].
//!
//! **What it is not for**: it gives figures no meaning, names no addresses and opens no files.
//!
//! | limit | value |
//! |---|---|
//! | payload of one section | [`MAX_PAYLOAD`] bytes; longer ones are damage |
//! | one record | must fit into the encoder's buffer less [`OVERHEAD`] bytes |
//! | versions read | [`MIN_SUPPORTED`] to [`CURRENT`] |
//!
//! No `std`, no `alloc`, no dependencies, no `unsafe`.
#![no_std]
#![forbid(unsafe_code)]

mod crc;
mod decode;
mod encode;
mod field;
mod frame;
pub mod image;
mod packet;
mod record;
mod section;
mod table;
mod tag;
mod varint;

pub use crc::crc32;
pub use decode::{Damage, DamageKind, Item, Reader, Rejected};
pub use encode::{EncodeError, Encoder, Sink};
pub use field::{Field, Get, List, Malformed, Put};
pub use packet::{MAX_PACKET, PACKET_DATA, Packet};
pub use record::{
    Arch, Cause, Cell, Config, Done, Fields, Figures, Fork, Heap, Kind, Loss, LossCause, Lost, Marks, Module,
    Node, Os, Process, Record, Segment, SizeClass, Snapshot, Stage, TagName, Target, Thread, ThreadPeak,
    ThreadState, TimePoint,
};
pub use section::{Nodes, Records, Section};
pub use table::{NodeWithId, Take, TakeAll};
pub use tag::Tag;

/// The first eight bytes of every snapshot. A transfer that treats the dump as text changes the byte above 0x7f, CR LF or
/// Ctrl-Z.
pub const MAGIC: [u8; 8] = *b"\x89MTK\r\n\x1a\n";
/// The version that [`Encoder`] writes.
pub const CURRENT: u16 = 1;
/// The oldest version that [`Reader`] reads.
pub const MIN_SUPPORTED: u16 = 1;
/// Bytes of a snapshot's header: magic, version, flags (0), CRC-32 of the twelve bytes before it.
pub const HEADER_LEN: usize = 16;
/// Bytes of a section around its payload: tag, length, CRC-32.
pub const OVERHEAD: usize = 12;
/// The longest payload of a section. A longer length field is damage.
pub const MAX_PAYLOAD: usize = 1 << 20;

const _: () = assert!(MIN_SUPPORTED <= CURRENT, "the current version is always readable");
const _: () = assert!(HEADER_LEN == MAGIC.len() + 2 + 2 + 4, "magic, version, flags, CRC");
