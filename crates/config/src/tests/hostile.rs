//! Hostile text.

use std::path::Path;

use proptest::prelude::*;

use super::example_in_full;
use crate::Config;

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}") {
        let _ = Config::parse(&text, Path::new("f.toml"));
    }

    #[test]
    fn no_value_makes_it_panic(
        at in 0usize..400,
        value in prop_oneof![
            Just("3".to_owned()), Just("-1".to_owned()), Just("[]".to_owned()), Just("{}".to_owned()), Just("[[1]]".to_owned()),
            Just("[{ a = 1 }]".to_owned()), Just("1979-05-27".to_owned()), Just("nan".to_owned()), Just("true".to_owned()),
            "\"[ -~]{0,30}\"",
        ],
    ) {
        let text = example_in_full();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let at = at % lines.len();
        if let Some((key, _)) = lines[at].clone().split_once(" = ") {
            lines[at] = format!("{key} = {value}");
        }
        if let Err(complaints) = Config::parse(&lines.join("\n"), Path::new("f.toml")) {
            prop_assert!(!complaints.list().is_empty());
            prop_assert!(complaints.list().iter().all(|complaint| (1..=lines.len()).contains(&complaint.line)));
        }
    }
}
