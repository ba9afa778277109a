//! Records of names: tags and heaps.

use super::writer::Writer;
use crate::Error;
use crate::table::region::Tables;
use memtrack_format::{Heap, Sink, TagName};

impl<R: Tables, P, S: Sink<Error = Error>> Writer<'_, R, P, S> {
    pub(super) fn tags(&mut self) -> Result<(), Error> {
        for place in 0.. {
            let Some((parent, name)) = self.region.tags().get(place) else { break };
            self.record(&TagName { id: place as u32 + 1, parent: u32::from(parent), name: name.as_bytes() })?;
        }
        Ok(())
    }

    pub(super) fn heaps(&mut self) -> Result<(), Error> {
        for place in 0.. {
            let Some((_, name)) = self.region.heaps().get(place) else { break };
            self.record(&Heap { id: place as u32 + 1, name: name.as_bytes() })?;
        }
        Ok(())
    }
}
