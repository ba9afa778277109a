//! Addresses become frames: every address once, in rising order, on all cores.

mod binary;
mod bundle;
mod contained;
mod depth;
mod find;
mod image;
mod internal;
mod name;
mod parallel;
mod pdb;
mod progress;
mod same;
mod separate;
mod server;
mod split;
mod starts;
mod table;
mod transfer;

use std::sync::Arc;

use indexmap::IndexSet;

pub use find::{Missing, Search, hex};
pub use internal::{Origin, hidden, origin};
pub use name::readable;
pub use progress::Progress;
pub use same::Doubt;
pub use server::Servers;

use crate::Error;
use crate::clean::clean;
use crate::modules::{Module, Modules, Place};
use image::Image;
use parallel::Answers;

/// Text in [`Symbols`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text(u32);

/// How to name addresses.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to look for binaries.
    pub search: Search,
    /// Whether to show inlined functions as frames of their own.
    pub inlines: bool,
    /// Whether to look for names at all.
    pub names: bool,
    /// Counts what has been named.
    pub progress: Arc<Progress>,
}

impl Default for Options {
    fn default() -> Self {
        Options { search: Search::default(), inlines: true, names: true, progress: Arc::default() }
    }
}

/// One function at one place of the source.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Its readable name.
    pub function: Text,
    /// Its symbol as the binary has it; the readable name where there is none.
    pub symbol: Text,
    /// Path of the source file.
    pub file: Option<Text>,
    /// Line in it, 0 when unknown.
    pub line: u32,
    /// Whether it belongs to the program or to the machinery under it.
    pub origin: Origin,
}

/// What stands at an address.
#[derive(Clone, Debug)]
pub struct Location {
    /// The address.
    pub address: u64,
    /// Where it lies, when it lies in a module.
    pub place: Option<Place>,
    /// The frames there, innermost first; never empty.
    pub frames: Vec<Frame>,
    /// Whether a name was found.
    pub named: bool,
}

/// What became of a module.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The file that its names were taken from.
    pub path: Option<std::path::PathBuf>,
    /// Whether it has debug information, or a symbol table only.
    pub debug_info: bool,
    /// It is not the file that ran, and the user wanted it so.
    pub forced: bool,
    /// Why it may not be the file that ran.
    pub doubt: Option<Doubt>,
    /// Why it has no names.
    pub missing: Option<Missing>,
    /// Why a server of debug files could not help.
    pub server: Option<String>,
    /// How many addresses of it the dump uses.
    pub addresses: usize,
    /// How many of those have no name.
    pub unnamed: usize,
}

/// Every address of a profile, named.
#[derive(Default)]
pub struct Symbols {
    locations: Vec<Location>,
    sources: Vec<Source>,
    strings: IndexSet<String>,
    /// Addresses that lie in no module.
    pub outside: usize,
}

/// What a binary says of its own addresses: for each the readable names of the frames there, innermost first. The
/// debug information that it leaves to other files is not looked for, but one that is common to several may be its own.
///
/// # Errors
/// Why it cannot be used.
pub fn names_in(binary: &[u8], svmas: &[u64]) -> Result<Vec<Vec<String>>, String> {
    let image = Image::new(&[binary], Some(binary), 0, &split::Places::default())?;
    let mut all = Vec::new();
    parallel::ask(svmas, &image, &Progress::default(), |answers| {
        let name = |frame: &parallel::Answer| answers.functions[frame.function].clone();
        all.extend(answers.addresses.iter().map(|found| found.frames.iter().map(name).collect()));
    });
    Ok(all)
}

impl Symbols {
    /// Names `addresses`.
    ///
    /// # Errors
    /// When a binary that the user gave can't be used. Modules of the dump that can't be found are no error: see
    /// [`Symbols::sources`].
    pub fn new(mut addresses: Vec<u64>, modules: &Modules, options: &Options) -> Result<Self, Error> {
        addresses.sort_unstable();
        addresses.dedup();
        let mut symbols = Symbols::default();
        let mut of_module: Vec<Vec<usize>> = vec![Vec::new(); modules.all().len()];
        for (index, &address) in addresses.iter().enumerate() {
            let place = modules.find(address);
            match place {
                Some(place) => of_module[place.module].push(index),
                None => symbols.outside += 1,
            }
            let frame = symbols.unnamed(address, place.map(|place| (place, &modules.all()[place.module])));
            symbols.locations.push(Location { address, place, frames: vec![frame], named: false });
        }
        let mut given = if options.names { options.search.assign(modules.all())? } else { Vec::new() };
        given.resize_with(modules.all().len(), || None);
        for ((module, indices), given) in modules.all().iter().zip(&of_module).zip(given) {
            let mut source = Source { addresses: indices.len(), unnamed: indices.len(), ..Source::default() };
            if options.names && !indices.is_empty() {
                symbols.name_module(module, indices, given, options, &mut source);
            }
            symbols.sources.push(source);
        }
        Ok(symbols)
    }

