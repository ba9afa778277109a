//! The unwinders of other projects. Each writes the addresses into an array and does no more.

use std::ffi::{c_int, c_void};
use std::hint::black_box;

use framehop::x86_64::{CacheX86_64, UnwindRegsX86_64, UnwinderX86_64};
use framehop::{ExplicitModuleSectionInfo, Module, MustNotAllocateDuringUnwind, Unwinder};

/// The maximal number of frames.
const MAX: usize = 128;

/// Addresses, innermost first.
pub(crate) struct Addresses {
    addresses: [usize; MAX],
    used: usize,
}

impl Addresses {
    pub(crate) const fn new() -> Self {
        Addresses { addresses: [0; MAX], used: 0 }
    }

    /// The number of frames found, including those of the unwinder itself.
    pub(crate) fn count(&self) -> usize {
        black_box(&self.addresses)[..self.used].iter().filter(|&&address| address != 0).count()
    }

    fn push(&mut self, address: usize) -> bool {
        let Some(place) = self.addresses.get_mut(self.used) else { return false };
        *place = address;
        self.used += 1;
        true
    }
}

/// The C runtime's unwinder.
#[inline(never)]
pub(crate) fn libgcc(into: &mut Addresses) {
    unsafe extern "C" {
        fn _Unwind_Backtrace(
            each: extern "C" fn(*mut c_void, *mut c_void) -> c_int,
            into: *mut c_void,
        ) -> c_int;
        fn _Unwind_GetIP(context: *mut c_void) -> usize;
    }
    extern "C" fn each(context: *mut c_void, into: *mut c_void) -> c_int {
        // SAFETY: the context is the unwinder's for the call; `into` is the pointer passed below.
        let more = unsafe { (*into.cast::<Addresses>()).push(_Unwind_GetIP(context)) };
        // _URC_NO_REASON, _URC_NORMAL_STOP
        if more { 0 } else { 4 }
    }
    into.used = 0;
    // SAFETY: `each` uses the pointer only during the call.
    unsafe { _Unwind_Backtrace(each, std::ptr::from_mut(into).cast()) };
}

/// The backtrace crate.
#[inline(never)]
pub(crate) fn backtrace_crate(into: &mut Addresses) {
    into.used = 0;
    // SAFETY: only one thread unwinds.
    unsafe { backtrace::trace_unsynchronized(|frame| into.push(frame.ip() as usize)) };
}

/// GNU libunwind, if it is installed: the benchmark opens its library at run time.
pub(crate) struct Libunwind(Backtrace);

type Backtrace = unsafe extern "C" fn(*mut *mut c_void, c_int) -> c_int;

impl Libunwind {
    pub(crate) fn open() -> Option<Self> {
        // SAFETY: the library is never closed; the function has this type in all its versions.
        unsafe {
            let library = libc::dlopen(c"libunwind.so.8".as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
            let function =
                if library.is_null() { library } else { libc::dlsym(library, c"unw_backtrace".as_ptr()) };
            (!function.is_null()).then(|| Libunwind(std::mem::transmute::<*mut c_void, Backtrace>(function)))
        }
    }

    #[inline(never)]
    pub(crate) fn walk(&self, into: &mut Addresses) {
        // SAFETY: the array has room for this many addresses.
        let found = unsafe { (self.0)(into.addresses.as_mut_ptr().cast(), MAX as c_int) };
        into.used = usize::try_from(found).unwrap_or_default();
    }
}

/// framehop. It knows only the executable: these stacks contain no other module.
pub(crate) struct Framehop {
    unwinder: UnwinderX86_64<&'static [u8], MustNotAllocateDuringUnwind>,
    cache: CacheX86_64<MustNotAllocateDuringUnwind>,
}

impl Framehop {
    pub(crate) fn new() -> Self {
        let mut unwinder = UnwinderX86_64::new();
        // SAFETY: the visitor uses the pointer only during the call.
        unsafe { libc::dl_iterate_phdr(Some(executable), (&raw mut unwinder).cast()) };
        Framehop { unwinder, cache: CacheX86_64::new_in() }
    }

    #[inline(never)]
    pub(crate) fn walk(&mut self, into: &mut Addresses) {
        let (pc, sp, fp): (u64, u64, u64);
        // SAFETY: it only copies registers.
        unsafe {
            std::arch::asm!("lea {0}, [rip]", "mov {1}, rsp", "mov {2}, rbp", out(reg) pc, out(reg) sp, out(reg) fp, options(nomem, nostack, preserves_flags));
        }
        // SAFETY: the unwind tables only lead through this stack; the root's frame ends the walk.
        let mut read = |address: u64| Ok(unsafe { (address as *const u64).read_volatile() });
        let registers = UnwindRegsX86_64::new(pc, sp, fp);
        let mut frames = self.unwinder.iter_frames(pc, registers, &mut self.cache, &mut read);
        into.used = 0;
        while let Ok(Some(frame)) = frames.next() {
            if !into.push(frame.address() as usize) {
                break;
            }
        }
    }
}

/// Adds the first module, which is the executable, to framehop, and ends the visit.
unsafe extern "C" fn executable(info: *mut libc::dl_phdr_info, _: usize, unwinder: *mut c_void) -> c_int {
    // SAFETY: the linker passes a valid record whose headers lie in the mapped module; `unwinder` is the pointer
    // passed above.
    let (info, headers, unwinder) = unsafe {
        let info = &*info;
        let headers = std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum));
        let unwinder = &mut *unwinder.cast::<UnwinderX86_64<&'static [u8], MustNotAllocateDuringUnwind>>();
        (info, headers, unwinder)
    };
    let base = info.dlpi_addr;
    let loaded = |wanted: &dyn Fn(&libc::Elf64_Phdr) -> bool| {
        let header = headers.iter().find(|header| wanted(header)).expect("a program has such a header");
        let range = base + header.p_vaddr..base + header.p_vaddr + header.p_memsz;
        // SAFETY: the bytes are the program's own memory, and all of them are mapped.
        let bytes = unsafe { std::slice::from_raw_parts(range.start as *const u8, header.p_memsz as usize) };
        (range, bytes)
    };
    let (text, code) = loaded(&|header| header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_X != 0);
    let (index, table) = loaded(&|header| header.p_type == libc::PT_GNU_EH_FRAME);
    // The index begins with four bytes about its encoding, followed by the distance from there to the frames.
    let far = i32::from_le_bytes(table[4..8].try_into().expect("four bytes"));
    let start = (index.start + 4).wrapping_add_signed(far.into());
    let holds = |header: &libc::Elf64_Phdr| {
        header.p_type == libc::PT_LOAD
            && (base + header.p_vaddr..base + header.p_vaddr + header.p_memsz).contains(&start)
    };
    let (segment, bytes) = loaded(&holds);
    let frames = &bytes[(start - segment.start) as usize..];
    let section = ExplicitModuleSectionInfo {
        base_svma: base,
        text_svma: Some(text.clone()),
        text: Some(code),
        eh_frame_svma: Some(start..segment.end),
        eh_frame: Some(frames),
        eh_frame_hdr_svma: Some(index),
        eh_frame_hdr: Some(table),
        ..Default::default()
    };
    unwinder.add_module(Module::new("executable".into(), base..text.end.max(segment.end), base, section));
    1
}
