use super::terminal::counted;
use super::{Cli, Command};
use clap::{CommandFactory, Parser};

#[test]
fn the_arguments_are_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_shows_examples() {
    for command in Cli::command().get_subcommands() {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(help.contains(&format!("tidegauge {}", command.get_name())), "{}", command.get_name());
    }
}

#[test]
fn the_commands_of_the_readme_are_understood() {
    for line in [
        "tidegauge serve --bind 0.0.0.0:8086 --data /tmp/x --object-store memory:/// --config a.toml",
        "tidegauge serve --read-only --bind 127.0.0.1:8087 --object-store s3://bucket/prefix",
        "tidegauge query -d nyc --sql SELECT",
        "tidegauge query",
        "tidegauge write -d x m=1",
        "tidegauge import -d nyc testdata/weather/weather.lp",
        "tidegauge inspect --data d wal files --verify",
        "tidegauge config --defaults",
    ] {
        assert!(Cli::try_parse_from(line.split(' ')).is_ok(), "{line}");
    }
    assert!(Cli::try_parse_from(["tidegauge", "query", "-f", "xml"]).is_err());
}

#[test]
fn one_of_a_kind_is_no_plural() {
    let counts = [0_u64, 1, 2, 11].map(|count| counted(count, "data file"));
    assert_eq!(counts, ["0 data files", "1 data file", "2 data files", "11 data files"]);
}

#[test]
fn serve_only_reads_when_it_is_told_to() {
    for (line, is_read_only) in [
        ("tidegauge serve --read-only --set read_only.interval_ms=50", true),
        ("tidegauge serve --set read_only.enabled=true --set read_only.interval_ms=50", true),
        ("tidegauge serve --set read_only.interval_ms=50", false),
    ] {
        let cli = Cli::try_parse_from(line.split(' ')).expect(line);
        let Command::Serve(serve) = cli.command else { panic!("{line} is another command") };
        let read_only = serve.load().expect(line).config.read_only;
        assert_eq!((read_only.enabled, read_only.interval_ms), (is_read_only, 50), "{line}");
    }
}
