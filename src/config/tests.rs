use super::print::settings_of;
use super::{Config, LogFormat, Machine, SECONDS_MAX, machine, to_commented_toml};
use std::path::Path;

const MACHINE: Machine = Machine { memory_bytes: 8 << 30, core_count: 4 };

fn environment(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn file_then_environment_then_flags() {
    let mut config = Config::from_toml(
        "bind = \"0.0.0.0:1\"\ndata = \"/a\"\n[buffer]\nflush_bytes = 1\nflush_age_s = 1\nbytes_max = 10\n",
    )
    .unwrap();
    let unknown = config
        .apply_environment(environment(&[
            ("TIDEGAUGE_DATA", "/b"),
            ("TIDEGAUGE_BUFFER_FLUSH_BYTES", "2_000"),
            ("TIDEGAUGE_LOG_FORMAT", "json"),
            ("TIDEGAUGE_SERVICE_HOST", "10.0.0.1"),
            ("HOME", "/root"),
        ]))
        .unwrap();
    config.set("buffer.flush_bytes", "3").unwrap();
    assert_eq!(config.bind, "0.0.0.0:1");
    assert_eq!(config.data, Path::new("/b"));
    assert_eq!(config.buffer.flush_bytes, 3);
    assert_eq!(config.buffer.flush_age_s, 1);
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(unknown, ["TIDEGAUGE_SERVICE_HOST"]);
}

#[test]
fn options_of_the_store_are_set_one_by_one() {
    let mut config = Config::from_toml("[object_store.options]\nregion = \"x\"\n").unwrap();
    config
        .apply_environment(environment(&[("TIDEGAUGE_OBJECT_STORE_OPTIONS_AWS_SESSION_TOKEN", "t")]))
        .unwrap();
    config.set("object_store.options.a", "b").unwrap();
    let options: Vec<_> =
        config.object_store.options.iter().map(|(name, value)| (name.as_str(), value.reveal())).collect();
    assert_eq!(options, [("a", "b"), ("aws_session_token", "t"), ("region", "x")]);
    config.set("object_store.path_style", "false").unwrap();
    config.set("object_store.secret_access_key", "s").unwrap();
    let options: Vec<_> = config.object_store.options_by_name().into_keys().collect();
    assert_eq!(options, ["a", "aws_session_token", "path_style", "region", "secret_access_key"]);
}

#[test]
fn an_unknown_setting_is_named_with_its_line() {
    let error = Config::from_toml("bind = \"a:1\"\n\n[buffer]\nflush_byte = 1\n").unwrap_err().to_string();
    assert!(error.contains("line 4"), "{error}");
    assert!(error.contains("`flush_byte`"), "{error}");
    let error = Config::from_toml("[bufer]\n").unwrap_err().to_string();
    assert!(error.contains("line 1") && error.contains("`bufer`"), "{error}");
}

#[test]
fn values_that_do_not_fit_are_refused() {
    let check = |name: &str, text: &str| Config::default().set(name, text).unwrap_err().to_string();
    assert_eq!(
        check("buffer.flush_age_s", "soon"),
        "--set buffer.flush_age_s: expected a whole number, such as 10 or 25_000_000"
    );
    assert_eq!(
        check("buffer.flush", "1"),
        "there is no setting \"buffer.flush\"; `tidegauge config` shows them all"
    );
    assert_eq!(check("bind.x", "1"), "there is no setting \"bind.x\"; `tidegauge config` shows them all");
    assert_eq!(check("log.format", "xml"), "--set log.format: expected text or json");
    assert!(Config::from_toml("[buffer]\nflush_bytes = \"1\"\n").is_err());
    assert!(Config::from_toml("[buffer]\nflush_bytes = -1\n").is_err());
}

#[test]
fn zero_means_by_the_machine() {
    let config = Config::default().fitted_to(&MACHINE).unwrap();
    assert_eq!(config.buffer.flush_bytes, 256 << 20);
    assert_eq!(config.buffer.bytes_max, 1 << 30);
    assert_eq!(config.query.memory_bytes, 2 << 30);
    assert_eq!(config.query.memory_per_query_bytes, 1 << 30);
    assert_eq!(config.query.threads, 4);
    assert_eq!(config.query.cache_bytes, 512 << 20);
    assert_eq!(config.subscriber.total_buffer_bytes, 256 << 20);
    let small = Machine { memory_bytes: 512 << 20, core_count: 1 };
    let config = Config::default().fitted_to(&small).unwrap();
    assert_eq!(config.buffer.flush_bytes, 32 << 20);
    assert_eq!(config.buffer.bytes_max, 96 << 20);
}

#[test]
fn one_number_bounds_the_memory_of_all_parts() {
    let fitted = |text: &str| Config::from_toml(text).unwrap().fitted_to(&MACHINE);
    let config = fitted("memory_bytes = 1_073_741_824").unwrap();
    assert_eq!(config.buffer.flush_bytes, 64 << 20);
    assert_eq!(config.query.memory_bytes, 256 << 20);
    assert_eq!(config.query.cache_bytes, 64 << 20);
    let refused =
        fitted("memory_bytes = 1_073_741_824\n[query]\nmemory_bytes = 1_000_000_000\n").unwrap_err();
    assert!(refused.to_string().starts_with("setting memory_bytes: "), "{refused}");
    let refused = fitted("memory_bytes = 4").unwrap_err().to_string();
    assert!(refused.starts_with("setting memory_bytes: it is a number of bytes"), "{refused}");
    for memory_bytes in [16_u64 << 20, 64 << 20, 256 << 20, 512 << 20, 64 << 30] {
        let config = fitted(&format!("memory_bytes = {memory_bytes}")).expect("one number is enough");
        assert!(config.http.body_decompressed_bytes_max <= memory_bytes / 4);
    }
    // Whoever sets the parts alone knows what they do.
    assert!(fitted("[query]\nmemory_bytes = 100_000_000_000\n").is_ok());
}

#[test]
fn contradictions_are_refused() {
    let check = |text: &str| Config::from_toml(text).unwrap().fitted_to(&MACHINE).unwrap_err().to_string();
    assert_eq!(
        check("[buffer]\nflush_bytes = 2\nbytes_max = 1\n"),
        "setting buffer.bytes_max: it must not be less than buffer.flush_bytes"
    );
    assert_eq!(
        check("[query]\nmemory_bytes = 1\nmemory_per_query_bytes = 2\n"),
        "setting query.memory_per_query_bytes: it must not exceed query.memory_bytes"
    );
    for (setting, reason) in [
        ("http_timeout_s", "a destination needs some time to answer"),
        ("write_concurrency", "it is a number from 1 to 10000"),
        ("write_buffer_size", "it is a number from 1 to 10000000"),
    ] {
        let expected = format!("setting subscriber.{setting}: {reason}");
        assert_eq!(check(&format!("[subscriber]\n{setting} = 0\n")), expected);
    }
}

#[test]
fn no_time_is_longer_than_ten_years() {
    for setting in settings_of(&Config::default()) {
        let units = [("_s", 1), ("_ms", 1000)];
        let Some((_, per_second)) = units.into_iter().find(|(unit, _)| setting.name.ends_with(*unit)) else {
            continue;
        };
        let fitted = |seconds: u64| {
            let mut config = Config::default();
            config.set(&setting.name, &(seconds * per_second).to_string()).unwrap();
            config.fitted_to(&MACHINE)
        };
        assert!(fitted(SECONDS_MAX).is_ok(), "{}", setting.name);
        assert_eq!(
            fitted(SECONDS_MAX + 1).unwrap_err().to_string(),
            format!("setting {}: it must not be longer than ten years", setting.name)
        );
    }
}

#[test]
fn what_is_printed_can_be_read_back() {
    let mut config = Config::default().fitted_to(&MACHINE).unwrap();
    config.set("bind", "a\"b:1").unwrap();
    config.set("object_store.url", "s3://bucket/x").unwrap();
    let text = to_commented_toml(&config);
    assert_eq!(Config::from_toml(&text).unwrap(), config, "{text}");
    for needle in [
        "# Default: 600. Environment: TIDEGAUGE_BUFFER_FLUSH_AGE_S\nflush_age_s = 600\n",
        "# Not set by default. Environment: TIDEGAUGE_OBJECT_STORE_REGION\n# region = \"…\"\n",
        "\n[buffer]\n",
    ] {
        assert!(text.contains(needle), "{needle:?} is missing in\n{text}");
    }
}

#[test]
fn secrets_are_not_printed() {
    let mut config = Config::default();
    config.set("object_store.secret_access_key", "geheim").unwrap();
    config.set("object_store.options.azure_storage_key", "geheim").unwrap();
    assert!(!to_commented_toml(&config).contains("geheim"));
    assert!(!format!("{config:?}").contains("geheim"));
    assert!(to_commented_toml(&config).contains("# secret_access_key is set and not shown"));
}

#[test]
fn memory_of_machine_and_container() {
    assert_eq!(
        machine::meminfo_total_bytes("MemTotal:       24609420 kB\nMemFree: 1 kB\n"),
        Some(25_200_046_080)
    );
    assert_eq!(machine::limit_bytes("max\n"), None);
    assert_eq!(machine::limit_bytes("1073741824\n"), Some(1 << 30));
    let machine = Machine::detect();
    assert!(machine.memory_bytes > 0 && machine.core_count > 0);
}
