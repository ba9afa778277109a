//! Where a tracker's region is: known from the start, or once it has been placed.

#[cfg(feature = "std")]
use crate::sync::*;
use crate::table::region::{Head, Tables};

/// A region's address, or that of [`NOWHERE`].
#[cfg(feature = "std")]
pub(crate) struct Site<R>(AtomicPtr<R>);

/// The head of a region that has no place yet: it looks out for nothing.
#[cfg(feature = "std")]
static NOWHERE: Head = Head::new();

#[cfg(feature = "std")]
impl<R: Tables> Site<R> {
    pub(crate) const fn of(region: &'static R) -> Self {
        Site(AtomicPtr::new(core::ptr::from_ref(region).cast_mut()))
    }

    /// Of a region that is still to be placed.
    pub(crate) const fn unknown() -> Self {
        Site(AtomicPtr::new(Self::nowhere()))
    }

    const fn nowhere() -> *mut R {
        core::ptr::from_ref(&NOWHERE).cast_mut().cast()
    }

    #[inline(always)]
    pub(crate) fn at(&self) -> At<R> {
        At(self.0.load(Acquire))
    }

    /// The region, when it is known.
    #[inline(always)]
    pub(crate) fn known(&self) -> Option<&'static R> {
        let at = self.at();
        (R::IS_STATIC || !core::ptr::eq(at.0, Self::nowhere())).then(|| at.region())
    }

    /// The region, which is placed first if it has no place yet. `None` when there is no memory for it.
    pub(crate) fn find(&self) -> Option<&'static R> {
        self.known().or_else(|| {
            let region = R::place(&crate::os::linux::memory::SPACE)?;
            let place = core::ptr::from_ref(region).cast_mut();
            if self.0.compare_exchange(Self::nowhere(), place, AcqRel, Acquire).is_err() {
                // Another thread, or a signal's handler, was first.
                region.give_back();
            }
            self.known()
        })
    }
}

/// A region as an event finds it.
#[cfg(feature = "std")]
pub(crate) struct At<R>(*const R);

#[cfg(feature = "std")]
impl<R: Tables> At<R> {
    /// Its head, or one that looks out for nothing.
    #[inline(always)]
    pub(crate) fn head(&self) -> &'static Head {
        // SAFETY: a region begins with its head, and stays.
        unsafe { &*self.0.cast() }
    }

    /// The region of a tracker that has a number, or one that is [known](Site::known).
    #[inline(always)]
    pub(crate) fn region(&self) -> &'static R {
        // SAFETY: a tracker gets its number behind the region's place, and neither changes any more; a static's address is
        // there from the start. Regions stay.
        unsafe { &*self.0 }
    }
}

/// A static's address.
#[cfg(not(feature = "std"))]
pub(crate) struct Site<R: 'static>(&'static R);

#[cfg(not(feature = "std"))]
impl<R: Tables> Site<R> {
    pub(crate) const fn of(region: &'static R) -> Self {
        Site(region)
    }

    #[inline(always)]
    pub(crate) fn at(&self) -> At<R> {
        At(self.0)
    }

    #[inline(always)]
    pub(crate) fn known(&self) -> Option<&'static R> {
        Some(self.0)
    }

    #[inline(always)]
    pub(crate) fn find(&self) -> Option<&'static R> {
        Some(self.0)
    }
}

#[cfg(not(feature = "std"))]
pub(crate) struct At<R: 'static>(&'static R);

#[cfg(not(feature = "std"))]
impl<R: Tables> At<R> {
    #[inline(always)]
    pub(crate) fn head(&self) -> &'static Head {
        self.0.head()
    }

    #[inline(always)]
    pub(crate) fn region(&self) -> &'static R {
        self.0
    }
}
