//! How an owner gets in: single-use links, the browsers in which they were opened, and the ways to Google's consent page
//! and back. Of everything that opens something only a digest comes in here, so a copy of the database opens nothing.

use std::time::Duration;

use futures_util::FutureExt;
use sha2::{Digest as _, Sha256};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;
use time::OffsetDateTime;

use super::row::{column, instant, named};
use super::{Error, Store};
use crate::clock::epoch_ms;
use crate::names::Slug;

/// How long a browser that opened a link may stay.
const SESSION: Duration = Duration::from_mins(30);
/// How long an ended link is kept, so that its owner hears that it has ended and not that it never was.
const KEEP_ENDED_LINKS: Duration = Duration::from_hours(30 * 24);
/// Browsers, and ways to Google, that one link may have at a time: previews open links as well.
const MAX_OF_ONE_LINK: i64 = 20;

/// What is kept of something that opens something: SHA-256, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest(String);

impl Digest {
    /// The digest of this secret.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        Self(hex::encode(Sha256::digest(secret)))
    }

    fn read(row: &AnyRow, name: &'static str) -> Result<Self, Error> {
        Ok(Self(column(row, name)?))
    }
}

/// A browser in which a link was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Of what its cookie holds.
    pub session: Digest,
    /// Of the link that opened it.
    pub link: Digest,
    /// Whose link it was.
    pub business: Slug,
    /// Of what its forms hold.
    pub csrf: Digest,
    /// When it ends.
    pub ends_at: OffsetDateTime,
}

/// What a new session is known by.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// See [`SessionRow::session`].
    pub session: Digest,
    /// See [`SessionRow::csrf`].
    pub csrf: Digest,
}

/// What came of opening a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenedLink {
    /// A session.
    Session(SessionRow),
    /// There is no such link.
    Unknown,
    /// Its days are over.
    Ended,
    /// It was used in another browser.
    Spent,
}

/// A way to Google and back that nobody has come back on yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateRow {
    /// Whose way it is.
    pub session: Digest,
    /// When it ends.
    pub ends_at: OffsetDateTime,
}

impl Store {
    /// Keeps a link that opens the pages of this business until `ends_at`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_link(
        &self,
        link: &Digest,
        business: &Slug,
        ends_at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<(), Error> {
        let query = sqlx::query("INSERT INTO oauth_links (link, business, ends_at, created_at) VALUES ($1, $2, $3, $4)")
            .bind(link.0.clone())
            .bind(business.as_str().to_owned())
            .bind(epoch_ms(ends_at))
            .bind(epoch_ms(now));
        self.execute(query).await.map(drop)
    }

    /// Opens a link: a new session, whatever the browser held before. Only the browser that spent a link may open it again,
    /// and its time does not begin anew. `held` is what that browser shows.
    ///
    /// # Errors
    /// When the database fails: then nothing was opened.
    pub async fn open_link(
        &self,
        link: &Digest,
        held: Option<&Digest>,
        new: NewSession,
        now: OffsetDateTime,
    ) -> Result<OpenedLink, Error> {
        let (link, held) = (link.clone(), held.cloned());
        self.write(move |db| open(db, link, held, new, now).boxed()).await
    }

    /// The session that this cookie belongs to: not ended, and its link unspent or spent by itself.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn oauth_session(&self, session: &Digest, now: OffsetDateTime) -> Result<Option<SessionRow>, Error> {
        let query = sqlx::query(
            "SELECT s.session, s.link, s.business, s.csrf, s.ends_at FROM oauth_sessions s JOIN oauth_links l ON l.link = s.link \
             WHERE s.session = $1 AND s.ends_at > $2 AND (l.spent_by IS NULL OR l.spent_by = s.session)",
        );
        let row = query.bind(session.0.clone()).bind(epoch_ms(now)).fetch_optional(&self.readers).await?;
        row.as_ref().map(read_session).transpose()
    }

    /// Spends the session's link; `false` when another session has spent it, or this one is gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn spend_link(&self, session: &SessionRow) -> Result<bool, Error> {
        let query = sqlx::query(
            "UPDATE oauth_links SET spent_by = $2 WHERE link = $1 AND (spent_by IS NULL OR spent_by = $2) \
             AND EXISTS (SELECT 1 FROM oauth_sessions WHERE session = $2)",
        );
        Ok(self.execute(query.bind(session.link.0.clone()).bind(session.session.0.clone())).await? == 1)
    }

    /// Lets the session go on under another name, with what it has spent and without its ways to Google; `false` when it is
    /// gone.
    ///
    /// # Errors
    /// When the database fails: then nothing has changed.
    pub async fn replace_session(&self, old: &Digest, new: NewSession) -> Result<bool, Error> {
        let old = old.clone();
        self.write(move |db| replace(db, old, new).boxed()).await
    }

    /// Keeps a way to Google and back for this session, with its sealed verifier.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_state(
        &self,
        state: &Digest,
        session: &SessionRow,
        verifier: &str,
        ends_at: OffsetDateTime,
    ) -> Result<(), Error> {
        let trim = sqlx::query(
            "DELETE FROM oauth_states WHERE session IN (SELECT session FROM oauth_sessions WHERE link = $1) AND state NOT IN \
             (SELECT state FROM oauth_states WHERE session IN (SELECT session FROM oauth_sessions WHERE link = $1) \
             ORDER BY ends_at DESC, state LIMIT $2)",
        )
        .bind(session.link.0.clone())
        .bind(MAX_OF_ONE_LINK - 1);
        let keep = sqlx::query("INSERT INTO oauth_states (state, session, verifier, ends_at) VALUES ($1, $2, $3, $4)")
            .bind(state.0.clone())
            .bind(session.session.0.clone())
            .bind(verifier.to_owned())
            .bind(epoch_ms(ends_at));
        self.write(move |db| {
            async move {
                trim.execute(&mut *db).await?;
                Ok(keep.execute(db).await.map(drop)?)
            }
            .boxed()
        })
        .await
    }

    /// The way that this state belongs to, if nobody has come back on it and it has not ended.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn oauth_state(&self, state: &Digest, now: OffsetDateTime) -> Result<Option<StateRow>, Error> {
        let query = sqlx::query("SELECT session, ends_at FROM oauth_states WHERE state = $1 AND ends_at > $2");
        let row = query.bind(state.0.clone()).bind(epoch_ms(now)).fetch_optional(&self.readers).await?;
        let read = |row| Ok(StateRow { session: Digest::read(row, "session")?, ends_at: instant(row, "ends_at")? });
        row.as_ref().map(read).transpose()
    }

    /// Uses a state up and hands out its sealed verifier: to one caller only, however many come at once.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn use_state(&self, state: &Digest, session: &Digest, now: OffsetDateTime) -> Result<Option<String>, Error> {
        let query = sqlx::query("DELETE FROM oauth_states WHERE state = $1 AND session = $2 AND ends_at > $3 RETURNING verifier")
            .bind(state.0.clone())
            .bind(session.0.clone())
            .bind(epoch_ms(now));
        self.execute_returning(query).await?.as_ref().map(|row| column(row, "verifier")).transpose()
    }
}

