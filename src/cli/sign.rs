//! `sign`: makes a hand-made request valid, as Twilio or Vapi would. It reads only the secret that it signs with. `replay` signs
//! by the same means.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use secrecy::{ExposeSecret, SecretString};
use time::OffsetDateTime;

use super::replay::Line;
use super::{Failure, note, print};
use crate::clock::Clock;
use crate::config::{
    Environment, HmacPlan, ProofPlan, ServerUrl, load_twilio_signing, load_twilio_signing_of, load_vapi_signing,
    load_vapi_signing_of,
};
use crate::twilio;
use crate::vapi::signature::{ProofChoice, prove, sign};

/// Whose request is made.
#[derive(Debug, Subcommand)]
pub enum Sign {
    /// Headers for a message as Vapi sends it, made with the first `VAPI_WEBHOOK_SECRET`.
    #[command(after_help = "\
Example:
  ringbook sign vapi --body call.json | curl -H @- --data-binary @call.json http://127.0.0.1:8080/webhook/vapi

The body is signed byte by byte: send it with --data-binary, because -d takes line breaks out of a file.")]
    Vapi(Message),
    /// The header for a request as Twilio sends it, made with the first `TWILIO_AUTH_TOKEN`.
    #[command(after_help = "\
Example:
  ringbook sign twilio --url https://book.example.com/twilio/inbound --form call.form \\
    | curl -H @- -d @call.form http://127.0.0.1:8080/twilio/inbound

The URL is SERVER_URL and the route, wherever the request is really sent: that is what Twilio signs.
The form is one line, e.g. CallSid=CA0123&From=%2B15551112222&To=%2B15551230000&CallStatus=ringing")]
    Twilio(Form),
}

/// A message to `/webhook/vapi`.
#[derive(Args, Debug)]
pub struct Message {
    /// The file with the body, exactly as it will be sent; - is stdin.
    #[arg(long, value_name = "FILE")]
    body: PathBuf,
    /// How it is proven; when not given, as `VAPI_HMAC_*` says, else by x-vapi-signature.
    #[arg(long, value_enum)]
    proof: Option<Proof>,
}

/// A request to one of the routes under `/twilio`.
#[derive(Args, Debug)]
pub struct Form {
    /// The public address of the route, with its query.
    #[arg(long, value_name = "URL")]
    url: String,
    /// The file with the form, encoded as it will be sent (a=b&c=d); - is stdin.
    #[arg(long, value_name = "FILE")]
    form: PathBuf,
}

/// The words for [`ProofChoice`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Proof {
    /// x-vapi-signature over the body
    Hmac,
    /// x-signature over x-timestamp and the body
    Stamped,
    /// x-vapi-secret
    Secret,
    /// Authorization: Bearer
    Bearer,
    /// as `VAPI_HMAC_*` says
    Custom,
}

/// Proves what is sent to one route.
pub(super) enum Signer {
    /// As Vapi does.
    Vapi(Box<ProofPlan>, ProofChoice),
    /// As Twilio does, which was told this address.
    Twilio { url: String, tokens: Vec<SecretString> },
}

impl Signer {
    /// The headers that prove this body at this moment.
    pub(super) fn headers(&self, body: &[u8], now: OffsetDateTime) -> Vec<(String, String)> {
        match self {
            Self::Vapi(plan, choice) => sign(plan, body, now, *choice),
            Self::Twilio { url, tokens } => {
                let parameters: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
                let token = tokens.first().map(ExposeSecret::expose_secret).unwrap_or_default();
                vec![("X-Twilio-Signature".to_owned(), twilio::signature::sign(url, &parameters, token))]
            }
        }
    }
}

/// Who proves this webhook: its business's own secrets, else everybody's. `own` is the address that Twilio was told.
///
/// # Errors
/// That a setting is missing or wrong.
pub(super) fn signer_of(line: &Line, own: Option<&ServerUrl>, environment: &Environment) -> Result<Signer, Failure> {
    let business = line.business.as_ref();
    if let Some(own) = own.filter(|_| line.is_twilio()) {
        return Ok(Signer::Twilio { url: own.route(&line.path), tokens: load_twilio_signing_of(environment, business)? });
    }
    let plan = load_vapi_signing_of(environment, business)?;
    let choice = ProofChoice::usual(&plan);
    Ok(Signer::Vapi(Box::new(plan), choice))
}

pub(super) fn run(what: &Sign) -> Result<(), Failure> {
    match what {
        Sign::Vapi(message) => sign_message(message),
        Sign::Twilio(form) => sign_form(form),
    }
}

fn sign_message(message: &Message) -> Result<(), Failure> {
    let plan = load_vapi_signing(&Environment::read()?)?;
    let choice = match message.proof {
        None => ProofChoice::usual(&plan),
        Some(Proof::Hmac) => ProofChoice::Hmac,
        Some(Proof::Stamped) => ProofChoice::Stamped,
        Some(Proof::Secret) => ProofChoice::Secret,
        Some(Proof::Bearer) => ProofChoice::Bearer,
        Some(Proof::Custom) if plan.hmac.is_empty() || plan.hmac == HmacPlan::presets() => {
            let sentence = "--proof custom needs VAPI_HMAC_* settings, and hmac in VAPI_WEBHOOK_AUTH.";
            return Err(Failure::Usage(sentence.to_owned()));
        }
        Some(Proof::Custom) => ProofChoice::Custom,
    };
    let body = contents(&message.body)?;
    let now = Clock::System.now();
    let headers = Signer::Vapi(Box::new(plan.clone()), choice).headers(&body, now);
    let received: Vec<_> = headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())).collect();
    if let Err(reason) = prove(&received, &body, &plan, now) {
        note(&format!("A server with these settings will refuse this: {reason}. See VAPI_WEBHOOK_AUTH."));
    }
    print_headers(&headers)
}

fn print_headers(headers: &[(String, String)]) -> Result<(), Failure> {
    let lines: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    print(&lines.concat())
}

fn sign_form(form: &Form) -> Result<(), Failure> {
    let tokens = load_twilio_signing(&Environment::read()?)?;
    let mut body = contents(&form.form)?;
    let before = body.len();
    // `curl -d @FILE` sends a file without its line breaks, and an editor ends every file with one.
    body.retain(|byte| !matches!(byte, b'\r' | b'\n'));
    if body.len() < before {
        note("The form was signed without its line breaks, as `curl -d @FILE` sends it.");
    }
    // A fragment is neither sent nor signed.
    let url = form.url.split('#').next().unwrap_or_default().to_owned();
    print_headers(&Signer::Twilio { url, tokens }.headers(&body, Clock::System.now()))
}

/// What is in a file; - is stdin.
pub(super) fn contents(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") { io::stdin().read_to_end(&mut bytes).map(|_| bytes) } else { fs::read(path) };
    read.map_err(|error| Failure::because(format!("{} cannot be read", path.display()), error))
}
