//! Finds split debug information. The binary has only skeletons, and the rest is in a `.dwp` package beside
//! it, or in one `.dwo` file per unit. Each file is opened when an address needs it, once for all threads.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use gimli::{DwarfPackageSections, DwarfSections, EndianSlice, RunTimeEndian, Section, SectionId, UnitType};

use object::Object;

use super::depth::is_sane;
use super::paths::below;
use super::section::section;
use crate::input;

type Slice<'i> = EndianSlice<'i, RunTimeEndian>;
type Owned = Cow<'static, [u8]>;

/// The places where split debug information may be.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// The path of the binary.
    pub(super) binary: PathBuf,
    /// Root of the target's file system.
    pub(super) sysroot: Option<PathBuf>,
    /// Further directories to search.
    pub(super) debug_dirs: Vec<PathBuf>,
}

/// The split units of a binary.
#[derive(Default)]
pub(super) struct Splits {
    package: Option<DwarfPackageSections<Owned>>,
    units: HashMap<u64, Unit>,
}

/// A unit that is in another file.
struct Unit {
    /// The paths at which that file may be.
    paths: Vec<PathBuf>,
    sections: OnceLock<Option<DwarfSections<Owned>>>,
}

impl Splits {
    /// Finds the units that a binary keeps in other files.
    pub(super) fn new(dwarf: &gimli::Dwarf<Slice<'_>>, places: &Places) -> Self {
        let mut splits = Splits::default();
        let mut headers = dwarf.units();
        while let Ok(Some(header)) = headers.next() {
            // In version 4, only an attribute marks a skeleton; binaries with skeletons have a section of
            // addresses.
            let early = header.version() < 5 && !dwarf.debug_addr.reader().is_empty();
            if !early && !matches!(header.type_(), UnitType::Skeleton(_)) {
                continue;
            }
            let Ok(unit) = dwarf.unit(header) else { continue };
            let (Some(id), Ok(Some(name))) = (unit.dwo_id, unit.dwo_name()) else { continue };
            let Ok(name) = dwarf.attr_string(&unit, name) else { continue };
            let directory = unit.comp_dir.map_or(&[][..], |directory| directory.slice());
            let paths = places.of_unit(directory, name.slice());
            splits.units.insert(id.0, Unit { paths, sections: OnceLock::new() });
        }
        if !splits.units.is_empty() {
            splits.package = places.packages().iter().find_map(|path| package(path));
        }
        splits
    }

    /// The debug information of a unit; `None` if its file is not found.
    pub(super) fn unit<'i>(
        &'i self,
        id: gimli::DwoId,
        parent: &gimli::Dwarf<Slice<'i>>,
        endian: RunTimeEndian,
    ) -> Option<Arc<gimli::Dwarf<Slice<'i>>>> {
        let slice = |section: &'i Owned| EndianSlice::new(section, endian);
        if let Some(package) = &self.package
            && let Ok(package) = package.borrow(slice, EndianSlice::new(&[], endian))
            && let Ok(Some(dwarf)) = package.find_cu(id, parent)
        {
            return is_sane(&dwarf).then(|| Arc::new(dwarf));
        }
        let unit = self.units.get(&id.0)?;
        let sections = unit.sections.get_or_init(|| unit.paths.iter().find_map(|path| object(path, id)));
        let mut dwarf = sections.as_ref()?.borrow(slice);
        dwarf.make_dwo(parent);
        is_sane(&dwarf).then(|| Arc::new(dwarf))
    }
}

impl Places {
    /// `program.dwp`, beside the program or in a debug directory.
    fn packages(&self) -> Vec<PathBuf> {
        let mut name = self.binary.clone().into_os_string();
        name.push(".dwp");
        let beside = PathBuf::from(name);
        let elsewhere = self.debug_dirs.iter().filter_map(|dir| Some(dir.join(beside.file_name()?)));
        let elsewhere: Vec<PathBuf> = elsewhere.collect();
        std::iter::once(beside).chain(elsewhere).collect()
    }

    /// The path that the compiler used, then paths beside the binary, then paths in debug directories.
    fn of_unit(&self, directory: &[u8], name: &[u8]) -> Vec<PathBuf> {
        let text = |bytes: &[u8]| PathBuf::from(String::from_utf8_lossy(bytes).into_owned());
        let (directory, name) = (text(directory), text(name));
        let compiled = directory.join(&name);
        let compiled = match &self.sysroot {
            Some(root) => below(root, &compiled),
            None => compiled,
        };
        let beside = self.binary.parent().unwrap_or(Path::new("."));
        let own = name.file_name().unwrap_or_default();
        let elsewhere = self.debug_dirs.iter().map(|dir| dir.join(own));
        [compiled, beside.join(&name), beside.join(own)].into_iter().chain(elsewhere).collect()
    }
}

fn package(path: &Path) -> Option<DwarfPackageSections<Owned>> {
    let bytes = input::open_regular(path).ok()?;
    let file = object::File::parse(&bytes[..]).ok()?;
    let load = |id| Ok::<_, gimli::Error>(own(&file, id));
    DwarfPackageSections::load(load).ok()
}

/// A `.dwo` file, if its id is the one in the skeleton.
fn object(path: &Path, id: gimli::DwoId) -> Option<DwarfSections<Owned>> {
    let bytes = input::open_regular(path).ok()?;
    let file = object::File::parse(&bytes[..]).ok()?;
    let sections = DwarfSections::load(|id| Ok::<_, gimli::Error>(own(&file, id))).ok()?;
    let endian = if file.is_little_endian() { RunTimeEndian::Little } else { RunTimeEndian::Big };
    let dwarf = sections.borrow(|section| EndianSlice::new(section, endian));
    let header = dwarf.units().next().ok()??;
    let found = match header.type_() {
        UnitType::SplitCompilation(found) => Some(found),
        _ => dwarf.unit(header).ok()?.dwo_id,
    };
    (found == Some(id)).then_some(sections)
}

fn own(file: &object::File<'_>, id: SectionId) -> Owned {
    match id.dwo_name() {
        Some(name) => section(file, name).into_owned().into(),
        None => Cow::Borrowed(&[]),
    }
}
