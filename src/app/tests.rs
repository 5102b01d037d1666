//! What is decided without a server.

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
