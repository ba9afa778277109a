//! The writer of a snapshot.

use super::at::At;
use crate::limits::DUMP_BUFFER;
use crate::table::region::Tables;
use crate::{Error, LossCause};
use memtrack_format::{EncodeError, Encoder, Record, Sink};

/// The source and the destination of a snapshot.
pub(super) struct Writer<'r, R, P, S> {
    pub(super) region: &'r R,
    pub(super) platform: &'r P,
    pub(super) at: At<'r>,
    pub(super) to: Encoder<S, DUMP_BUFFER>,
}

impl<R: Tables, P, S: Sink<Error = Error>> Writer<'_, R, P, S> {
    /// Writes a record. Leaves out a record that is larger than the buffer, and counts a loss.
    pub(super) fn record<'a, T: Record<'a>>(&mut self, record: &T) -> Result<(), Error> {
        match self.to.record(record) {
            Ok(()) => Ok(()),
            Err(EncodeError::Sink(error)) => Err(error),
            Err(EncodeError::RecordTooLarge) => {
                self.region.head().losses.count(LossCause::RecordTooLarge);
                Ok(())
            }
        }
    }

    pub(super) fn finish(self) -> Result<(), Error> {
        match self.to.finish() {
            Ok(_) | Err(EncodeError::RecordTooLarge) => Ok(()),
            Err(EncodeError::Sink(error)) => Err(error),
        }
    }
}
