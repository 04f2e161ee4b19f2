//! Whether what Twilio and Vapi ask comes through: our own public address is asked as they ask it, signed by ourselves, in a
//! way that does nothing. It finds servers that do not run, tunnels whose address has changed, certificates that nobody
//! trusts, and proxies that change what passes through them.

use futures_util::future::join_all;
use reqwest::StatusCode;
use secrecy::ExposeSecret;

use super::finding::Findings;
use super::{PATIENCE, Patient, topics};
use crate::business::profile::Profile;
use crate::cli::twilio::pointing;
use crate::names::Phone;
use crate::twilio::signature;
use crate::vapi::signature::{ProofChoice, sign};

/// The name of no call: whatever is reported of it changes nothing.
const NO_CALL: &str = "CAffffffffffffffffffffffffffffffff";
/// A message that nobody sends: it is proven, read, and answered `{}`.
const NO_MESSAGE: &str = "ringbook-check";
/// What a proxy that reads what it should pass on writes in another way: two spaces, a letter beyond ASCII and an escaped one.
const DELICATE: &str = "Zo\u{eb}  & S\\u00f6hne, 100%";

/// What came back.
struct Answer {
    status: StatusCode,
    location: Option<String>,
    body: String,
}

pub(super) async fn of(patient: &Patient) -> Findings {
    let mut findings = Findings::default();
    let server = &patient.settings.server_url;
    if let Err(failure) = pointing::check(server, &patient.settings.twilio.everyone().api_url) {
        let mend = "set SERVER_URL to the public https address that leads here";
        findings.wrong(None, topics::ADDRESS, failure.to_string().trim_end_matches('.'), mend);
    }
    if !reached(patient, &mut findings).await {
        return findings;
    }
    // What everybody's secret proves is tried once, and each business's own.
    let (mut twilio_done, mut vapi_done) = (false, false);
    let asked = patient.profiles.iter().map(|profile| {
        let as_twilio = patient.settings.twilio.of(&profile.slug).auth_is_own || !std::mem::replace(&mut twilio_done, true);
        let as_vapi = patient.settings.vapi.of(&profile.slug).proofs_are_own || !std::mem::replace(&mut vapi_done, true);
        async move {
            let mut found = Findings::default();
            if as_twilio {
                ask_as_twilio(patient, profile, &mut found).await;
            }
            if as_vapi {
                ask_as_vapi(patient, profile, &mut found).await;
            }
            found
        }
    });
    for found in join_all(asked).await {
        findings.extend(found);
    }
    findings
}

/// Whether ringbook answers there at all.
async fn reached(patient: &Patient, findings: &mut Findings) -> bool {
    let server = &patient.settings.server_url;
    let asked = patient.http.get(server.route("/healthz"));
    let (text, mend) = match answered(asked).await {
        Err(cause) if is_of_tls(&cause) => (
            format!("{} cannot be trusted: {cause}", server.as_str()),
            "give the proxy a certificate for this host name from a public authority, with its whole chain".to_owned(),
        ),
        Err(cause) => (format!("nobody answers at {}: {cause}", server.as_str()), running(patient)),
        Ok(Answer { status: StatusCode::OK, body, .. }) if body.trim() == "ok" => {
            findings.ok(None, topics::REACHED, format!("the server answers at {}", server.as_str()));
            return true;
        }
        Ok(Answer { status, location: Some(to), .. }) if status.is_redirection() => (
            format!("{} leads on to {to}, and signatures are for the address that was asked", server.as_str()),
            format!("set SERVER_URL to where it leads, then `ringbook connect {}`", slug(patient)),
        ),
        Ok(Answer { status: StatusCode::SERVICE_UNAVAILABLE, .. }) => {
            ("the server there is about to end (status 503)".to_owned(), running(patient))
        }
        Ok(Answer { status, .. }) => {
            (format!("at {} somebody else answers, with status {}", server.as_str(), status.as_u16()), running(patient))
        }
    };
    findings.wrong(None, topics::REACHED, text, mend);
    false
}

fn slug(patient: &Patient) -> String {
    patient.profiles.first().map_or_else(|| "SLUG".to_owned(), |profile| profile.slug.to_string())
}

fn running(patient: &Patient) -> String {
    format!(
        "start `ringbook serve` and the proxy or tunnel in front of it; if the tunnel has another address now, write it into \
         SERVER_URL, start the server anew, and run `ringbook connect {}`",
        slug(patient)
    )
}

