//! The address of a tracker's region. A static region has it from the start; a growing one gets it with its first event, and
//! so does every region where a recording begins with it.

#[cfg(recorded_from_start)]
use crate::session::recording;
#[cfg(feature = "std")]
use crate::session::space::SPACE;
#[cfg(feature = "std")]
use crate::sync::*;
use crate::table::region::{Head, Tables};

/// The address of a region, or of [`UNPLACED`].
#[cfg(feature = "std")]
pub(super) struct RegionPointer<R: 'static> {
    address: AtomicPtr<R>,
    /// The static that a tracker has when its region is not in a file.
    #[cfg(recorded_from_start)]
    fallback: Option<&'static R>,
}

/// The head of a region that is not placed yet. Its flags are all zero, so that no event takes the fast path.
#[cfg(feature = "std")]
static UNPLACED: Head = Head::new();

#[cfg(feature = "std")]
impl<R: Tables> RegionPointer<R> {
    /// Whether the address is there from the start.
    const IS_PLACED: bool = R::IS_STATIC && !cfg!(recorded_from_start);

    #[cfg(not(recorded_from_start))]
    pub(super) const fn to(region: &'static R) -> Self {
        RegionPointer { address: AtomicPtr::new(core::ptr::from_ref(region).cast_mut()) }
    }

    #[cfg(recorded_from_start)]
    pub(super) const fn to(region: &'static R) -> Self {
        RegionPointer { fallback: Some(region), ..Self::unplaced() }
    }

    pub(super) const fn unplaced() -> Self {
        RegionPointer {
            address: AtomicPtr::new(Self::unplaced_address()),
            #[cfg(recorded_from_start)]
            fallback: None,
        }
    }

    const fn unplaced_address() -> *mut R {
        core::ptr::from_ref(&UNPLACED).cast_mut().cast()
    }

    #[inline(always)]
    pub(super) fn load(&self) -> Loaded<R> {
        Loaded(self.address.load(Acquire))
    }

    /// The region, if it is placed.
    #[inline(always)]
    pub(super) fn get(&self) -> Option<&'static R> {
        let loaded = self.load();
        (Self::IS_PLACED || !core::ptr::eq(loaded.0, Self::unplaced_address())).then(|| loaded.region())
    }

    /// The region, which is placed first if need be. `None` when there is no memory for it.
    pub(super) fn get_or_place(&self) -> Option<&'static R> {
        #[cfg(recorded_from_start)]
        if self.get().is_none() {
            self.place_in_file();
        }
        self.get().or_else(|| {
            let region = self.place()?;
            if !self.publish(region) {
                // Another thread or a signal handler was first.
                region.give_back();
            }
            self.get()
        })
    }

    /// A region that is in no file.
    fn place(&self) -> Option<&'static R> {
        #[cfg(recorded_from_start)]
        if self.fallback.is_some() {
            return self.fallback;
        }
        R::place(&SPACE)
    }

    /// Makes the region the tracker's. False when it has one.
    fn publish(&self, region: &'static R) -> bool {
        let address = core::ptr::from_ref(region).cast_mut();
        self.address.compare_exchange(Self::unplaced_address(), address, AcqRel, Acquire).is_ok()
    }

    /// Places the region in the file of a recording, if there is to be one. The static is taken then: another tracker that
    /// has the same one gets none.
    #[cfg(recorded_from_start)]
    #[cold]
    fn place_in_file(&self) {
        recording::place(size_of::<R>(), &R::LATER, |address| {
            if let Some(fallback) = self.fallback {
                fallback.head().claimed.store(address, Release);
            }
            self.publish(R::in_memory(address, &SPACE))
        });
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
        // SAFETY: a tracker gets its number after its region is placed, and neither changes afterwards. Regions are never freed.
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
