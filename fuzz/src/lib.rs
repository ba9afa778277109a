//! Shared by the targets: mutations that keep checksums valid, a profile, and the input of stack walks.

pub mod corpus;
pub mod dumps;
pub mod packets;
pub mod walks;