/// A status of no call, as Twilio reports one.
async fn ask_as_twilio(patient: &Patient, profile: &Profile, findings: &mut Findings) {
    let (business, twilio) = (Some(&profile.slug), patient.settings.twilio.of(&profile.slug));
    let number = profile.phone_numbers.first().map(Phone::as_str).unwrap_or_default();
    let form = [
        ("AccountSid", twilio.account_sid.as_str()),
        ("CallSid", NO_CALL),
        ("CallStatus", "in-progress"),
        ("CalledCity", ""),
        ("CallerName", DELICATE),
        ("From", "anonymous"),
        ("To", number),
    ];
    let route = patient.settings.server_url.route("/twilio/status");
    let text = match signed(patient, &form, twilio).await {
        Ok(Answer { status: StatusCode::NO_CONTENT, .. }) => {
            return findings.ok(business, topics::FROM_TWILIO, format!("{route} takes a signed request"));
        }
        Ok(Answer { status: StatusCode::FORBIDDEN, .. }) => {
            // Without a body there is nothing that a proxy could change in it.
            let bare = signed(patient, &[], patient.settings.twilio.everyone()).await;
            if !twilio.auth_is_own && bare.is_ok_and(|bare| bare.status == StatusCode::NO_CONTENT) {
                let text = format!(
                    "{route} takes a signed request without a body and refuses one with a form: its body is changed on the way"
                );
                let mend = "let the proxy pass on the body byte by byte as it came";
                return findings.wrong(business, topics::FROM_TWILIO, text, mend);
            }
            let text = format!("{route} refuses a request that was signed with these settings (status 403)");
            let mend = "start the server anew with these settings (SERVER_URL and TWILIO_AUTH_TOKEN are what is signed with), and let no proxy change the path";
            return findings.wrong(business, topics::FROM_TWILIO, text, mend);
        }
        Ok(answer) => otherwise(&route, &answer),
        Err(cause) => format!("{route} does not answer: {cause}"),
    };
    findings.wrong(
        business,
        topics::FROM_TWILIO,
        text,
        "let the proxy pass every path on to the server as it came, with its method",
    );
}

async fn signed(patient: &Patient, form: &[(&str, &str)], twilio: &crate::config::Twilio) -> Result<Answer, String> {
    let url = patient.settings.server_url.route("/twilio/status");
    let pairs: Vec<(String, String)> = form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let token = twilio.auth_tokens.first().map(ExposeSecret::expose_secret).unwrap_or_default();
    let signature = signature::sign(&url, &pairs, token);
    answered(patient.http.post(&url).header("X-Twilio-Signature", signature).form(&pairs)).await
}

/// A message of a kind that nobody sends, as Vapi sends one.
async fn ask_as_vapi(patient: &Patient, profile: &Profile, findings: &mut Findings) {
    let business = Some(&profile.slug);
    let plan = &patient.settings.vapi.of(&profile.slug).proofs;
    let route = patient.settings.server_url.route("/webhook/vapi");
    let usual = ProofChoice::usual(plan);
    let text = match proven(patient, profile, usual).await {
        Ok(Answer { status: StatusCode::OK, body, .. }) if body.trim() == "{}" => {
            return findings.ok(business, topics::FROM_VAPI, format!("{route} takes a proven message"));
        }
        Ok(Answer { status: StatusCode::UNAUTHORIZED, .. }) => {
            let by_secret = plan.secret && usual != ProofChoice::Secret;
            let text = if by_secret && proven(patient, profile, ProofChoice::Secret).await.is_ok_and(|it| it.status.is_success())
            {
                let text =
                    format!("{route} takes the secret and refuses the signature over the body: the body is changed on the way");
                let mend = "let the proxy pass on the body byte by byte as it came";
                return findings.wrong(business, topics::FROM_VAPI, text, mend);
            } else {
                format!("{route} refuses a message that was proven with these settings (status 401)")
            };
            let mend = "start the server anew with these settings (VAPI_WEBHOOK_SECRET, VAPI_WEBHOOK_AUTH, VAPI_HMAC_…), and let no proxy change the body or drop headers";
            return findings.wrong(business, topics::FROM_VAPI, text, mend);
        }
        Ok(answer) => otherwise(&route, &answer),
        Err(cause) => format!("{route} does not answer: {cause}"),
    };
    findings.wrong(
        business,
        topics::FROM_VAPI,
        text,
        "let the proxy pass every path on to the server as it came, with its method",
    );
}

async fn proven(patient: &Patient, profile: &Profile, choice: ProofChoice) -> Result<Answer, String> {
    let slug = &profile.slug;
    let body = format!(
        "{{\"message\": {{\"type\": \"{NO_MESSAGE}\",  \"note\": \"{DELICATE}\", \"call\": {{\"metadata\": {{\"business\": \"{slug}\"}}}}}}}}"
    );
    let plan = &patient.settings.vapi.of(slug).proofs;
    let proofs = sign(plan, body.as_bytes(), patient.clock.now(), choice);
    let request = patient.http.post(patient.settings.server_url.route("/webhook/vapi"));
    let request = request.header("Content-Type", "application/json").body(body);
    answered(proofs.into_iter().fold(request, |request, (name, value)| request.header(name, value))).await
}

fn otherwise(route: &str, answer: &Answer) -> String {
    let status = answer.status.as_u16();
    match &answer.location {
        Some(to) => format!("{route} leads on to {to} (status {status}), where the signature does not hold"),
        None => format!("{route} is answered with status {status}, which is not the server's word"),
    }
}

async fn answered(request: reqwest::RequestBuilder) -> Result<Answer, String> {
    let response = request.timeout(PATIENCE).send().await.map_err(|error| cause(&error))?;
    let status = response.status();
    let location = response.headers().get("location").and_then(|to| to.to_str().ok()).map(str::to_owned);
    let body = response.text().await.map_err(|error| cause(&error))?;
    Ok(Answer { status, location, body })
}

/// Down to the reason, without the address.
fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", PATIENCE.as_secs());
    }
    let mut deepest: &dyn std::error::Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

fn is_of_tls(cause: &str) -> bool {
    let cause = cause.to_lowercase();
    ["certificate", "tls", "handshake", "unknownissuer", "corrupt message", "invalid peer"]
        .iter()
        .any(|word| cause.contains(word))
}
