//! The format against literal bytes, against its promises to older and newer readers, against damage, and
//! against itself.

mod compatibility;
mod damage;
mod encoder;
mod literal;
mod packet;
mod round_trip;
mod support;
