//! The stated minimum Rust versions: no crate may be built from a dependency that needs a newer compiler than the
//! crate says. (That our own code uses nothing newer is clippy's `incompatible_msrv`.)

use anyhow::{Context, Result, bail};

use crate::workspace::Metadata;

pub(crate) fn check() -> Result<()> {
    let metadata = Metadata::read()?;
    let mut complaints = Vec::new();
    for member in metadata.members() {
        let Some(stated) = &member.rust_version else {
            complaints.push(format!("{} states no rust-version", member.name));
            continue;
        };
        for dependency in metadata.dependencies(member) {
            let Some(needed) = &dependency.rust_version else { continue };
            if number(needed)? > number(stated)? {
                complaints.push(format!(
                    "{} states rust-version {stated}, but {} {} needs {needed}",
                    member.name, dependency.name, dependency.version
                ));
            }
        }
    }
    if !complaints.is_empty() {
        bail!("{}", complaints.join("\n"));
    }
    Ok(())
}

/// `1.88` and `1.88.0` are the same version.
fn number(version: &str) -> Result<[u32; 3]> {
    let mut number = [0; 3];
    for (part, text) in number.iter_mut().zip(version.split('.')) {
        *part = text.parse().with_context(|| format!("rust-version {version}"))?;
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(number("1.88").unwrap(), number("1.88.0").unwrap());
        assert!(number("1.100").unwrap() > number("1.88.1").unwrap());
        assert!(number("nightly").is_err());
    }
}
