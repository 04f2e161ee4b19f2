//! The program in the hands of a person at a shell: help with examples that can be typed, completions, pipes that close early,
//! colours and progress on a terminal alone.

use std::io::pipe;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use clap::Parser;
use clap::error::ErrorKind;
use ringbook::cli::Cli;
use serde_json::json;

use crate::fakes::faults::Fault;
use crate::process::Site;
use crate::program::{Program, err, out, run};

const BINARY: &str = env!("CARGO_BIN_EXE_ringbook");

fn help(command: &[String]) -> String {
    let arguments: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
    let output = run(&std::env::temp_dir(), &arguments, &[]);
    assert_eq!(output.status.code(), Some(0), "{command:?}");
    out(&output)
}

/// Every command that help lists, and what it says of it.
fn all_help() -> Vec<(Vec<String>, String)> {
    let mut all = vec![(Vec::new(), help(&[]))];
    let mut next = 0;
    while let Some((command, text)) = all.get(next).cloned() {
        let listed = text.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
        for name in listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next().filter(|name| !name.is_empty())) {
            if name != "help" {
                let command = [command.clone(), vec![name.to_owned()]].concat();
                let text = help(&command);
                all.push((command, text));
            }
        }
        next += 1;
    }
    all
}

/// The commands of the examples in a help text, without what a shell would take, and without the words beside them.
fn examples(help: &str) -> Vec<Vec<String>> {
    let begun = help.lines().skip_while(|line| !matches!(*line, "Example:" | "Examples:")).skip(1);
    let lines: Vec<&str> = begun.take_while(|line| line.starts_with("  ")).map(str::trim).collect();
    let whole = lines.join("\n").replace("\\\n", "");
    whole.lines().map(|line| words(line.split("  ").next().unwrap())).collect()
}

fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    // What is quoted is at every second place.
    for (place, part) in line.split('"').enumerate() {
        if place % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words.into_iter().take_while(|word| !["|", ">", ">>"].contains(&word.as_str())).collect()
}

#[test]
fn every_command_has_examples_and_every_example_can_be_typed() {
    let all = all_help();
    assert!(all.len() > 30, "{}", all.len());
    for (command, text) in all {
        let examples = examples(&text);
        let name = [&["ringbook".to_owned()], command.as_slice()].concat();
        let is_its =
            |example: &&Vec<String>| example.iter().zip(&name).filter(|(one, other)| *one == *other).count() == name.len();
        assert!(examples.iter().any(|example| is_its(&example)), "{name:?} has no example:\n{text}");
        for example in &examples {
            if let Err(error) = Cli::try_parse_from(example) {
                panic!("{example:?} in the help of {name:?}: {error}");
            }
        }
    }
    assert_eq!(Cli::try_parse_from(["ringbook", "connect"]).unwrap_err().kind(), ErrorKind::MissingRequiredArgument);
}

#[test]
fn bash_takes_its_completions_and_completes_with_them() {
    let folder = tempfile::tempdir().unwrap();
    for (shell, word) in [("bash", "complete -F"), ("zsh", "#compdef ringbook"), ("fish", "complete -c ringbook")] {
        let output = run(folder.path(), &["completions", shell], &[]);
        assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), ""), "{shell}");
        let script = out(&output);
        assert!(script.contains(word), "{shell}: {script}");
        std::fs::write(folder.path().join(shell), script).unwrap();
    }
    let ask = "source ./bash && COMP_WORDS=(ringbook assistant pu) COMP_CWORD=2 && _ringbook ringbook pu assistant && echo \"${COMPREPLY[@]}\"";
    let output = Command::new("bash").args(["--norc", "-euc", ask]).current_dir(folder.path()).output().unwrap();
    assert_eq!((out(&output).trim(), err(&output).as_str()), ("push", ""));
}

/// A pipe whose reader has gone, as behind `| head -1`.
fn nobody_reads() -> Stdio {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    writer.into()
}

