//! Who is not answered: `dhcp-ignore`, and hosts with the word `ignore`.

use nextboot_dhcp::{Class, Members};

use super::{
    super::{line::reveal, tag::Which},
    Settling,
};

impl Settling<'_> {
    pub(super) fn leave_alone(&mut self) {
        for line in self.all("dhcp-ignore") {
            let mut tags = Vec::new();
            for part in line.parts() {
                let tag = part.strip_prefix("tag:").or_else(|| part.strip_prefix("net:")).unwrap_or(&part);
                tags.push(reveal(tag));
            }
            for which in self.machines(&line.place, "dhcp-ignore", &tags) {
                self.drop_these(which);
            }
        }
        let (mut macs, mut client_ids) = (Vec::new(), Vec::new());
        for (_, entry) in self.hosts.iter().filter(|(_, entry)| entry.ignore && entry.needs.is_empty()) {
            macs.extend(entry.macs.iter().map(|mac| mac.0.to_vec()));
            macs.extend(entry.begins.iter().cloned());
            client_ids.extend(entry.client_ids.iter().cloned());
        }
        let by_mac = Members { macs, ..Members::default() };
        let by_id = Members { client_ids, ..Members::default() };
        for members in [by_mac, by_id].into_iter().filter(|members| *members != Members::default()) {
            self.drop_these(Which { members, ..Which::default() });
        }
    }

    fn drop_these(&mut self, which: Which) {
        let Which { members, also, except } = which;
        self.classes.push(Class { members, also, except, drop: true, ..Class::default() });
    }
}
