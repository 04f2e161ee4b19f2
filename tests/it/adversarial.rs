//! The table of attacks and accidents, held against the tests that there are: no row is missing, no test is only claimed.

use std::collections::BTreeSet;

use crate::source::Source;

const TABLE: &str = include_str!("../ADVERSARIAL.md");
const ROWS: usize = 64;
/// A reason is a sentence, not a shrug.
const SHORTEST_REASON: usize = 20;

/// Every test of this program, as `module::function`.
fn tests() -> BTreeSet<String> {
    Source::all("tests/it").iter().flat_map(tests_of).collect()
}

fn tests_of(source: &Source) -> Vec<String> {
    let inner = source.path.trim_start_matches("tests/it/").trim_end_matches(".rs");
    let module = inner.trim_end_matches("/mod").replace('/', "::");
    let (mut marked, mut in_list) = (false, false);
    let mut found = Vec::new();
    for line in source.code.lines().map(str::trim) {
        // `proptest!` marks its tests in the same way.
        marked |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        let function = line.trim_start_matches("pub ").trim_start_matches("async ").strip_prefix("fn ");
        // What is made into a test on either database is named in a list, indented, before it stands on its own.
        let listed = line.strip_suffix(',').filter(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
        found.extend(listed.filter(|_| in_list).map(|name| format!("{module}::{name}")));
        in_list = (in_list || line.starts_with("on_both!(")) && line != ");";
        if in_list {
            marked = false;
            continue;
        }
        if let Some(name) = function.filter(|_| marked).and_then(|rest| rest.split('(').next()) {
            found.push(format!("{module}::{name}"));
            marked = false;
        }
    }
    found
}

/// The cells of a row: number, what happens, the tests, what is not held.
fn rows() -> Vec<[String; 4]> {
    let rows = TABLE.lines().filter(|line| line.starts_with("| ") && line[2..].starts_with(|c: char| c.is_ascii_digit()));
    rows.map(|row| {
        let cells: Vec<String> = row.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
        cells.try_into().unwrap_or_else(|cells| panic!("a row has four cells: {cells:?}"))
    })
    .collect()
}

#[test]
fn every_attack_has_its_row_and_every_test_that_is_named_exists() {
    let (tests, mut wrong) = (tests(), Vec::new());
    assert!(tests.len() > 800 && tests.contains("adversarial::every_attack_has_its_row_and_every_test_that_is_named_exists"));
    let numbers: Vec<String> = rows().into_iter().map(|[number, ..]| number).collect();
    assert_eq!(numbers, (1..=ROWS).map(|number| number.to_string()).collect::<Vec<_>>(), "each number once, in their order");
    for [number, what, held_by, not_held] in rows() {
        let named: Vec<&str> = held_by.split('`').skip(1).step_by(2).collect();
        wrong
            .extend(named.iter().filter(|name| !tests.contains(**name)).map(|name| format!("{number}: there is no test {name}")));
        let beside: String = held_by.split('`').step_by(2).collect();
        if !beside.trim().is_empty() || what.is_empty() {
            wrong.push(format!("{number}: {what:?} is held by tests alone, and not by {beside:?}"));
        }
        if named.is_empty() && not_held.len() < SHORTEST_REASON {
            wrong.push(format!("{number}: neither a test nor a reason"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
