//! What the page says of a container and of Fly is in two files with commands of their own. Neither can be built here; but what
//! they name exists, what they set is enough to start, and their commands are ones that a shell and ringbook understand.

use std::path::Path;
use std::process::Command;

use config::{FileFormat, Format, Value};
use ringbook::config::{Environment, Settings};

use super::page::file;
use crate::fakes::google_token::key_file;

/// What the comments of a file tell a person to type: indented deeper than what they say, without the remark behind it.
fn commands(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in text.lines() {
        let Some(line) = line.strip_prefix("#   ") else { continue };
        let line = line.trim_start();
        if goes_on {
            let last = found.last_mut().unwrap();
            *last = format!("{} {line}", last.trim_end_matches('\\'));
        } else if line.starts_with("fly ") || line.starts_with("docker ") || line.starts_with("ringbook ") {
            found.push(line.split("   ").next().unwrap().to_owned());
        }
        goes_on = line.ends_with('\\');
    }
    found
}

fn fly() -> Value {
    let table = FileFormat::Toml.parse(None, &file("fly.toml")).unwrap();
    Value::from(table)
}

fn within(value: &Value, path: &str) -> Value {
    path.split('.')
        .fold(value.clone(), |value, key| value.into_table().unwrap().remove(key).unwrap_or_else(|| panic!("no {path}")))
}

/// The names that `fly secrets set` gives a value to, with values that are no placeholders.
fn secrets(command: &str) -> Vec<(String, String)> {
    let words = command.split(' ').filter_map(|word| word.split_once('='));
    let key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    let value = |name: &str| if name == "ENCRYPTION_KEY" { key.to_owned() } else { format!("a-value-of-{name}") };
    words.filter(|(name, _)| name.contains('_')).map(|(name, _)| (name.to_owned(), value(name))).collect()
}

#[test]
fn every_command_of_the_shipped_files_is_understood() {
    let all = [commands(&file("fly.toml")), commands(&file("Dockerfile"))];
    assert!(all[0].len() >= 7 && all[1].len() == 2, "{all:#?}");
    for command in all.concat() {
        let read = Command::new("bash").args(["-n", "-c", &command]).output().unwrap();
        assert!(read.status.success() && read.stderr.is_empty(), "{command}");
        if let Some(arguments) = command.strip_prefix("ringbook ") {
            let arguments = arguments.split(' ').take_while(|word| *word != "in").chain(["--help"]);
            let helped = Command::new(env!("CARGO_BIN_EXE_ringbook")).args(arguments).output().unwrap();
            assert!(helped.status.success(), "{command}: {}", String::from_utf8_lossy(&helped.stderr));
        }
    }
}

#[test]
fn what_fly_is_told_is_enough_to_start() {
    let toml = file("fly.toml");
    let told: Vec<String> = commands(&toml).into_iter().filter(|command| command.starts_with("fly secrets set")).collect();
    let environment = within(&fly(), "env").into_table().unwrap();
    let mut pairs: Vec<(String, String)> =
        environment.into_iter().map(|(name, value)| (name, value.into_string().unwrap())).collect();
    assert!(pairs.iter().any(|(name, value)| name == "SERVER_URL" && value == "https://REPLACE.fly.dev"));
    pairs.iter_mut().filter(|(name, _)| name == "SERVER_URL").for_each(|(_, value)| "https://name.fly.dev".clone_into(value));
    pairs.extend(secrets(&told[0]));
    let mounted = within(&fly(), "files").into_array().unwrap().remove(0);
    let secret = within(&mounted, "secret_name").into_string().unwrap();
    assert!(pairs.iter().any(|(name, _)| *name == secret), "{secret} is not among the secrets");
    assert!(pairs.contains(&("GOOGLE_CALENDAR_CREDENTIALS".into(), within(&mounted, "guest_path").into_string().unwrap())));
    pairs.retain(|(name, _)| *name != secret);
    // What Fly makes of the secret.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("google.json");
    std::fs::write(&path, key_file("https://oauth2.googleapis.com/token")).unwrap();
    let of_the_file = |(name, _): &&mut (String, String)| name == "GOOGLE_CALENDAR_CREDENTIALS";
    pairs.iter_mut().filter(of_the_file).for_each(|(_, value)| *value = path.display().to_string());
    Settings::load(&Environment::from_pairs(pairs.clone()), &[]).unwrap_or_else(|problems| panic!("{problems}"));

    // With accounts that owners connect, in the place of the file.
    pairs.retain(|(name, _)| name != "GOOGLE_CALENDAR_CREDENTIALS");
    let without = Settings::load(&Environment::from_pairs(pairs.clone()), &[]);
    assert!(without.is_err(), "one of the two ways is needed");
    pairs.extend(secrets(&told[1]));
    Settings::load(&Environment::from_pairs(pairs), &[]).unwrap_or_else(|problems| panic!("{problems}"));
}

#[test]
fn fly_and_the_image_agree_and_name_what_is_there() {
    let (fly, image) = (fly(), file("Dockerfile"));
    let text = |path: &str| within(&fly, path).into_string().unwrap();
    assert!(image.contains(&format!(" AS {}\n", text("build.build-target"))));
    for name in within(&fly, "build.args").into_table().unwrap().keys() {
        assert!(image.contains(&format!("\nARG {name}=")), "{name}");
    }
    assert_eq!(text("env.BIND"), format!("0.0.0.0:{}", text("http_service.internal_port")));
    assert!(text("env.DATABASE_URL").starts_with(&format!("sqlite://{}/", within_mount(&fly, "destination"))));
    assert!(file("fly.toml").contains(&format!("fly volumes create {} ", within_mount(&fly, "source"))));
    let ignored = file(".dockerignore");
    for line in image.lines().filter_map(|line| line.strip_prefix("COPY ")).filter(|line| !line.starts_with("--from")) {
        let mut words: Vec<&str> = line.split(' ').collect();
        words.pop();
        for source in words.into_iter().filter(|source| !source.starts_with('$')) {
            assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(source).exists(), "{source} is not there");
            assert!(ignored.lines().any(|line| line == format!("!{source}")), "{source} does not come into the image");
        }
    }
    assert!(ignored.lines().any(|line| line == "!businesses"), "the folder of the README does not come into the image");
}

fn within_mount(fly: &Value, key: &str) -> String {
    within(&within(fly, "mounts").into_array().unwrap().remove(0), key).into_string().unwrap()
}
