//! Writes the files that suites compare with: `cargo xtask bless`. `git diff` shows the changes.

use std::path::Path;

fn main() -> std::io::Result<()> {
    for (path, contents) in memtrack_tests::corpus::v1_files() {
        write(&path, &contents)?;
    }
    Ok(())
}

/// Writes the file if its contents change, and prints whether they did.
fn write(path: &Path, contents: &[u8]) -> std::io::Result<()> {
    if std::fs::read(path).is_ok_and(|present| present == contents) {
        println!("unchanged  {}", path.display());
        return Ok(());
    }
    std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    std::fs::write(path, contents)?;
    println!("written    {}", path.display());
    Ok(())
}
