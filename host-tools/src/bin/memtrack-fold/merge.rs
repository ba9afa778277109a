//! `memtrack-fold merge`.

use memtrack_host_tools::exit::Exit;
use memtrack_host_tools::merge::{self, Part};
use memtrack_host_tools::{Error, input, output};

use crate::args;
use crate::opened::Opened;
use crate::outcome::Outcome;

pub fn run(args: &args::Merge) -> Outcome {
    let inputs = args.dumps.iter().map(|path| input::open(path, args.reading.limit));
    let inputs = inputs.collect::<Result<Vec<_>, Error>>()?;
    let opened =
        args.dumps.iter().zip(&inputs).map(|(path, input)| Opened::one_of_several(path, input, None));
    let mut opened = opened.collect::<Result<Vec<_>, Error>>()?;
    opened.iter_mut().for_each(Opened::say);
    let parts: Vec<Part<'_>> =
        args.dumps.iter().zip(&opened).map(|(path, opened)| Part { path, dump: &opened.dump }).collect();
    let merged = merge::merge(&parts, args.force)?;
    output::write(Some(&args.output), |out| Ok(out.write_all(&merged)))?;
    Ok(if opened.iter().all(|opened| opened.whole) { Exit::Done } else { Exit::Damaged })
}
