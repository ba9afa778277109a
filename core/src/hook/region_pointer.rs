//! The address of a tracker's region. A static region has it from the start; a growing one gets it with its first event.

#[cfg(feature = "std")]
use crate::sync::*;
use crate::table::region::{Head, Tables};

/// The address of a region, or of [`UNPLACED`].
#[cfg(feature = "std")]
pub(super) struct RegionPointer<R>(AtomicPtr<R>);

/// The head of a region that is not placed yet. Its flags are all zero, so that no event takes the fast path.
#[cfg(feature = "std")]
static UNPLACED: Head = Head::new();

#[cfg(feature = "std")]
impl<R: Tables> RegionPointer<R> {
    pub(super) const fn to(region: &'static R) -> Self {
        RegionPointer(AtomicPtr::new(core::ptr::from_ref(region).cast_mut()))
    }

    pub(super) const fn unplaced() -> Self {
        RegionPointer(AtomicPtr::new(Self::unplaced_address()))
    }

    const fn unplaced_address() -> *mut R {
        core::ptr::from_ref(&UNPLACED).cast_mut().cast()
    }

    #[inline(always)]
    pub(super) fn load(&self) -> Loaded<R> {
        Loaded(self.0.load(Acquire))
    }

    /// The region, if it is placed.
    #[inline(always)]
    pub(super) fn get(&self) -> Option<&'static R> {
        let loaded = self.load();
        (R::IS_STATIC || !core::ptr::eq(loaded.0, Self::unplaced_address())).then(|| loaded.region())
    }

    /// The region, which is placed first if need be. `None` when there is no memory for it.
    pub(super) fn get_or_place(&self) -> Option<&'static R> {
        self.get().or_else(|| {
            let region = R::place(&crate::session::space::SPACE)?;
            let address = core::ptr::from_ref(region).cast_mut();
            if self.0.compare_exchange(Self::unplaced_address(), address, AcqRel, Acquire).is_err() {
                // Another thread or a signal handler was first.
                region.give_back();
            }
            self.get()
        })
    }
}

/// One read of the pointer: an event reads it once.
#[cfg(feature = "std")]
pub(super) struct Loaded<R>(*const R);

#[cfg(feature = "std")]
impl<R: Tables> Loaded<R> {
    /// The region's head, or that of [`UNPLACED`].
    #[inline(always)]
    pub(super) fn head(&self) -> &'static Head {
        // SAFETY: a region begins with its head, and is never freed once it is published here.
        unsafe { &*self.0.cast() }
    }

    /// The region. Its tracker must have a number, or [`get`](RegionPointer::get) must have returned it.
    #[inline(always)]
    pub(super) fn region(&self) -> &'static R {
        // SAFETY: a tracker gets its number after its region is placed, and neither changes afterwards; the address of a
        // static is there from the start. Regions are never freed.
        unsafe { &*self.0 }
    }
}

/// The address of a static.
#[cfg(not(feature = "std"))]
pub(super) struct RegionPointer<R: 'static>(&'static R);

#[cfg(not(feature = "std"))]
impl<R: Tables> RegionPointer<R> {
    pub(super) const fn to(region: &'static R) -> Self {
        RegionPointer(region)
    }

    #[inline(always)]
    pub(super) fn load(&self) -> Loaded<R> {
        Loaded(self.0)
    }

    #[inline(always)]
    pub(super) fn get(&self) -> Option<&'static R> {
        Some(self.0)
    }

    #[inline(always)]
    pub(super) fn get_or_place(&self) -> Option<&'static R> {
        Some(self.0)
    }
}

#[cfg(not(feature = "std"))]
pub(super) struct Loaded<R: 'static>(&'static R);

#[cfg(not(feature = "std"))]
impl<R: Tables> Loaded<R> {
    #[inline(always)]
    pub(super) fn head(&self) -> &'static Head {
        self.0.head()
    }

    #[inline(always)]
    pub(super) fn region(&self) -> &'static R {
        self.0
    }
}

impl<R: Tables> Loaded<R> {
    /// The region's flags.
    #[inline(always)]
    pub(super) fn flags(&self) -> usize {
        self.head().pending.flags()
    }
}
