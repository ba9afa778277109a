//! Reads files of suppressions.
//!
//! A suppression of LeakSanitizer is a line `leak:PATTERN`. One of valgrind is a block in braces; only those of
//! `Memcheck:Leak` are about leaks, and the rest is skipped. `#` begins a comment in both.

use super::rule::{Pattern, Rule, Shape, Step, Subject};

/// Reads a file. Errors have the line.
pub(super) fn parse(text: &str, rules: &mut Vec<Rule>, patterns: &mut Vec<Pattern>) -> Result<(), String> {
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    let mut lines = lines.by_ref().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    while let Some((number, line)) = lines.next() {
        let rule = if line == "{" {
            block(number, &mut lines, patterns)?
        } else {
            Some(leak(line, patterns).map_err(|reason| format!("line {number}: {reason}"))?)
        };
        rules.extend(rule);
    }
    Ok(())
}

/// `leak:PATTERN`.
fn leak(line: &str, patterns: &mut Vec<Pattern>) -> Result<Rule, String> {
    match line.split_once(':') {
        Some(("leak", pattern)) if !pattern.is_empty() => {
            patterns.push(Pattern::part(pattern)?);
            Ok(Rule { name: line.into(), shape: Shape::Anywhere(patterns.len() - 1) })
        }
        _ => Err(format!("\"{line}\" is neither leak:PATTERN nor the {{ of a valgrind suppression")),
    }
}

/// Reads a block up to its closing brace; `None` if it is not about leaks.
fn block<'t>(
    first: usize,
    lines: &mut impl Iterator<Item = (usize, &'t str)>,
    patterns: &mut Vec<Pattern>,
) -> Result<Option<Rule>, String> {
    let unfinished = || format!("line {first}: the suppression has no }}");
    let (_, name) = lines.next().ok_or_else(unfinished)?;
    let (number, kind) = lines.next().ok_or_else(unfinished)?;
    let (tools, kind) = kind
        .split_once(':')
        .ok_or_else(|| format!("line {number}: \"{kind}\" is no TOOL:KIND like Memcheck:Leak"))?;
    let of_leaks = kind == "Leak" && tools.split(',').any(|tool| tool.trim() == "Memcheck");
    let mut steps = Vec::new();
    loop {
        let (number, line) = lines.next().ok_or_else(unfinished)?;
        if line == "}" {
            break;
        }
        if !of_leaks || line.starts_with("match-leak-kinds:") {
            continue;
        }
        let step = step(line, patterns).map_err(|reason| format!("line {number}: {reason}"))?;
        steps.push(step);
    }
    if of_leaks && steps.is_empty() {
        return Err(format!("line {first}: the suppression \"{name}\" names no frame"));
    }
    Ok(of_leaks.then(|| Rule { name: name.into(), shape: Shape::Innermost(steps) }))
}

fn step(line: &str, patterns: &mut Vec<Pattern>) -> Result<Step, String> {
    let (subject, pattern) = match line.split_once(':') {
        _ if line == "..." => return Ok(Step::Any),
        Some(("fun", pattern)) => (Subject::Function, pattern),
        Some(("obj", pattern)) => (Subject::Object, pattern),
        Some(("src", pattern)) => (Subject::Source, pattern),
        _ => return Err(format!("\"{line}\" is none of fun:, obj:, src: and ...")),
    };
    patterns.push(Pattern::whole(subject, pattern)?);
    Ok(Step::Frame(patterns.len() - 1))
}

#[cfg(test)]
mod tests {
    use super::super::rule::Shown;
    use super::*;

