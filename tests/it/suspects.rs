//! Who fails to prove himself too often is cut off, alone.

use std::net::IpAddr;

use ringbook::suspects::{Standing, Suspects};

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn sixty_failures_are_tolerated_and_then_only_that_address_is_cut_off() {
    let suspects = Suspects::new();
    let of_one = |suspects: &Suspects| suspects.failed(address("192.0.2.1"));
    for _ in 0..60 {
        assert_eq!(of_one(&suspects), Standing::Tolerated);
    }
    assert_eq!(of_one(&suspects), Standing::CutOff);
    assert_eq!(of_one(&suspects.clone()), Standing::CutOff, "clones share what they know");
    assert_eq!(suspects.failed(address("192.0.2.2")), Standing::Tolerated);
    assert_eq!(suspects.failed(address("::ffff:192.0.2.1")), Standing::CutOff, "the same address, written as IPv6");
}

#[test]
fn one_ipv6_customer_has_one_account() {
    let suspects = Suspects::new();
    let standings: Vec<Standing> = (0..70).map(|host| suspects.failed(address(&format!("2001:db8::{host:x}")))).collect();
    assert_eq!(standings.last(), Some(&Standing::CutOff));
    assert_eq!(suspects.failed(address("2001:db8:0:1::1")), Standing::Tolerated);
}
