//! A server that answers as it is told and keeps a journal of what it was asked. It speaks HTTP/1.1 on a bare socket, because
//! half of what is tested is what no web framework lets a server do.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

/// One request.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    /// As it came, with its percent signs.
    pub path: String,
    pub query: HashMap<String, String>,
    pub bearer: String,
    pub body: String,
}

impl Asked {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

#[derive(Clone)]
pub enum Answer {
    Json(u16, Value),
    /// Status, further header lines, body.
    Text(u16, &'static str, String),
    /// A 200 that promises more than it sends, and then ends.
    Truncated(Value),
    /// The connection ends without a word.
    Reset,
    /// Nothing, for ever.
    Silence,
    /// The other answer, once told so.
    After(Arc<Notify>, Box<Answer>),
}

pub fn error(status: u16, reason: &str) -> Answer {
    let errors = json!([{"domain": "global", "reason": reason, "message": "…"}]);
    Answer::Json(status, json!({"error": {"code": status, "message": "…", "errors": errors}}))
}

pub fn token(number: usize) -> Answer {
    Answer::Json(200, json!({"access_token": format!("token-{number}"), "expires_in": 3599, "token_type": "Bearer"}))
}

pub struct Server {
    /// With a trailing slash.
    pub url: String,
    journal: watch::Sender<Vec<Asked>>,
}

type Script = Arc<Mutex<dyn FnMut(&Asked) -> Answer + Send>>;

impl Server {
    /// Gives out the tokens `token-1`, `token-2`, …
    pub async fn start(answer: impl FnMut(&Asked) -> Answer + Send + 'static) -> Self {
        Self::with_tokens(token, answer).await
    }

    /// `tokens` is asked with the number of the request for one, from 1.
    pub async fn with_tokens(
        mut tokens: impl FnMut(usize) -> Answer + Send + 'static,
        mut answer: impl FnMut(&Asked) -> Answer + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let journal = watch::channel(Vec::new()).0;
        let mut minted = 0;
        let script: Script = Arc::new(Mutex::new(move |asked: &Asked| {
            if asked.path == "/token" {
                minted += 1;
                tokens(minted)
            } else {
                answer(asked)
            }
        }));
        let book = journal.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, script.clone(), book.clone()));
            }
        });
        Self { url, journal }
    }

    /// What the calendar was asked.
    pub fn asked(&self) -> Vec<Asked> {
        self.journal.borrow().iter().filter(|asked| asked.path != "/token").cloned().collect()
    }

    /// How often a token was asked for.
    pub fn minted(&self) -> usize {
        self.journal.borrow().iter().filter(|asked| asked.path == "/token").count()
    }

    /// What was sent to the token endpoint.
    pub fn grants(&self) -> Vec<Asked> {
        self.journal.borrow().iter().filter(|asked| asked.path == "/token").cloned().collect()
    }

    /// Waits until the journal has what is looked for.
    pub async fn until(&self, enough: impl Fn(&[Asked]) -> bool) {
        let wait = async { self.journal.subscribe().wait_for(|journal| enough(journal)).await.map(drop) };
        tokio::time::timeout(std::time::Duration::from_secs(20), wait).await.expect("it never came").unwrap();
    }

    pub async fn until_minted(&self, count: usize) {
        self.until(|journal| journal.iter().filter(|asked| asked.path == "/token").count() >= count).await;
    }
}

async fn serve(stream: TcpStream, script: Script, journal: watch::Sender<Vec<Asked>>) {
    let mut stream = BufReader::new(stream);
    while let Some(asked) = read(&mut stream).await {
        let mut answer = (script.lock().unwrap())(&asked);
        journal.send_modify(|journal| journal.push(asked));
        while let Answer::After(told, then) = answer {
            told.notified().await;
            answer = *then;
        }
        let (status, headers, body) = match answer {
            Answer::Json(status, body) => (status, "Content-Type: application/json\r\n", body.to_string()),
            Answer::Text(status, headers, body) => (status, headers, body),
            Answer::Truncated(body) => {
                let body = body.to_string();
                let half = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", body.len(), &body[..body.len() / 2]);
                let _ = stream.write_all(half.as_bytes()).await;
                return;
            }
            Answer::Reset => return,
            Answer::Silence | Answer::After(..) => std::future::pending().await,
        };
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
        if stream.write_all(format!("{head}{body}").as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Asked> {
    let (mut lines, mut line) = (Vec::new(), String::new());
    while stream.read_line(&mut line).await.ok()? > 2 {
        lines.push(std::mem::take(&mut line).trim_end().to_owned());
    }
    let mut request = lines.first()?.split(' ');
    let (method, target) = (request.next()?.to_owned(), request.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let header = |wanted: &str| {
        let found = lines.iter().filter_map(|line| line.split_once(": ")).find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.to_owned()).unwrap_or_default()
    };
    let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    Some(Asked {
        method,
        path: path.to_owned(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        bearer: header("authorization").trim_start_matches("Bearer ").to_owned(),
        body: String::from_utf8(body).unwrap(),
    })
}
