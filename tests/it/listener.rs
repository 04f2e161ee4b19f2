//! The socket that the server listens at, without a server behind it, and the open files that the program takes.

use std::time::Duration;

use futures_util::future::join_all;
use ringbook::listener;
use tokio::net::TcpStream;

use crate::edge_program::{Life, address, house};

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_that_comes_at_once_finds_room_to_wait_in() {
    let socket = listener::listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    // Nobody takes them. Whoever finds no room is told nothing, and tries again in vain.
    let coming = join_all((0..600).map(|_| TcpStream::connect(address)));
    let came = tokio::time::timeout(Duration::from_secs(10), coming).await.expect("all of them find room");
    assert!(came.iter().all(Result::is_ok));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_takes_as_many_open_files_as_it_may() {
    let house = house().await;
    let life = Life::begin(&house, &address(), "ulimit -Sn 256; ulimit -Hn 1500;").await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", life.pid())).unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(files.split_whitespace().skip(3).collect::<Vec<_>>(), ["1500", "1500", "files"]);
}
