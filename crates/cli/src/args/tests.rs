use clap::{CommandFactory as _, Parser};

use super::*;

#[derive(Debug, Parser)]
#[command(name = "nextboot", version, propagate_version = true)]
struct Program {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

fn parse(line: &str) -> Program {
    Program::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn refused(line: &str) -> String {
    let error = Program::try_parse_from(line.split(' ')).expect_err(line);
    assert_eq!(error.exit_code(), i32::from(crate::failure::USAGE), "{line}");
    error.to_string()
}

#[test]
fn the_command_line_is_consistent() {
    Program::command().debug_assert();
}

#[test]
fn a_profile_comes_behind_its_hosts() {
    let Command::Boot(boot) = parse("nextboot boot node1 52:54:00:00:00:02 grml --once").command else {
        panic!()
    };
    assert_eq!(boot.hosts, ["node1", "52:54:00:00:00:02"]);
    assert_eq!(boot.profile.as_str(), "grml");
    assert_eq!(boot.hold.until(), Some(Until::Once));
    let Command::Boot(boot) = parse("nextboot boot node1 grml").command else { panic!() };
    assert_eq!(boot.hold.until(), None);
    refused("nextboot boot node1");
    refused("nextboot boot node1 grml --once --until-done");
    refused("nextboot boot node1 ../x");
}

#[test]
fn a_host_takes_several_macs_and_values() {
    let line = "nextboot host add n1 52:54:00:00:00:01 525400000002 --address 10.0.0.9 --var a=b=c --var d=";
    let Command::Host(HostCommand::Add(add)) = parse(line).command else { panic!() };
    assert_eq!(add.macs.len(), 2);
    assert_eq!(add.vars, [("a".into(), "b=c".into()), ("d".into(), String::new())]);
    assert!(refused("nextboot host add n1 52:54").contains("is not a MAC address; write it like"));
    assert!(refused("nextboot host add n1 525400000002 --var x").contains("write KEY=VALUE"));
    assert!(refused("nextboot host add a/b 525400000002").contains("cannot name a host"));
    refused("nextboot host add n1");
    refused("nextboot host set n1 --uuid b8945908-d6a6-41a9-a11d-74a6ab80b83d --no-uuid");
}

#[test]
fn what_reaches_the_server_may_stand_anywhere() {
    for line in ["nextboot --json --socket /x status", "nextboot status --json --socket /x"] {
        let global = parse(line).global;
        assert!(global.json);
        assert_eq!(global.socket, std::path::Path::new("/x"));
    }
    assert!(Program::try_parse_from(["nextboot", "status", "--server"]).is_err());
}

#[test]
fn every_documented_command_is_there() {
    for line in [
        "nextboot host rm a b",
        "nextboot host ls",
        "nextboot host show a",
        "nextboot host set a --mac 525400000002 --unset x",
        "nextboot profile ls",
        "nextboot profile show ubuntu",
        "nextboot cancel a b",
        "nextboot boot a ubuntu --now",
        "nextboot power on a b",
        "nextboot power off a",
        "nextboot power reset a",
        "nextboot power cycle a",
        "nextboot power status a",
        "nextboot power refresh",
        "nextboot rescue a b --later",
        "nextboot rescue a --off --now",
        "nextboot leases",
        "nextboot neighbours --probe",
        "nextboot machines",
        "nextboot events --follow --host a --limit 5",
        "nextboot show a",
        "nextboot status",
        "nextboot reload",
        "nextboot completions bash",
    ] {
        parse(line);
    }
}