    /// Whether the only suppression in `text` means a stack of functions, innermost first, `hidden` of the allocator.
    fn suppresses(text: &str, stack: &[&str], hidden: usize) -> bool {
        let (mut rules, mut patterns) = (Vec::new(), Vec::new());
        parse(text, &mut rules, &mut patterns).expect("valid");
        let shown = |function| Shown {
            function,
            symbol: function,
            file: Some("/src/app/main.c"),
            line: 7,
            module: Some("/opt/app/libshop.so.2"),
        };
        let frames: Vec<Vec<bool>> = stack
            .iter()
            .map(|&name| patterns.iter().map(|pattern| pattern.matches(&shown(name))).collect())
            .collect();
        let frames: Vec<&[bool]> = frames.iter().map(Vec::as_slice).collect();
        rules.iter().any(|rule| rule.matches(&patterns, &frames, hidden))
    }

    fn of_leak(frames: &str) -> String {
        format!("{{\n  a name\n  Memcheck:Leak\n  match-leak-kinds: reachable\n  {frames}\n}}\n")
    }

    #[test]
    fn a_pattern_of_lsan_is_a_part_of_some_frame() {
        let stack = ["malloc", "load_table", "main"];
        for (pattern, expected) in [
            ("load", true),
            ("^load", true),
            ("^table", false),
            ("table$", true),
            ("l*d_t*e", true),
            ("^main$", true),
            ("libshop.so", true),
            ("app/main.c", true),
            // As it is written: no character of a regular expression means anything.
            ("load.table", false),
            ("malloc", false),
        ] {
            assert_eq!(suppresses(&format!("# known\n\nleak:{pattern}\n"), &stack, 1), expected, "{pattern}");
        }
    }

    #[test]
    fn frames_of_valgrind_are_the_innermost_ones() {
        let stack = ["malloc", "strdup", "load_table", "main"];
        for (frames, hidden, expected) in [
            ("fun:malloc\n  fun:strdup", 1, true),
            ("fun:strdup\n  fun:load_*", 1, true),
            ("fun:*alloc\n  fun:str?up", 1, true),
            ("fun:load_table", 1, false),
            ("...\n  fun:load_table", 1, true),
            ("fun:malloc\n  ...\n  fun:main", 1, true),
            ("fun:malloc\n  ...\n  fun:strdup\n  fun:main", 1, false),
            ("fun:malloc\n  fun:strdup\n  fun:load_table\n  fun:main\n  fun:_start", 1, false),
            ("fun:malloc\n  obj:*/libshop.so*\n  src:main.c:7", 1, true),
            ("fun:malloc\n  src:main.c:8", 1, false),
            ("fun:mall", 1, false),
        ] {
            assert_eq!(suppresses(&of_leak(frames), &stack, hidden), expected, "{frames}");
        }
        // The walk began in the allocating function's caller.
        assert!(suppresses(&of_leak("fun:malloc\n  fun:strdup"), &stack[1..], 0));
        assert!(suppresses(&of_leak("fun:_Znwm\n  fun:strdup"), &stack[1..], 0));
        assert!(!suppresses(&of_leak("fun:free\n  fun:strdup"), &stack[1..], 0));
    }

    #[test]
    fn blocks_about_other_errors_are_not_meant() {
        let text = "{\n x\n Memcheck:Cond\n fun:main\n}\n{\n y\n Helgrind:Race\n fun:main\n}\n";
        assert!(!suppresses(text, &["main"], 0));
        assert!(suppresses(&format!("{text}leak:main\n"), &["main"], 0), "both kinds in one file");
    }

    #[test]
    fn what_is_no_suppression_is_told_with_its_line() {
        let wrong = |text: &str| parse(text, &mut Vec::new(), &mut Vec::new()).expect_err("wrong");
        assert!(wrong("leak:a\nrace:b\n").starts_with("line 2: \"race:b\" is neither"));
        assert!(wrong("leak:\n").starts_with("line 1:"));
        assert!(wrong("#\n{\n name\n Memcheck:Leak\n").starts_with("line 2: the suppression has no }"));
        assert!(wrong("{\nname\nMemcheck:Leak\n}\n").contains("names no frame"));
        assert!(wrong("{\nname\nLeak\n}\n").starts_with("line 3:"));
        assert!(wrong("{\nname\nMemcheck:Leak\nfunc:x\n}\n").starts_with("line 4: \"func:x\" is none of"));
    }
}
