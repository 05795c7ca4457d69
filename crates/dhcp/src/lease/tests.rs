use super::*;

/// The lease of this machine, under an identifier that all show.
fn lease(number: u8) -> Lease {
    Lease {
        address: Ipv4Addr::new(10, 0, 0, number),
        mac: Mac([2, 0, 0, 0, 0, number]),
        client_id: Some(vec![255, 1, 2, 3]),
        hostname: None,
        uuid: None,
        relay_info: None,
        state: LeaseState::Bound,
        expires: Timestamp(1000),
        heard: Timestamp(1),
    }
}

/// Else one sender that invents hardware addresses for one identifier makes each packet cost as much as the whole table.
#[test]
fn an_identifier_that_everybody_shows_makes_no_more_work() {
    let mut leases = Leases::new(&[], &[], (1..=250).map(lease).collect());
    assert_eq!(leases.of_id(Some(&[255, 1, 2, 3])).count(), MAX_NAMESAKES);
    leases.remove(Ipv4Addr::new(10, 0, 0, 1));
    assert_eq!(leases.iter().count(), 249, "all of them are there nonetheless");
    assert_eq!(leases.of_mac(lease(250).mac).count(), 1);
}
