//! The load of the HTTP server: `http-load ADDRESS METADATA`.

use std::path::Path;

use anyhow::bail;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [address, metadata] => programs::load::run(address, Path::new(metadata)),
        _ => bail!("usage: http-load ADDRESS METADATA"),
    }
}
