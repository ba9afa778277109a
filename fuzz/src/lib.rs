//! What the targets share: changes to input that keep its checksums right, a profile, and numbers of which walks are laid.

pub mod corpus;
pub mod dumps;
pub mod packets;
pub mod walks;
