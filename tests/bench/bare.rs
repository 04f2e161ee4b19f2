//! What a tutorial's server would do, as a process of its own: it reads the body and answers `{}`. And the same with the least
//! that it takes to lose nothing: the body is on the disk before the answer goes out, a flush for each.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpResponse, HttpServer};

pub const COMMAND: &str = "bare-server";
/// Longer than the other side's turn.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

async fn reads(_body: Bytes) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body("{}")
}

async fn keeps(body: Bytes, file: Data<Mutex<File>>) -> HttpResponse {
    let kept = web::block(move || {
        let mut file = file.lock().unwrap();
        file.write_all(&body).and_then(|()| file.sync_data()).unwrap();
    });
    kept.await.unwrap();
    HttpResponse::Ok().content_type("application/json").body("{}")
}

/// Serves until it is killed. What is kept is kept in this folder.
pub fn serve(folder: &str) {
    let file = Data::new(Mutex::new(File::create(Path::new(folder).join("kept")).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap());
    let app = move || {
        let app = App::new().app_data(file.clone()).route("/kept", web::post().to(keeps));
        app.default_service(web::to(reads))
    };
    let workers = std::thread::available_parallelism().unwrap().get();
    let server = HttpServer::new(app).workers(workers).keep_alive(KEEP_ALIVE).disable_signals().listen(listener).unwrap().run();
    actix_web::rt::System::new().block_on(server).unwrap();
}

/// A bare server that runs; killed when dropped.
pub struct Bare {
    child: Child,
    pub url: String,
}

impl Bare {
    pub fn start(folder: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut child = command.arg(COMMAND).arg(folder).stdout(Stdio::piped()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { child, url: format!("http://{}", address.trim()) }
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The same request, but it must be on the disk.
pub fn to_be_kept(request: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(request);
    let rest = text.split_once(" HTTP/1.1").unwrap().1;
    format!("POST /kept HTTP/1.1{rest}").into_bytes()
}
