//! The addresses of a profile, with names.

use indexmap::IndexSet;

use super::find::{Found, Missing};
use super::image::Image;
use super::internal::{Origin, origin};
use super::location::{Frame, Location, Text};
use super::options::Options;
use super::parallel::{self, Answers};
use super::progress::Progress;
use super::source::Source;
use super::split::Places;
use crate::Error;
use crate::clean::clean;
use crate::modules::{Module, Modules, Place};

/// The addresses of a profile, with names.
#[derive(Default)]
pub struct Symbols {
    locations: Vec<Location>,
    sources: Vec<Source>,
    strings: IndexSet<String>,
    /// The number of addresses outside of all modules.
    pub outside: usize,
}

/// Names addresses by one binary alone: for each address, the readable names of its frames, innermost first.
/// Debug information in other files is not used. If several binaries share debug information, this one may be
/// the shared file itself.
///
/// # Errors
/// Returns the reason why the binary can't be used.
pub fn names_in(binary: &[u8], svmas: &[u64]) -> Result<Vec<Vec<String>>, String> {
    let image = Image::new(&[binary], Some(binary), 0, &Places::default())?;
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
    /// Returns an error if a binary that the user gave can't be used. Modules of the dump that can't be found
    /// are no error: see [`Symbols::sources`].
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

    /// All locations, by rising address.
    #[must_use]
    pub fn locations(&self) -> &[Location] {
        &self.locations
    }

    /// The result for each module, in the order of the modules.
    #[must_use]
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The string of a text.
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
        given: Option<Found>,
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

    /// Stores answers, and returns the number of addresses that have a name now.
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
                // All addresses of one function become one frame, at its start.
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
