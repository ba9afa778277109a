//! W2: 8 MB of JSON are parsed into a `serde_json::Value` and written out again; both are dropped.

use std::fmt::Write;
use std::hint::black_box;

use serde_json::Value;

use super::Prepared;
use crate::random::Random;

const BYTES: usize = 8 << 20;
const NAMES: [&str; 8] =
    ["otter", "quiet heron", "vole", "night jar", "grey seal", "wren", "old badger", "marten"];

pub(crate) struct Json {
    documents: u64,
    text: String,
}

impl Json {
    pub(crate) fn generate(documents: u64) -> Self {
        let mut random = Random::new(2);
        let mut text = String::with_capacity(BYTES + 512);
        text.push('[');
        while text.len() < BYTES {
            record(&mut text, &mut random).expect("a string takes everything");
            text.push(',');
        }
        text.pop();
        text.push(']');
        Self { documents, text }
    }
}

/// A record as services exchange them: about one allocation per nine bytes.
fn record(text: &mut String, random: &mut Random) -> std::fmt::Result {
    let mut name = || NAMES[random.within(0, NAMES.len() - 1)];
    let (user, tags) = (name(), [name(), name(), name()]);
    let (id, score) = (random.within(1, 9_999_999), random.within(0, 99_999));
    let (latitude, longitude) = (random.within(0, 89_999), random.within(0, 179_999));
    write!(
        text,
        r#"{{"id":{id},"user":"{user}","active":{},"score":{}.{:02},"tags":["{}","{}","{}"],"#,
        id % 3 == 0,
        score / 100,
        score % 100,
        tags[0],
        tags[1],
        tags[2],
    )?;
    write!(text, r#""place":{{"lat":{}.5,"lon":{}.25}}}}"#, latitude / 1000, longitude / 1000)
}

impl Prepared for Json {
    fn run(&mut self) -> Option<u64> {
        for _ in 0..self.documents {
            let tree: Value = serde_json::from_str(&self.text).expect("the text was generated as JSON");
            black_box(tree.to_string());
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_a_list_of_complete_records() {
        let json = Json::generate(1);
        assert!((BYTES..BYTES + 512).contains(&json.text.len()));
        let tree: Value = serde_json::from_str(&json.text).unwrap();
        let records = tree.as_array().unwrap();
        assert!(
            records.iter().all(|record| record["place"]["lon"].is_f64() && record["tags"][2].is_string())
        );
    }
}