    /// The location of an address that was given to [`Symbols::new`], as an index.
    #[must_use]
    pub fn index_of(&self, address: u64) -> Option<usize> {
        self.locations.binary_search_by_key(&address, |location| location.address).ok()
    }

    /// All locations, by rising address.
    #[must_use]
    pub fn locations(&self) -> &[Location] {
        &self.locations
    }

    /// What became of each module, in the order of the modules.
    #[must_use]
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// A text.
    #[must_use]
    pub fn text(&self, text: Text) -> &str {
        self.strings.get_index(text.0 as usize).map_or("", String::as_str)
    }

    fn intern(&mut self, text: String) -> Text {
        let (index, _) = self.strings.insert_full(text);
        Text(u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// The frame of an address without a name: `module+0xoffset`.
    fn unnamed(&mut self, address: u64, at: Option<(Place, &Module)>) -> Frame {
        match at {
            Some((place, module)) => self.offset(module, place.svma),
            None => self.nameless(format!("{address:#x}")),
        }
    }

    fn offset(&mut self, module: &Module, svma: u64) -> Frame {
        self.nameless(format!("{}+{svma:#x}", module.name()))
    }

    fn nameless(&mut self, text: String) -> Frame {
        let function = self.intern(text);
        Frame { function, symbol: function, file: None, line: 0, origin: Origin::Program }
    }

    fn name_module(
        &mut self,
        module: &Module,
        indices: &[usize],
        given: Option<find::Found>,
        options: &Options,
        source: &mut Source,
    ) {
        let found = given.map_or_else(|| options.search.find(module), Ok);
        let found = match options.search.ask_servers(module, found, &mut source.server) {
            Ok(found) => found,
            Err(missing) => {
                source.missing = Some(missing);
                return;
            }
        };
        let files: Vec<&[u8]> =
            std::iter::once(&found.binary).chain(&found.debug).map(|bytes| &bytes[..]).collect();
        let debug = found.debug.as_ref().unwrap_or(&found.binary);
        let supplement =
            options.search.supplement(debug).or_else(|| options.search.supplement(&found.binary));
        let splits = options.search.splits(&found.path);
        let image = match Image::new(&files, supplement.as_deref(), module.base(), &splits) {
            Ok(image) => image,
            Err(reason) => {
                source.missing = Some(Missing::Unusable(found.path, reason));
                return;
            }
        };
        if image.has_debug_info() || image.has_symbols() {
            source.debug_info = image.has_debug_info();
            source.path = Some(found.path);
        } else {
            source.missing = Some(Missing::Stripped(found.path));
        }
        source.forced = found.forced;
        source.doubt = found.doubt;
        let svmas: Vec<u64> =
            indices.iter().filter_map(|&i| self.locations[i].place.map(|place| place.svma)).collect();
        let mut rest = indices;
        options.progress.expect(svmas.len());
        parallel::ask(&svmas, &image, &options.progress, |answers| {
            let (these, after) = rest.split_at(answers.addresses.len());
            rest = after;
            source.unnamed -= self.take(these, &answers, module, options.inlines);
        });
    }

    /// Puts answers in their places, and returns how many addresses they name.
    fn take(&mut self, indices: &[usize], answers: &Answers, module: &Module, inlines: bool) -> usize {
        let files: Vec<Text> = answers.files.iter().map(|file| self.intern(clean(file))).collect();
        let functions: Vec<(Text, Text, Origin)> = answers
            .functions
            .iter()
            .map(|(symbol, name)| (self.intern(clean(symbol)), self.intern(name.clone()), origin(name)))
            .collect();
        let mut named = 0;
        for (&index, answer) in indices.iter().zip(&answers.addresses) {
            let found = &answer.frames;
            let shown = if inlines { 0 } else { found.len().max(1) - 1 };
            if found.is_empty() {
                // One function is one frame, whichever of its instructions it was.
                if let Some(start) = answer.start {
                    self.locations[index].frames = vec![self.offset(module, start)];
                }
                continue;
            }
            let frames = found[shown..].iter().map(|frame| {
                let (symbol, function, origin) = functions[frame.function];
                Frame { function, symbol, file: frame.file.map(|file| files[file]), line: frame.line, origin }
            });
            self.locations[index].frames = frames.collect();
            self.locations[index].named = true;
            named += 1;
        }
        named
    }
}
