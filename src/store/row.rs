//! Reading a row: every column by name, every text through the door of its newtype.

use sqlx::any::AnyRow;
use sqlx::{ColumnIndex, Decode, Row, Type};
use time::OffsetDateTime;

use super::Error;
use crate::clock::from_epoch_ms;

/// A column as the database has it.
pub(super) fn column<'r, T>(row: &'r AnyRow, name: &'static str) -> Result<T, Error>
where
    T: Decode<'r, sqlx::Any> + Type<sqlx::Any>,
    &'static str: ColumnIndex<AnyRow>,
{
    Ok(row.try_get(name)?)
}

/// A text column through a fallible door.
pub(super) fn named<T>(row: &AnyRow, name: &'static str, door: impl Fn(&str) -> Option<T>) -> Result<T, Error> {
    door(&column::<String>(row, name)?).ok_or(Error::Unreadable(name))
}

/// A text column that may be null, through a fallible door.
pub(super) fn named_or_null<T>(row: &AnyRow, name: &'static str, door: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Error> {
    column::<Option<String>>(row, name)?.map(|text| door(&text).ok_or(Error::Unreadable(name))).transpose()
}

/// An instant.
pub(super) fn instant(row: &AnyRow, name: &'static str) -> Result<OffsetDateTime, Error> {
    Ok(from_epoch_ms(column(row, name)?))
}

/// A truth value.
pub(super) fn truth(row: &AnyRow, name: &'static str) -> Result<bool, Error> {
    Ok(column::<i64>(row, name)? != 0)
}
