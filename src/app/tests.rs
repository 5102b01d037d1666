//! What is decided without a server.

use super::parts::is_for_this_machine;
use super::signals::ignores_hangup;

#[test]
fn an_ignored_hangup_is_known() {
    let status =
        |mask: &str| format!("Name:\ttidegauge\nSigBlk:\t0000000000000001\nSigIgn:\t{mask}\nSigCgt:\t1\n");
    assert!(ignores_hangup(&status("0000000000000001")));
    assert!(ignores_hangup(&status("0000000000001001")));
    assert!(!ignores_hangup(&status("0000000000001000")));
    assert!(!ignores_hangup(&status("0000000000000000")));
    // Who cannot tell leaves it as it is.
    assert!(ignores_hangup(&status("x")));
    assert!(ignores_hangup(""));
}

#[test]
fn addresses_that_others_reach_are_known() {
    for (address, expected) in [
        ("127.0.0.1:8086", true),
        ("127.8.9.10:8086", true),
        ("[::1]:8086", true),
        ("[::ffff:127.0.0.1]:8086", true),
        ("0.0.0.0:8086", false),
        ("[::]:8086", false),
        ("192.168.0.1:8086", false),
        ("[::ffff:192.168.0.1]:8086", false),
    ] {
        assert_eq!(is_for_this_machine(address.parse().expect(address)), expected, "{address}");
    }
}
