//! Inputs for the third-party programs that the suites run: generated, not stored.

use std::fmt::Write;

/// Thousands of commits to a few hundred files, in the format of `git fast-import`.
#[must_use]
pub fn history(commits: usize) -> String {
    let mut text = String::new();
    for commit in 0..commits {
        let time = 1_600_000_000 + commit * 60;
        let content = format!("line {commit}\n").repeat(commit % 40 + 1);
        let message = format!("commit {commit}");
        write!(
            text,
            "commit refs/heads/main\nauthor A U Thor <a@example.com> {time} +0000\n\
             committer A U Thor <a@example.com> {time} +0000\ndata {}\n{message}\n\
             M 644 inline dir{}/file{}\ndata {}\n{content}\n",
            message.len(),
            commit % 30,
            commit % 200,
            content.len(),
        )
        .expect("a string takes all");
    }
    text
}

/// A source file that takes a compiler some time.
#[must_use]
pub fn large_source() -> String {
    let mut text = String::new();
    for header in ["algorithm", "map", "memory", "string", "variant", "vector"] {
        writeln!(text, "#include <{header}>").expect("a string takes all");
    }
    for i in 0..100 {
        write!(
            text,
            "struct S{i} {{
                std::map<std::string, std::vector<std::unique_ptr<int>>> map;
                std::variant<int, double, std::string> variant;
                int numbers[{}];
                void work() {{
                    map[std::to_string({i})].push_back(std::make_unique<int>({i}));
                    std::sort(std::begin(numbers), std::end(numbers), std::greater<int>());
                    variant = std::string(\"c\");
                }}
            }};
            void work{i}() {{ S{i} own; own.work(); }}\n",
            i + 1
        )
        .expect("a string takes all");
    }
    text
}
