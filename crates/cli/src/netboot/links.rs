use std::collections::BTreeMap;

/// Most links that one name may lead over (Linux: 40).
const MOST: usize = 40;

/// What stands at a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Directory,
    File,
    /// Its target, as it is written.
    Link(String),
}

/// Whether a link at `name` stays inside, as the kernel would walk it: `..` leads up from where a link led to, not from where it
/// stands. A target that is not there is inside as long as it would be.
pub(super) fn stays_inside(all: &BTreeMap<String, Kind>, name: &str) -> bool {
    let mut rest: Vec<&str> = name.split('/').rev().collect();
    let mut at: Vec<&str> = Vec::new();
    let mut links = 0;
    while let Some(part) = rest.pop() {
        match part {
            "" | "." => {}
            ".." => {
                if at.pop().is_none() {
                    return false;
                }
            }
            part => {
                at.push(part);
                if let Some(Kind::Link(target)) = all.get(&at.join("/")) {
                    links += 1;
                    if links > MOST || target.starts_with('/') {
                        return false;
                    }
                    at.pop();
                    rest.extend(target.split('/').rev());
                }
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_walked_as_the_kernel_walks_them() {
        let link = |name: &str, target: &str| (name.to_owned(), Kind::Link(target.to_owned()));
        let all = BTreeMap::from([
            link("pxelinux.cfg", "d/amd64/pxelinux.cfg"),
            link("d/amd64/pxelinux.cfg/default", "../boot/syslinux.cfg"),
            link("dangling", "no/such/thing"),
            link("a/b/c", "../.."),
            link("good", "a/b/c/a/b"),
            link("a/b/out", "c/../x"),
            link("absolute", "/etc/passwd"),
            link("up", "../x"),
            link("deep", "a/../../x"),
            link("loop", "pool"),
            link("pool", "loop"),
            link("here", "./d//amd64/."),
        ]);
        for name in ["pxelinux.cfg", "d/amd64/pxelinux.cfg/default", "dangling", "a/b/c", "good", "here"] {
            assert!(stays_inside(&all, name), "{name}");
        }
        for name in ["a/b/out", "absolute", "up", "deep", "loop", "pool"] {
            assert!(!stays_inside(&all, name), "{name}");
        }
    }
}
