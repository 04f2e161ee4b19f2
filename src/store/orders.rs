//! What was ordered for a while from the command line: closures, and businesses that take their calls in person. Every copy
//! of the server knows them by heart; a number that rises tells it to look again.

use futures_util::FutureExt;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

use super::row::{column, named};
use super::{Error, Store};
use crate::clock::{epoch_ms, from_epoch_ms};
use crate::names::Slug;

/// Dates on which a business is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closure {
    /// Which business.
    pub business: Slug,
    /// The first date, where the business is.
    pub from: Date,
    /// The last date, inclusive.
    pub to: Date,
    /// Why; may be empty.
    pub reason: String,
}

/// A business whose callers go straight to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Which business.
    pub business: Slug,
    /// When it ends by itself, if it does.
    pub ends_at: Option<OffsetDateTime>,
}

/// Everything that is ordered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// Rises with every change; these are at least as new.
    pub version: i64,
    /// The newest first.
    pub closures: Vec<Closure>,
    /// At most one for each business.
    pub pauses: Vec<Pause>,
}

/// What every copy of the server is to look at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// [`Orders`].
    Orders,
    /// The business files.
    Files,
}

impl Notice {
    fn as_str(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Files => "files",
        }
    }
}

impl Store {
    /// How often this has changed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn version_of(&self, notice: Notice) -> Result<i64, Error> {
        let query = sqlx::query("SELECT version FROM notices WHERE name = $1").bind(notice.as_str());
        column(&query.fetch_one(&self.readers).await?, "version")
    }

    /// Asks every copy of the server to read the business files again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ask_to_reload(&self) -> Result<(), Error> {
        self.write(|db| announce(db, Notice::Files).boxed()).await
    }

    /// Everything that is ordered.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn orders(&self) -> Result<Orders, Error> {
        // First: what changes while the rest is read is read once more.
        let version = self.version_of(Notice::Orders).await?;
        let closures = "SELECT business, from_date, to_date, reason FROM closures ORDER BY created_at DESC, from_date, to_date";
        let closures = sqlx::query(closures).fetch_all(&self.readers).await?;
        let pauses = sqlx::query("SELECT business, ends_at FROM pauses ORDER BY business").fetch_all(&self.readers).await?;
        let closures = closures.iter().map(read_closure).collect::<Result<_, _>>()?;
        Ok(Orders { version, closures, pauses: pauses.iter().map(read_pause).collect::<Result<_, _>>()? })
    }

    /// Closes a business; closures that lie within this one are one with it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_closure(&self, closure: &Closure, now: OffsetDateTime) -> Result<(), Error> {
        let closure = closure.clone();
        self.write(move |db| {
            async move {
                let within = "DELETE FROM closures WHERE business = $1 AND from_date >= $2 AND to_date <= $3";
                let within = sqlx::query(within).bind(closure.business.as_str()).bind(text(closure.from)).bind(text(closure.to));
                within.execute(&mut *db).await?;
                insert_closure(db, &closure, now).await?;
                announce(db, Notice::Orders).await
            }
            .boxed()
        })
        .await
    }

    /// Ends the closures of a business on these dates, and returns them as they were; what they close before and after stays
    /// closed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lift_closures(&self, business: &Slug, from: Date, to: Date, now: OffsetDateTime) -> Result<Vec<Closure>, Error> {
        let business = business.clone();
        self.write(move |db| async move { lift(db, &business, (from, to), now).await }.boxed()).await
    }

    /// Sends a business's callers straight to a person, until then or until it is lifted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_pause(&self, pause: &Pause, now: OffsetDateTime) -> Result<(), Error> {
        let statement = "INSERT INTO pauses (business, ends_at, created_at) VALUES ($1, $2, $3) \
                         ON CONFLICT (business) DO UPDATE SET ends_at = $2, created_at = $3";
        let query =
            sqlx::query(statement).bind(pause.business.as_str().to_owned()).bind(pause.ends_at.map(epoch_ms)).bind(epoch_ms(now));
        self.write(move |db| {
            async move {
                query.execute(&mut *db).await?;
                announce(db, Notice::Orders).await
            }
            .boxed()
        })
        .await
    }

    /// Ends the pause of a business; `false` when there was none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lift_pause(&self, business: &Slug) -> Result<bool, Error> {
        let query = sqlx::query("DELETE FROM pauses WHERE business = $1").bind(business.as_str().to_owned());
        self.write(move |db| {
            async move {
                let lifted = query.execute(&mut *db).await?.rows_affected();
                announce(db, Notice::Orders).await?;
                Ok(lifted == 1)
            }
            .boxed()
        })
        .await
    }
}

async fn announce(db: &mut AnyConnection, notice: Notice) -> Result<(), Error> {
    sqlx::query("UPDATE notices SET version = version + 1 WHERE name = $1").bind(notice.as_str()).execute(db).await?;
    Ok(())
}

async fn lift(
    db: &mut AnyConnection,
    business: &Slug,
    (from, to): (Date, Date),
    now: OffsetDateTime,
) -> Result<Vec<Closure>, Error> {
    let found = "DELETE FROM closures WHERE business = $1 AND from_date <= $3 AND to_date >= $2 \
                 RETURNING business, from_date, to_date, reason";
    let found = sqlx::query(found).bind(business.as_str()).bind(text(from)).bind(text(to)).fetch_all(&mut *db).await?;
    let lifted = found.iter().map(read_closure).collect::<Result<Vec<_>, _>>()?;
    for closure in &lifted {
        let before = from.previous_day().filter(|last| closure.from <= *last).map(|last| (closure.from, last));
        let after = to.next_day().filter(|first| *first <= closure.to).map(|first| (first, closure.to));
        for (from, to) in before.into_iter().chain(after) {
            insert_closure(db, &Closure { from, to, ..closure.clone() }, now).await?;
        }
    }
    announce(db, Notice::Orders).await?;
    Ok(lifted)
}

async fn insert_closure(db: &mut AnyConnection, closure: &Closure, now: OffsetDateTime) -> Result<(), Error> {
    let statement = "INSERT INTO closures (business, from_date, to_date, reason, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    let query = sqlx::query(statement).bind(closure.business.as_str()).bind(text(closure.from)).bind(text(closure.to));
    query.bind(&closure.reason).bind(epoch_ms(now)).execute(db).await?;
    Ok(())
}

/// Texts that sort as the dates do.
fn text(date: Date) -> String {
    date.to_string()
}

fn read_closure(row: &AnyRow) -> Result<Closure, Error> {
    let date = |text: &str| Date::parse(text, format_description!("[year]-[month]-[day]")).ok();
    Ok(Closure {
        business: named(row, "business", Slug::parse)?,
        from: named(row, "from_date", date)?,
        to: named(row, "to_date", date)?,
        reason: column(row, "reason")?,
    })
}

fn read_pause(row: &AnyRow) -> Result<Pause, Error> {
    let ends_at = column::<Option<i64>>(row, "ends_at")?.map(from_epoch_ms);
    Ok(Pause { business: named(row, "business", Slug::parse)?, ends_at })
}