async fn open(
    db: &mut AnyConnection,
    link: Digest,
    held: Option<Digest>,
    new: NewSession,
    now: OffsetDateTime,
) -> Result<OpenedLink, Error> {
    forget_ended(db, now).await?;
    let query = sqlx::query("SELECT business, ends_at, spent_by FROM oauth_links WHERE link = $1").bind(&link.0);
    let Some(row) = query.fetch_optional(&mut *db).await? else { return Ok(OpenedLink::Unknown) };
    let ends_at = instant(&row, "ends_at")?;
    if ends_at <= now {
        return Ok(OpenedLink::Ended);
    }
    let spent_by = column::<Option<String>>(&row, "spent_by")?.map(Digest);
    if let Some(spent_by) = spent_by {
        if held.as_ref() != Some(&spent_by) || !replace(db, spent_by, new.clone()).await? {
            return Ok(OpenedLink::Spent);
        }
        let query = sqlx::query("SELECT session, link, business, csrf, ends_at FROM oauth_sessions WHERE session = $1");
        let row = query.bind(&new.session.0).fetch_one(db).await?;
        return read_session(&row).map(OpenedLink::Session);
    }
    let business = named(&row, "business", Slug::parse)?;
    let session = SessionRow { session: new.session, link, business, csrf: new.csrf, ends_at: ends_at.min(now + SESSION) };
    insert(db, &session).await?;
    Ok(OpenedLink::Session(session))
}

async fn insert(db: &mut AnyConnection, session: &SessionRow) -> Result<(), Error> {
    let trim = sqlx::query(
        "DELETE FROM oauth_sessions WHERE link = $1 AND session NOT IN \
         (SELECT session FROM oauth_sessions WHERE link = $1 ORDER BY ends_at DESC, session LIMIT $2)",
    );
    trim.bind(&session.link.0).bind(MAX_OF_ONE_LINK - 1).execute(&mut *db).await?;
    let orphans = "DELETE FROM oauth_states WHERE session NOT IN (SELECT session FROM oauth_sessions)";
    sqlx::query(orphans).execute(&mut *db).await?;
    let keep = sqlx::query("INSERT INTO oauth_sessions (session, link, business, csrf, ends_at) VALUES ($1, $2, $3, $4, $5)");
    let keep = keep.bind(&session.session.0).bind(&session.link.0).bind(session.business.as_str());
    keep.bind(&session.csrf.0).bind(epoch_ms(session.ends_at)).execute(db).await?;
    Ok(())
}

async fn replace(db: &mut AnyConnection, old: Digest, new: NewSession) -> Result<bool, Error> {
    let rename = sqlx::query("UPDATE oauth_sessions SET session = $2, csrf = $3 WHERE session = $1");
    let renamed = rename.bind(&old.0).bind(&new.session.0).bind(&new.csrf.0).execute(&mut *db).await?;
    if renamed.rows_affected() == 0 {
        return Ok(false);
    }
    let inherit = sqlx::query("UPDATE oauth_links SET spent_by = $2 WHERE spent_by = $1");
    inherit.bind(&old.0).bind(&new.session.0).execute(&mut *db).await?;
    sqlx::query("DELETE FROM oauth_states WHERE session = $1").bind(&old.0).execute(db).await?;
    Ok(true)
}

async fn forget_ended(db: &mut AnyConnection, now: OffsetDateTime) -> Result<(), Error> {
    for (statement, before) in [
        ("DELETE FROM oauth_states WHERE ends_at <= $1", now),
        ("DELETE FROM oauth_sessions WHERE ends_at <= $1", now),
        ("DELETE FROM oauth_links WHERE ends_at <= $1", now - KEEP_ENDED_LINKS),
    ] {
        sqlx::query(statement).bind(epoch_ms(before)).execute(&mut *db).await?;
    }
    Ok(())
}

fn read_session(row: &AnyRow) -> Result<SessionRow, Error> {
    Ok(SessionRow {
        session: Digest::read(row, "session")?,
        link: Digest::read(row, "link")?,
        business: named(row, "business", Slug::parse)?,
        csrf: Digest::read(row, "csrf")?,
        ends_at: instant(row, "ends_at")?,
    })
}
