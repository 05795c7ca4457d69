//! config/nextboot.toml against the code.

use std::path::Path;

use super::{EXAMPLE, example_in_full, parse};
use crate::{Config, document};

#[test]
fn the_example_says_what_holds_without_a_file() {
    assert_eq!(format!("{:#?}", parse(EXAMPLE)), format!("{:#?}", Config::default()));
    assert_eq!(format!("{:#?}", parse("")), format!("{:#?}", Config::default()));
}

#[test]
fn the_example_shows_every_key() {
    let text = example_in_full();
    let config = parse(&text);
    assert_eq!(config.dhcp.server.subnets.len(), 1);
    assert_eq!(config.site.profiles.len(), 3);
    assert_eq!(config.power.adapters.len(), 1);
    let shown: Vec<String> = text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    for key in document::asked(&text, |top| Config::read(top, Path::new(""))) {
        let last = key.rsplit('.').next().unwrap_or(&key);
        // What an option's value is written as stands in a comment.
        let in_braces = key.strip_prefix("boot.loaders.").is_some_and(|rest| rest.contains('.'));
        let braces = [".options.", ".option.", ".also.", ".except."];
        let found = braces.iter().any(|braces| key.contains(braces))
            || (in_braces && shown.iter().any(|line| line.contains(&format!(" {last} = "))))
            || shown.iter().any(|line| {
                line.starts_with(&format!("{last} = "))
                    || line == &format!("[{key}]")
                    || line == &format!("[[{key}]]")
            })
            || key == "profiles"
            || (key == "dhcp.dnsmasq_conf" && EXAMPLE.contains("\n#dnsmasq_conf = "));
        assert!(found, "config/nextboot.toml does not show {key}");
    }
}
