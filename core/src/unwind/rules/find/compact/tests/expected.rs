//! Each function's encoding and rule are what LLVM's tools say, which read the library and the objects that it is made of.

use std::collections::BTreeMap;
use std::vec::Vec;

use super::super::*;
use super::library::{AARCH64, Files, Library, X86_64};

/// The lines that begin with a word, without it.
fn lines(files: &Files, kind: &'static str) -> impl Iterator<Item = Vec<&'static str>> + use<> {
    let text = files.expected;
    text.lines().filter_map(move |line| {
        let mut words = line.split(' ');
        (words.next() == Some(kind)).then(|| words.collect())
    })
}

#[test]
fn all_functions_are_found() {
    let hex = |word| u32::from_str_radix(word, 16).unwrap();
    for files in [X86_64, AARCH64] {
        let library = Library::load(files.library);
        let mut expected: BTreeMap<u32, u32> = BTreeMap::new();
        for words in lines(&files, "function") {
            expected.insert(hex(words[0]), hex(words[1]));
        }
        assert!(expected.len() > 100, "{}", expected.len());
        let (first, last) = (*expected.keys().next().unwrap(), *expected.keys().last().unwrap());
        for place in first - 16..last + 16 {
            let found = look_up(library.index, place).map(|function| (function.begin, function.encoding));
            let known = expected.range(..=place).next_back().map(|(begin, encoding)| (*begin, *encoding));
            assert_eq!(found, known, "{place:#x}");
        }
    }
}

/// A rule by the words of a line: base, distance, return address, frame pointer.
fn rule_of(words: &[&str]) -> Rule {
    let in_words = |word: &str| word.parse::<isize>().unwrap() / 8;
    let cfa = match words[0] {
        "sp" => Cfa::Sp(in_words(words[1])),
        "fp" => Cfa::Fp(in_words(words[1])),
        other => panic!("{other}"),
    };
    let fp = if words[3] == "-" { CallerFp::Same } else { CallerFp::Saved(in_words(words[3])) };
    Rule::frame(cfa, in_words(words[2]), fp)
}

#[test]
fn rules_are_those_of_the_same_functions_descriptions() {
    for files in [X86_64, AARCH64] {
        let library = Library::load(files.library);
        let (mut encoded, mut described) = (0, 0);
        for words in lines(&files, "rule") {
            let (name, expected) = (words[0], rule_of(&words[1..]));
            // Functions that nobody outside of their object calls have no name in the library.
            let Some(place) = library.symbols.get(name) else { continue };
            let function = look_up(library.index, *place as u32).unwrap();
            match function.meaning(files.machine, library.text).unwrap() {
                Meaning::Rule(rule) => {
                    assert_eq!(rule, expected, "{name}: {:#x}", function.encoding);
                    encoded += 1;
                }
                Meaning::Described(offset) => {
                    let (begin, end) = library.described(offset);
                    assert_eq!(begin, library.address(name), "{name}");
                    // Its registers have the numbers of its machine. It may be of all instructions, with prologue and epilogue.
                    if files.machine == HOST {
                        let expected = Some(Some(PackedRule::new(expected)));
                        let mut rules =
                            (begin..end).map(|pc| eh_frame::by_description(library.frames, offset, pc));
                        assert!(rules.any(|rule| rule == expected), "{name}: {words:?}");
                    }
                    described += 1;
                }
            }
        }
        let enough = if files.machine == Machine::X86_64 { (180, 2) } else { (90, 80) };
        assert!(encoded >= enough.0 && described >= enough.1, "{encoded}, {described}");
    }
}