#[test]
fn whoever_has_read_enough_changes_no_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let in_silence = |arguments: &[&str]| {
        let mut command = Command::new(BINARY);
        command.args(arguments).env_clear().current_dir(folder.path()).stdin(Stdio::null());
        command
    };
    for arguments in [&["--help"][..], &["serve", "--help"], &["completions", "bash"], &["keygen"]] {
        let output =
            in_silence(arguments).stdout(nobody_reads()).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), ""), "{arguments:?}");
    }
    for arguments in [&["serve"][..], &["bookings"], &["check"], &["nonsense"], &["call", "CA1"]] {
        let status = in_silence(arguments).stdout(Stdio::null()).stderr(nobody_reads()).status().unwrap();
        assert_eq!(status.code(), Some(2), "{arguments:?}");
    }
}

#[tokio::test]
async fn a_server_whose_log_nobody_reads_goes_on_answering() {
    for format in ["json", "pretty"] {
        let site = Site::new().set("LOG_FORMAT", format);
        let mut command = Command::new(BINARY);
        command.arg("serve").env_clear().envs(site.settings().iter().cloned()).current_dir(site.path());
        let mut child = command.stdin(Stdio::null()).stdout(nobody_reads()).stderr(nobody_reads()).spawn().unwrap();
        let other = is_up(&site, &mut child).await;
        // Each of them is worth a line.
        for _ in 0..3 {
            let refused = other.post(&format!("{}/webhook/vapi", site.url()), &json!({ "message": {} }), &[]).await;
            assert_eq!(refused.status, 401, "{format}");
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

/// On a terminal of its own, with both outputs.
fn on_terminal(folder: &Path, command: &str, settings: &[(String, String)]) -> String {
    let mut script = Command::new("/usr/bin/script");
    script.args(["-qec", &format!("{BINARY} {command}"), "/dev/null"]).env_clear().envs(settings.iter().cloned());
    let output = script.current_dir(folder).stdin(Stdio::null()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn long_work_shows_how_far_it_is_on_a_terminal_alone() {
    let shop = crate::assistant_push::Shop::with_two();
    shop.push();
    let slow = || shop.vapi.fault("assistant.get", Fault::DelayAfterCommit(Duration::from_millis(1600)));
    slow();
    let shown = on_terminal(shop.folder.path(), "assistant diff", &shop.settings);
    assert!(shown.contains("\rAsking Vapi… 0 of 2 assistants, 1 s"), "{shown:?}");
    // The line is gone before the answer begins.
    let (line, answer) = shown.rsplit_once('\r').map(|(before, _)| before).and_then(|all| all.split_once("abc-hvac: ")).unwrap();
    assert!(line.ends_with("  \r") && answer.contains("is in step"), "{shown:?}");
    slow();
    let script = on_terminal(shop.folder.path(), "assistant diff --json", &shop.settings);
    assert!(!script.contains("Asking") && script.contains("in_step"), "{script:?}");
    slow();
    let piped = run(shop.folder.path(), &["assistant", "diff"], &shop.settings);
    assert_eq!(err(&piped), "");
    assert!(out(&piped).starts_with("abc-hvac: "), "{}", out(&piped));
}

#[tokio::test]
async fn a_log_on_a_terminal_has_colours_unless_they_are_unwanted() {
    for (no_color, has_colours) in [("1", false), ("", true)] {
        let site = Site::new().set("NO_COLOR", no_color).set("PATH", "/usr/bin:/bin");
        let mut script = Command::new("/usr/bin/script");
        script.args(["-qec", &format!("sh -c 'echo $$ > pid; exec {BINARY} serve'"), "/dev/null"]);
        script.env_clear().envs(site.settings().iter().cloned()).current_dir(site.path());
        let mut terminal = script.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        is_up(&site, &mut terminal).await;
        let pid = std::fs::read_to_string(site.path().join("pid")).unwrap();
        assert!(Command::new("sh").args(["-c", &format!("kill -TERM {pid}")]).status().unwrap().success());
        let shown = String::from_utf8(terminal.wait_with_output().unwrap().stdout).unwrap();
        assert_eq!(shown.contains('\u{1b}'), has_colours, "{shown:?}");
        assert!(shown.contains("INFO"), "{shown:?}");
    }
}

/// Waits for the server that this child is, or runs; returns who can ask it.
async fn is_up(site: &Site, child: &mut Child) -> Program {
    let other = Program::start(site.path(), &["keygen"], &[]);
    while other.health(site.url()).await != Some(200) {
        assert!(child.try_wait().unwrap().is_none(), "it ended");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    other
}
