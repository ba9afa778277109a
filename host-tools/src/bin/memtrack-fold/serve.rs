//! `memtrack-fold serve`.

use memtrack_host_tools::{input, output, serve};

use crate::opened::Opened;
use crate::outcome::Outcome;
use crate::{args, report};

pub fn run(args: &args::Serve) -> Outcome {
    let page = {
        let input = input::open(&args.dump, args.reading.limit)?;
        let mut opened = Opened::of_tracker(&args.dump, &input, args.show.tracker)?;
        report::page(&mut opened, &args.show, &args.names)?
    };
    let server = serve::Server::listen(args.port)?;
    // The user needs the address before the server blocks.
    output::write(None, |out| Ok(writeln!(out, "{}", server.url())))?;
    match server.run(&page)? {}
}
