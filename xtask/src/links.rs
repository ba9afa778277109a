//! Links in documents: each must lead to a file, a folder or a heading that exists.
//!
//! A document points to source files, which move. So a link that leads nowhere fails the check on the day of the move.
//!
//! - *Link*: `[text](target)` outside of code. Addresses with a scheme (`https:`) are not looked at.
//! - *Heading*: a target `page.md#heading` names a heading as GitHub spells it in addresses.
//! - *Function*: a link whose text is `` `name()` `` must lead to a source file that defines this function.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// The files of the project, by their paths from its root.
pub(crate) trait Files {
    fn exists(&self, path: &Path) -> bool;
    fn text(&self, path: &Path) -> Option<String>;
}

/// Every link of `text` that leads nowhere, as line number and complaint. `document` is the path from the project's root.
pub(crate) fn complaints(document: &Path, text: &str, files: &impl Files) -> Vec<(usize, String)> {
    links(text)
        .into_iter()
        .filter_map(|link| complaint(document, text, &link, files).map(|complaint| (link.line, complaint)))
        .collect()
}

#[derive(Debug, PartialEq)]
struct Link<'t> {
    line: usize,
    text: &'t str,
    target: &'t str,
}

fn complaint(document: &Path, page: &str, link: &Link<'_>, files: &impl Files) -> Option<String> {
    let &Link { text, target, .. } = link;
    if target.contains(':') {
        return None;
    }
    let (file, heading) = target.split_once('#').unwrap_or((target, ""));
    let found = if file.is_empty() { Some(document.to_path_buf()) } else { resolved(document, file) };
    let Some(path) = found.filter(|path| path == document || files.exists(path)) else {
        return Some(format!("a link to {target}, which does not exist"));
    };
    let content = if path == document { page.to_owned() } else { files.text(&path).unwrap_or_default() };
    let is_page = path.extension().is_some_and(|extension| extension == "md");
    if is_page && !heading.is_empty() && !headings(&content).contains(heading) {
        return Some(format!("a link to {target}: the page has no such heading"));
    }
    let function = text.strip_prefix('`')?.strip_suffix("()`")?.rsplit("::").next()?;
    (!defines(&content, function))
        .then(|| format!("a link to {target}, which defines no function {function}"))
}

/// The path from the project's root of a target in a document; `None` outside of the project.
fn resolved(document: &Path, target: &str) -> Option<PathBuf> {
    let mut path = document.parent()?.to_path_buf();
    for component in Path::new(target).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => path.pop().then_some(())?,
            Component::Normal(name) => path.push(name),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

fn defines(source: &str, function: &str) -> bool {
    let definition = format!("fn {function}");
    source.match_indices(&definition).any(|(at, _)| {
        source[at + definition.len()..].starts_with(|after: char| !(after.is_alphanumeric() || after == '_'))
    })
}

/// The lines of a document outside of code blocks, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        !in_code && !is_fence
    })
}

fn links(text: &str) -> Vec<Link<'_>> {
    prose(text).flat_map(|(line, content)| links_of_line(line, content)).collect()
}

fn links_of_line(line: usize, content: &str) -> Vec<Link<'_>> {
    let mut found = Vec::new();
    for (middle, _) in content.match_indices("](") {
        let target = &content[middle + 2..];
        let (Some(begin), Some(end)) = (content[..middle].rfind('['), target.find(')')) else { continue };
        // With an odd number of backticks before it, the bracket is inside of code.
        if content[..begin].matches('`').count().is_multiple_of(2) {
            found.push(Link { line, text: &content[begin + 1..middle], target: &target[..end] });
        }
    }
    found
}

/// The headings of a document as GitHub spells them in addresses.
fn headings(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, line) in prose(text) {
        let Some((_, heading)) = line.split_once("# ").filter(|(marks, _)| marks.chars().all(|c| c == '#'))
        else {
            continue;
        };
        let kept = heading.trim().chars().filter(|&c| c.is_alphanumeric() || " -_".contains(c));
        let address: String = kept.flat_map(char::to_lowercase).collect::<String>().replace(' ', "-");
        // GitHub numbers the second heading of a name and those after it.
        let numbered = (1..).map(|number| format!("{address}-{number}"));
        let mut names = std::iter::once(address.clone()).chain(numbered);
        found.extend(names.find(|name| !found.contains(name)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Tree;

    impl Files for Tree {
        fn exists(&self, path: &Path) -> bool {
            path == Path::new("src") || self.text(path).is_some()
        }

        fn text(&self, path: &Path) -> Option<String> {
            match path.to_str()? {
                "docs/page.md" => {
                    Some("# Top\n## What `to` do …\n## Top\n```\n# not a heading\n```\n".into())
                }
                "src/a.rs" => Some("pub fn find_all() {}\nfn walk<T>() {}\n".into()),
                _ => None,
            }
        }
    }

    fn found(text: &str) -> Vec<String> {
        complaints(Path::new("docs/other.md"), text, &Tree)
            .into_iter()
            .map(|(_, complaint)| complaint)
            .collect()
    }

    #[test]
    fn links_that_lead_somewhere_are_good() {
        for target in [
            "page.md",
            "./page.md",
            "../src",
            "../src/a.rs",
            "https://example.org",
            "page.md#top",
            "page.md#top-1",
            "page.md#what-to-do-",
        ] {
            assert_eq!(
                found(&format!("see [a page]({target}) and [it again]({target})")),
                [""; 0],
                "{target}"
            );
        }
        let text = "# Here\n[up](#here), [`walk()`](../src/a.rs), [`a::find_all()`](../src/a.rs)";
        assert_eq!(found(text), [""; 0]);
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        for target in ["missing.md", "../src/b.rs", "../../page.md", "/docs/page.md", "page.md#no"] {
            assert_eq!(found(&format!("[good](page.md) ![bad]({target})")).len(), 1, "{target}");
        }
        assert_eq!(found("a table | [`find()`](../src/a.rs) |").len(), 1, "only find_all is defined");
        let at = complaints(Path::new("docs/other.md"), "\n\n[bad](missing.md)", &Tree)[0].0;
        assert_eq!(at, 3);
    }

    #[test]
    fn code_has_no_links() {
        assert_eq!(found("```\n[bad](missing.md)\n```\n`[bad](missing.md)` and `x`"), [""; 0]);
    }
}
