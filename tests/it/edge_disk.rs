//! A disk that is full, in the middle of everything: nothing is acknowledged that is not kept, and once there is room again
//! everything goes on without a restart. The database stands on a file system of its own, which only root can mount.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::fakes::stage::Held;
use crate::house::{Answer, House, SAM};
use crate::program::Program;
use crate::promises::{PENDING, come_to_rest, confirmed, place, promises_kept, repair_by_sam, said};
use crate::shelf::On;

const BOOK: &str = "bookAppointment";
/// Room for the database and for as much of its log as gathers before it is folded in.
const SIZE: &str = "size=12m";

/// A small file system; gone when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Moves the database of this house onto one. `None`, with a word about it, where nothing can be mounted.
    async fn under(house: &mut House) -> Option<Self> {
        let disk = house.folder.path().join("small");
        fs::create_dir(&disk).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]).arg(&disk).output();
        if !mounted.is_ok_and(|output| output.status.success()) {
            eprintln!("SKIPPED: a file system cannot be mounted here, so nothing is known of full disks");
            return None;
        }
        let small = Self(disk);
        house.stop().await;
        let (stands, moved) = (house.folder.path().join("ringbook.db"), small.0.join("ringbook.db"));
        fs::copy(&stands, &moved).unwrap();
        for name in ["ringbook.db", "ringbook.db-wal", "ringbook.db-shm"] {
            let _absent = fs::remove_file(house.folder.path().join(name));
        }
        std::os::unix::fs::symlink(&moved, &stands).unwrap();
        house.restart().await;
        Some(small)
    }

    /// Takes the last byte of it.
    fn fill(&self) {
        let filling = fs::write(self.0.join("filling"), vec![b'x'; 16 * 1024 * 1024]);
        assert!(filling.is_err(), "the disk has more room than it was given");
    }

    fn make_room(&self) {
        fs::remove_file(self.0.join("filling")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ended = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A second way to such a disk, by which nothing can be written; gone when dropped.
struct ReadOnly(PathBuf);

impl ReadOnly {
    fn way_to(disk: &SmallDisk, house: &House) -> Self {
        let way = Self(house.folder.path().join("read-only"));
        fs::create_dir(&way.0).unwrap();
        for options in [&["--bind"][..], &["-o", "remount,bind,ro"]] {
            assert!(Command::new("mount").args(options).arg(&disk.0).arg(&way.0).status().unwrap().success(), "{options:?}");
        }
        way
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        let _ended = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn is_booked(answer: &Answer) -> bool {
    said(answer).contains("You're booked")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_acknowledges_nothing_and_books_again_once_there_is_room() {
    let mut house = House::on(On::Sqlite).await;
    let Some(disk) = SmallDisk::under(&mut house).await else { return };
    assert!(is_booked(&house.tool("call-0", "t1", BOOK, repair_by_sam(&place(0))).await));
    disk.fill();
    // What is written goes into what the log has of free pages first: sooner or later there is none.
    let mut booked = vec![0];
    let mut refused = Vec::new();
    for number in 1..24 {
        let answer = house.tool(&format!("call-{number}"), "t1", BOOK, repair_by_sam(&place(number))).await;
        if is_booked(&answer) { booked.push(number) } else { refused.push((number, answer)) }
    }
    assert!(refused.len() > 5, "the disk was never full: {} booked", booked.len());
    for (number, answer) in &refused {
        assert!(answer.is_error() && said(answer).contains("nothing is confirmed"), "{number}: {answer:?}");
    }
    assert_eq!(house.google.events(SAM).len(), booked.len(), "an event that nobody can keep was made");
    assert_eq!(house.get("/healthz").await.status, 200);
    assert!(
        house.ring("CA00000000000000000000000000000066").await.body.contains("<Dial"),
        "a caller reaches a person all the same"
    );
    disk.make_room();
    let again = async |number: usize| house.tool(&format!("call-{number}"), "t1", BOOK, repair_by_sam(&place(number))).await;
    for (number, _) in &refused {
        // What was cut off at its insert needs a minute to be sure that none is on its way any more.
        let answer = again(*number).await;
        assert!(is_booked(&answer) || said(&answer) == PENDING, "{number}: {answer:?}");
    }
    come_to_rest(&house).await;
    for (number, _) in &refused {
        let answer = again(*number).await;
        assert!(is_booked(&answer), "{number}: {answer:?}");
    }
    assert_eq!(promises_kept(&house).await.len(), 24);
    // What was acknowledged is on the disk, and not only in the memory of the one who said so.
    house.crash().await;
    house.restart().await;
    assert_eq!(promises_kept(&house).await.len(), 24);
}

/// Fills the disk while Google is being asked.
async fn fill_at(held: &Held, disk: &SmallDisk) {
    held.reached(1).await;
    disk.fill();
    held.release();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_behind_the_insert_leaves_a_booking_that_is_found_again() {
    let mut house = House::on(On::Sqlite).await;
    let Some(disk) = SmallDisk::under(&mut house).await else { return };
    let held = house.google.hold_after("events.insert");
    let wish = repair_by_sam("2026-11-24T08:00");
    let (answer, ()) = tokio::join!(house.tool("call-1", "t1", BOOK, wish.clone()), fill_at(&held, &disk));
    let kept = confirmed(&house).await.len();
    assert_eq!(usize::from(is_booked(&answer)), kept, "what was said is what is kept: {answer:?}");
    disk.make_room();
    let again = house.tool("call-1", "t1", BOOK, wish).await;
    assert!(is_booked(&again), "{again:?}");
    come_to_rest(&house).await;
    let other = house.tool_of("+15551112222", "call-2", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await;
    assert!(said(&other).contains("already taken"), "{other:?}");
    assert_eq!((promises_kept(&house).await.len(), house.google.events(SAM).len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_can_only_be_read_stops_the_start_in_one_sentence_and_is_left_as_it_was() {
    let mut house = House::on(On::Sqlite).await;
    let Some(disk) = SmallDisk::under(&mut house).await else { return };
    let booked = house.tool("call-1", "t1", BOOK, repair_by_sam(&place(0))).await;
    assert!(is_booked(&booked));
    house.stop().await;
    let way = ReadOnly::way_to(&disk, &house);
    for name in ["ringbook.db", "absent.db"] {
        let url = format!("sqlite://{}", way.0.join(name).display());
        let settings = [house.pairs(), &[("DATABASE_URL".to_owned(), url)]].concat();
        let mut program = Program::start(house.folder.path(), &["serve"], &settings);
        let (status, words) = (program.ended().await, program.last_words());
        assert_eq!(status.code(), Some(1), "{name}: {words}");
        assert!(words.starts_with("DATABASE_URL: ") && words.lines().count() == 1, "{name}: {words}");
    }
    house.restart().await;
    assert_eq!(house.tool("call-1", "t1", BOOK, repair_by_sam(&place(0))).await, booked);
    assert_eq!(promises_kept(&house).await.len(), 1);
}
