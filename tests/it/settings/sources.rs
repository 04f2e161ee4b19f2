//! Where settings come from: the environment, the file beside the program, and the folder of the businesses.

use std::path::Path;
use std::{env, fs};

use proptest::prelude::*;
use ringbook::config::table::SETTINGS;
use ringbook::config::{
    Environment, Problems, Settings, known_businesses, load_store, load_twilio_signing, load_vapi_signing, slugs_in,
};

use super::{exposed, load, slugs, with};

#[test]
fn a_command_reads_only_what_it_uses() {
    let none = Environment::default();
    assert_eq!(load_store(&none).unwrap().businesses, Path::new("assistant/businesses"));
    let token = Environment::from_pairs([("TWILIO_AUTH_TOKEN", "new, old"), ("SERVER_URL", "nonsense")]);
    assert_eq!(exposed(&load_twilio_signing(&token).unwrap()), ["new", "old"]);
    assert_eq!(exposed(&load_vapi_signing(&Environment::from_pairs([("VAPI_WEBHOOK_SECRET", "s")])).unwrap().secrets), ["s"]);
    let hint = load_vapi_signing(&Environment::from_pairs([("WEBHOOK_SECRET", "s")])).unwrap_err();
    assert!(hint.to_string().contains("WEBHOOK_SECRET is set; ringbook reads VAPI_WEBHOOK_SECRET"), "{hint}");
    assert!(load_twilio_signing(&none).is_err());
}

fn dotenv(text: &str) -> Result<Environment, Problems> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(".env");
    fs::write(&file, text).unwrap();
    Environment::from_pairs([("BIND", "127.0.0.1:1"), ("LOG", "")]).with_file(&file)
}

#[test]
fn the_environment_wins_over_the_file_even_when_it_is_empty() {
    let environment =
        dotenv("\u{feff}BIND=127.0.0.1:2\nLOG=debug\nexport BUSINESSES='a folder' # ours\nBUSINESSES=second\n").unwrap();
    assert_eq!(environment.value("BIND"), Some("127.0.0.1:1"));
    assert_eq!(environment.value("LOG"), None);
    assert_eq!(environment.value("BUSINESSES"), Some("a folder"));
    assert_eq!(environment.names().collect::<Vec<_>>(), ["BIND", "BUSINESSES"]);
    let first = dotenv("\u{feff}SERVER_URL=https://a.example\n").unwrap();
    assert_eq!(first.value("SERVER_URL"), Some("https://a.example"));
    assert!(Environment::default().with_file(Path::new("not/there/.env")).is_ok());
    assert!(Environment::default().with_file(&env::temp_dir()).is_err());
}

#[test]
fn a_line_that_cannot_be_read_is_named_by_its_number_and_without_its_value() {
    let cases = [
        ("LOG=a\n# ok\nTWILIO_AUTH_TOKEN=hidden value\nBIND=x\n", 3, " (TWILIO_AUTH_TOKEN)"),
        ("SERVER_URL='two\nlines'\nhidden\n", 3, ""),
        ("A=1\n\nVAPI_API_KEY='hidden\nB=2\n", 3, " (VAPI_API_KEY)"),
        ("hidden-name=1\n", 1, ""),
        ("LOG='hidden value'\nA=1\nLOG=hidden value", 3, " (LOG)"),
    ];
    for (text, line, name) in cases {
        let found = dotenv(text).unwrap_err().to_string();
        assert!(found.contains(&format!(".env, line {line}{name},")), "{text:?}: {found}");
        assert!(!found.contains("hidden") && !found.contains('\n'), "{found}");
    }
}

#[test]
fn the_businesses_are_the_files_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["other.toml", "abc-hvac.toml", "notes.md", ".hidden"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    assert_eq!(slugs_in(folder.path()).unwrap(), slugs(&["abc-hvac", "other"]));
    fs::write(folder.path().join("Not_A_Slug.toml"), "").unwrap();
    assert!(slugs_in(folder.path()).unwrap_err().to_string().contains("Not_A_Slug.toml"));
    let absent = folder.path().join("absent");
    let changes = [("BUSINESSES", absent.to_str().unwrap()), ("BIND", "nonsense"), ("VAPI_API_KEY__ABC_HVAC", "k")];
    assert!(known_businesses(&with(&changes)).is_err());
    let found: Vec<String> = Settings::read(&with(&changes)).unwrap_err().iter().map(str::to_owned).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("BUSINESSES ") && found[1].starts_with("BIND "), "{found:?}");
}

proptest! {
    #[test]
    fn no_value_is_ever_repeated_and_none_panics(at in 0..SETTINGS.len(), value in "\\PC{0,40}", own in any::<bool>()) {
        let marked = format!("{value}Zq7");
        let name = SETTINGS[at].name;
        let name = if own { format!("{name}__ABC_HVAC") } else { name.to_owned() };
        match load(&[(&name, &marked)], &["abc-hvac"]) {
            Ok((_, warnings)) => prop_assert!(warnings.iter().all(|sentence| !sentence.contains("Zq7"))),
            Err(problems) => prop_assert!(!problems.to_string().contains("Zq7")),
        }
    }
}
