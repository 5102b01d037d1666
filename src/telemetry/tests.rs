//! Which levels of the log are accepted.

use super::check;

#[test]
fn levels_for_all_and_for_modules() {
    for level in ["info", "off", "DEBUG", "info,tidegauge::engine=debug", "warn,hyper=off", "tidegauge::wal"]
    {
        assert!(check(level).is_ok(), "{level}");
    }
}

#[test]
fn a_mistyped_level_does_not_silence_the_server() {
    for (level, word) in [("verbose", "verbose"), ("warning", "warning"), ("info,inof", "inof")] {
        let expected = format!("setting log.level: \"{word}\" is no level: ");
        let refused = check(level).expect_err(level).to_string();
        assert!(refused.starts_with(&expected), "{refused}");
    }
    assert!(check("tidegauge=verbose").is_err());
}
