//! The order of what is not Rust: the TwiML templates, and the statements that two databases must understand.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::Value;

use crate::source::{Source, files, has_word};

fn allowed() -> Value {
    serde_json::from_str(include_str!("../data/twiml_attributes.json")).unwrap()
}

fn check(tag: &BytesStart<'_>, allowed: &Value, path: &str, wrong: &mut Vec<String>) {
    let name = tag.name().as_ref().to_owned();
    let Some(known) = allowed[&name].as_array() else {
        wrong.push(format!("{path}: <{name}> is no TwiML"));
        return;
    };
    for attribute in tag.attributes() {
        let attribute = attribute.unwrap_or_else(|error| panic!("{path}: <{name}>: {error}"));
        let key = attribute.key.as_ref().to_owned();
        if !known.iter().any(|known| *known == key.as_str()) {
            wrong.push(format!("{path}: <{name}> has no attribute {key}"));
        }
    }
}

#[test]
fn every_twiml_template_is_xml_of_known_elements_and_attributes() {
    let (allowed, mut wrong, mut elements) = (allowed(), Vec::new(), 0);
    let templates = files("twiml", "xml");
    for (path, text) in &templates {
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_end_names = true;
        let mut depth = 0;
        loop {
            match reader.read_event().unwrap_or_else(|error| panic!("{path}: {error}")) {
                Event::Start(tag) => {
                    depth += 1;
                    elements += 1;
                    check(&tag, &allowed, path, &mut wrong);
                }
                Event::Empty(tag) => {
                    elements += 1;
                    check(&tag, &allowed, path, &mut wrong);
                }
                Event::End(_) => depth -= 1,
                Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(depth, 0, "{path}: an element is left open");
        assert!(text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response>"), "{path}: begins otherwise");
    }
    assert!(templates.len() >= 7 && elements > 15, "templates are found: {} with {elements} elements", templates.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The statements of the store: texts that begin with an SQL verb, joined where the line was broken.
fn statements(source: &Source) -> Vec<String> {
    let verbs = ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH "];
    let joined =
        source.quoted.iter().map(|text| text.split_whitespace().filter(|word| *word != "\\").collect::<Vec<_>>().join(" "));
    joined.filter(|text| verbs.iter().any(|verb| text.starts_with(verb))).collect()
}

/// The numbers of a statement's `$n`.
fn placeholders(statement: &str) -> Vec<usize> {
    let after = statement.split('$').skip(1);
    let mut numbers: Vec<usize> =
        after.filter_map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

#[test]
fn both_databases_understand_every_statement() {
    let one_knows = [
        "INSERT OR",
        "REPLACE INTO",
        "AUTOINCREMENT",
        "ROWID",
        "GLOB",
        "REGEXP",
        "STRFTIME",
        "JULIANDAY",
        "UNIXEPOCH",
        "DATETIME(",
        "IFNULL",
        "NULLIF(''",
        "IIF(",
        "JSON_EXTRACT",
        "LAST_INSERT_ROWID",
        "TOTAL_CHANGES",
        "CHANGES()",
        "INDEXED BY",
        "ATTACH",
        "VACUUM",
        "TYPEOF",
        "PRINTF",
        "PRAGMA",
        "BEGIN IMMEDIATE",
        "RAISE(",
        "ILIKE",
        "::",
        "DISTINCT ON",
        "FOR UPDATE",
        "SKIP LOCKED",
        "NOW()",
        "INTERVAL",
        "ANY(",
        "SERIAL",
        "INT8RANGE",
        "LATERAL",
        "TRUE",
        "FALSE",
    ];
    let (mut wrong, mut count) = (Vec::new(), 0);
    for source in Source::all("src/store") {
        for statement in statements(&source) {
            count += 1;
            let upper = statement.to_uppercase();
            let words = one_knows.iter().filter(|word| has_word(&upper, word));
            wrong.extend(words.map(|word| format!("{}: {word}: {statement}", source.path)));
            if statement.contains(['?', '`', '"', '@']) || statement.contains(":n") {
                wrong.push(format!("{}: a placeholder or quote of one database: {statement}", source.path));
            }
            let numbers = placeholders(&statement);
            if numbers.iter().enumerate().any(|(index, number)| index + 1 != *number) {
                wrong.push(format!("{}: placeholders with a gap, {numbers:?}: {statement}", source.path));
            }
        }
    }
    assert!(count >= 25, "statements are found: {count}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_one_database_alone_knows_stands_where_the_store_is_opened_and_written() {
    let places = [
        ("PRAGMA", "src/store/sqlite.rs"),
        ("IMMEDIATE", "src/store/writer.rs"),
        ("SAVEPOINT", "src/store/writer.rs"),
        ("PG_ADVISORY_XACT_LOCK", "src/store/postgres.rs"),
        ("CURRENT_SETTING", "src/store/postgres.rs"),
    ];
    let mut wrong = Vec::new();
    for source in Source::all("src") {
        for (word, place) in places {
            let texts = source.quoted.iter().filter(|text| has_word(&text.to_uppercase(), word) && source.path != place);
            wrong.extend(texts.map(|text| format!("{}: {word}: {text}", source.path)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_table_has_columns_of_two_types_only() {
    let mut columns = 0;
    for (path, text) in files("src/store/migrations", "sql") {
        let mut in_table = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with("CREATE TABLE") {
                in_table = true;
            } else if line.starts_with(')') {
                in_table = false;
            } else if in_table && !line.starts_with("PRIMARY KEY") && !line.starts_with("--") {
                columns += 1;
                let kind = line.split_whitespace().nth(1).unwrap_or_default().trim_end_matches(',');
                assert!(["TEXT", "BIGINT"].contains(&kind), "{path}: {line}");
            }
        }
    }
    assert!(columns > 60, "columns are found: {columns}");
}

/// Copies are replaced one by one, and the version before must go on beside the new one on the same database.
#[test]
fn migrations_only_add_and_the_two_databases_have_the_same_ones() {
    const TAKES: [&str; 6] = ["DROP TABLE", "DROP COLUMN", "RENAME", "TRUNCATE", "DROP INDEX", "DELETE FROM"];
    let named = |folder: &str| -> Vec<(String, String)> {
        let files = files(&format!("src/store/migrations/{folder}"), "sql");
        files.into_iter().map(|(path, text)| (path.rsplit('/').next().unwrap().to_owned(), text)).collect()
    };
    let (sqlite, postgres) = (named("sqlite"), named("postgres"));
    let titles = |files: &[(String, String)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(titles(&sqlite), titles(&postgres));
    for (name, text) in sqlite.iter().chain(&postgres) {
        for statement in text.split(';') {
            let takes = TAKES.iter().find(|takes| statement.to_uppercase().contains(**takes));
            assert_eq!(takes, None, "{name}: {statement}");
            let adds_what_must_be_given =
                statement.contains("ADD COLUMN") && statement.contains("NOT NULL") && !statement.contains("DEFAULT");
            assert!(!adds_what_must_be_given, "{name}: {statement}");
        }
    }
}
