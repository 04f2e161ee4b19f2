//! A PostgreSQL server of these tests alone: started when the first of them wants it, gone with the process, however that ends.
//! Each test has a database of its own, a copy of one whose schema is up to date.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use ringbook::store::Store;
use sqlx::{AnyConnection, Connection, Executor};
use tokio::sync::OnceCell;

use crate::program::free_port;

/// Starts a server in the folder $2 with the programs in $1, says so, stops and starts it when it is told to, and ends it when its
/// standard input does: that is when whoever started it is no more. Nothing of it is to survive, so nothing waits for the disk.
/// Its language sorts otherwise than bytes do, where the server can be told to. One user, `locked`, needs a password.
const KEEPER: &str = r#"
initdb="$1/initdb --pgdata=$2/data --username=ringbook --auth=trust --encoding=UTF8 --locale=C --no-sync"
$initdb --locale-provider=icu --icu-locale=en-US >"$2/log" 2>&1 || { rm -rf "$2/data"; $initdb >"$2/log" 2>&1; } || exit 1
{ echo "host all locked 127.0.0.1/32 scram-sha-256"; cat "$2/data/pg_hba.conf"; } >"$2/hba" && mv "$2/hba" "$2/data/pg_hba.conf"
programs=$1 folder=$2 port=$3
trap '' INT
serve() {
  "$programs/postgres" -D "$folder/data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories="$folder" \
    -c max_connections=800 -c shared_buffers=64MB -c fsync=off -c full_page_writes=off >>"$folder/log" 2>&1 </dev/null &
  server=$!
  until "$programs/pg_isready" --quiet --host=127.0.0.1 --port="$port"; do kill -0 "$server" || exit 1; sleep 0.05; done
  echo ready
}
serve
while read -r word; do
  case $word in
    stop) kill -INT "$server"; wait "$server"; echo stopped ;;
    *) serve ;;
  esac
done
kill -QUIT "$server"
wait "$server"
rm -rf "$folder"
"#;
/// Whom the server belongs to where these tests are root, which it refuses to be: `nobody`.
const NOBODY: u32 = 65_534;
/// The database that all others are copies of.
const TEMPLATE: &str = "template_of_the_tests";

static SERVER: OnceLock<Server> = OnceLock::new();
static FILLED: OnceCell<()> = OnceCell::const_new();

/// The server that runs.
pub struct Server {
    programs: PathBuf,
    pub port: u16,
    /// Ends with its standard input, which ends with this process.
    keeper: Mutex<(Child, BufReader<ChildStdout>)>,
}

impl Server {
    /// A server of one test alone, which it may stop.
    pub async fn alone() -> Self {
        tokio::task::spawn_blocking(start).await.unwrap()
    }

    /// The address of the database that every server has.
    pub fn url(&self) -> String {
        format!("postgres://ringbook:hidden-word@127.0.0.1:{}/postgres", self.port)
    }

    /// Ends it as an administrator does who waits for nobody: every connection is cut off.
    pub fn stop(&self) {
        self.tell("stop", "stopped\n");
    }

    /// Starts it again over what it holds, and waits until it accepts connections.
    pub fn begin_again(&self) {
        self.tell("start", "ready\n");
    }

    fn tell(&self, word: &str, expected: &str) {
        let mut keeper = self.keeper.lock().unwrap();
        writeln!(keeper.0.stdin.as_mut().unwrap(), "{word}").unwrap();
        let mut said = String::new();
        keeper.1.read_line(&mut said).unwrap();
        assert_eq!(said, expected, "the PostgreSQL server of a test does not {word}");
    }
}

/// A database of one test.
#[derive(Debug)]
pub struct Database {
    name: String,
    url: String,
}

impl Database {
    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// A connection as nobody of ringbook has it.
    pub async fn connection(&self) -> AnyConnection {
        sqlx::any::install_default_drivers();
        AnyConnection::connect(&self.url).await.unwrap()
    }
}

impl Database {
    /// All that is in it, as text.
    pub fn dump(&self) -> Vec<u8> {
        let server = server();
        let output = Command::new(server.programs.join("pg_dump")).arg(&self.url).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let server = server();
        let mut command = Command::new(server.programs.join("dropdb"));
        command.args(["--force", "--if-exists", "--host=127.0.0.1", "--username=ringbook", "--port", &server.port.to_string()]);
        let _ended = command.arg(&self.name).output();
    }
}

/// A database whose schema is up to date.
pub async fn database() -> Database {
    let filled = FILLED.get_or_init(async || {
        let template = create(TEMPLATE, "template0").await;
        Store::open(template.url()).await.unwrap().close().await;
        std::mem::forget(template);
    });
    filled.await;
    create(&fresh_name(), TEMPLATE).await
}

/// A database with nothing in it.
pub async fn empty_database() -> Database {
    create(&fresh_name(), "template0").await
}

fn fresh_name() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

async fn create(name: &str, template: &str) -> Database {
    let server = tokio::task::spawn_blocking(server).await.unwrap();
    let url = |name: &str| format!("postgres://ringbook:hidden-word@127.0.0.1:{}/{name}", server.port);
    let database = Database { name: name.to_owned(), url: url(name) };
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(&url("postgres")).await.unwrap();
    let statement = format!("CREATE DATABASE {name} TEMPLATE {template}");
    connection.execute(sqlx::AssertSqlSafe(statement)).await.unwrap();
    connection.close().await.unwrap();
    database
}

/// The server, started by the first who asks.
pub fn server() -> &'static Server {
    SERVER.get_or_init(start)
}

fn start() -> Server {
    let (programs, port) = (programs(), free_port());
    let folder = tempfile::Builder::new().prefix("ringbook-postgres-").tempdir().unwrap().keep();
    let mut command = if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&folder, Some(NOBODY), Some(NOBODY)).unwrap();
        let mut command = Command::new("setpriv");
        command.args([&format!("--reuid={NOBODY}"), &format!("--regid={NOBODY}"), "--clear-groups", "sh"]);
        command
    } else {
        Command::new("sh")
    };
    command.args(["-c", KEEPER, "keeper"]).arg(&programs).arg(&folder).arg(port.to_string()).current_dir(&folder);
    let mut keeper = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut said, mut words) = (String::new(), BufReader::new(keeper.stdout.take().unwrap()));
    words.read_line(&mut said).unwrap();
    let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
    assert_eq!(said, "ready\n", "the PostgreSQL server of the tests does not start:\n{log}");
    Server { programs, port, keeper: Mutex::new((keeper, words)) }
}

/// Where PostgreSQL's programs are: Debian keeps them out of PATH, each version in its own folder.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let folders = versions.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    let newest = folders.filter(|folder| folder.join("initdb").exists()).max_by_key(|folder| version(folder));
    let found = newest.or_else(|| {
        let search = Command::new("sh").args(["-c", "command -v initdb"]).output().unwrap();
        let initdb = PathBuf::from(String::from_utf8(search.stdout).unwrap().trim());
        Some(initdb.canonicalize().ok()?.parent()?.to_owned())
    });
    found.expect("PostgreSQL is not installed: tests/run installs it (Debian: apt-get install postgresql)")
}

fn version(folder: &Path) -> u32 {
    let name = folder.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    name.and_then(|name| name.parse().ok()).unwrap_or_default()
}
