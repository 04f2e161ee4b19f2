//! Nobody at the other end, in the ways that a fake which speaks HTTP cannot show: a name that leads nowhere, a line on which
//! TLS never comes about, and one on which somebody speaks something else. Callers are helped in time all the same.

use std::net::{SocketAddr, TcpListener};

use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinHandle;

use crate::faults::in_time;
use crate::house::{House, Plan};
use crate::promises::{DOWN, PENDING, confirmed, repair, said, when};
use crate::ringing::is_person;

/// What somebody says who was taken for a counterpart.
#[derive(Clone, Copy, Debug)]
enum Says {
    /// Nothing, ever.
    Nothing,
    /// Plain HTTP to one who wants TLS.
    PlainHttp,
    /// Bytes that are nothing.
    Noise,
}

/// Takes every connection and says so much; ends when dropped.
struct Stranger {
    address: SocketAddr,
    talking: JoinHandle<()>,
}

impl Stranger {
    fn start(says: Says) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let (address, listener) = (listener.local_addr().unwrap(), tokio::net::TcpListener::from_std(listener).unwrap());
        let talking = tokio::spawn(async move {
            let mut kept = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let said: &[u8] = match says {
                    Says::Nothing => b"",
                    Says::PlainHttp => b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
                    Says::Noise => &[0x16, 0x03, 0xff, 0xff, 0xff, 0x00, 0x80, 0x05],
                };
                let _left = stream.write_all(said).await;
                kept.push(stream);
            }
        });
        Self { address, talking }
    }

    fn url(&self) -> String {
        format!("https://{}/", self.address)
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.talking.abort();
    }
}

/// Nobody can be booked, and everybody is told so in time.
async fn nothing_is_booked(house: &House, what: &str) {
    let asked = in_time(house.tool("call-1", "t1", "checkAvailability", when("2026-11-24"))).await;
    assert!(asked.is_error() && said(&asked) == DOWN, "{what}: {asked:?}");
    let booked = in_time(house.tool("call-1", "t2", "bookAppointment", repair("2026-11-24T08:00"))).await;
    // Of an insert that hangs nobody knows, so it is being arranged until it is known.
    assert!([DOWN, PENDING].contains(&said(&booked).as_str()), "{what}: {booked:?}");
    assert_eq!((house.events().len(), confirmed(house).await.len()), (0, 0), "{what}");
    assert_eq!((house.get("/healthz").await.status, house.get("/readyz").await.status), (200, 503), "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_google_whose_name_leads_nowhere_or_that_speaks_no_tls_books_nothing_and_keeps_nobody_waiting() {
    let nowhere = Plan::new().set("GOOGLE_CALENDAR_URL", "https://calendar.invalid/calendar/v3/").build().await;
    nothing_is_booked(&nowhere, "a name that leads nowhere").await;
    for says in [Says::Nothing, Says::PlainHttp, Says::Noise] {
        let stranger = Stranger::start(says);
        let house = Plan::new().set("GOOGLE_CALENDAR_URL", &stranger.url()).build().await;
        nothing_is_booked(&house, &format!("{says:?}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_google_whose_tokens_cannot_be_asked_for_books_nothing_and_keeps_nobody_waiting() {
    for says in [Says::Nothing, Says::Noise] {
        let stranger = Stranger::start(says);
        let house = Plan::new().set("GOOGLE_TOKEN_URL", &stranger.url()).build().await;
        nothing_is_booked(&house, &format!("{says:?}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vapi_whose_name_leads_nowhere_or_that_speaks_no_tls_costs_the_caller_nothing_but_the_assistant() {
    let strangers = [Says::Nothing, Says::PlainHttp, Says::Noise].map(Stranger::start);
    let urls = strangers.iter().map(Stranger::url).chain(["https://vapi.invalid/".to_owned()]);
    for (number, url) in urls.enumerate() {
        let house = Plan::new().set("VAPI_API_URL", &url).set("CONNECT_BUDGET_MS", "1500").build().await;
        let sid = format!("CA{number:032}");
        let watch = ringbook::clock::Stopwatch::start();
        let answer = house.says("inbound", &[("CallSid", &sid)]).await;
        assert!(is_person(&answer), "{url}: {answer}");
        assert!(watch.elapsed() < std::time::Duration::from_millis(1500), "{url}: {:?}", watch.elapsed());
    }
}
