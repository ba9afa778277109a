//! A place where one task leaves a value for another.

use core::cell::RefCell;

use critical_section::Mutex;

use crate::kernel;

/// Holds one value at a time.
pub struct Mailbox<T>(Mutex<RefCell<Option<T>>>);

impl<T> Mailbox<T> {
    pub const fn new() -> Self {
        Mailbox(Mutex::new(RefCell::new(None)))
    }

    /// Waits until there is room.
    pub fn send(&self, thing: T) {
        let mut left = Some(thing);
        loop {
            critical_section::with(|section| {
                let mut place = self.0.borrow_ref_mut(section);
                if place.is_none() {
                    *place = left.take();
                }
            });
            if left.is_none() {
                return;
            }
            kernel::yield_now();
        }
    }

    /// Waits until there is a value.
    pub fn take(&self) -> T {
        loop {
            if let Some(thing) = critical_section::with(|section| self.0.borrow_ref_mut(section).take()) {
                return thing;
            }
            kernel::yield_now();
        }
    }
}
