//! Ways into the document: the table that is meant, however it is written.

use toml_edit::{Array, Item, Table, TableLike};

/// A way into the document: keys, each with the row it means where it is an array.
pub(super) type Place = Vec<(String, Option<usize>)>;

/// Part of one.
pub(super) type Path = [(String, Option<usize>)];

/// The place of a row of an array at the root.
pub(super) fn row(key: &str, at: usize) -> Place {
    vec![(key.to_string(), Some(at))]
}

/// The place of a row below another.
pub(super) fn below(place: &Path, key: &str, at: usize) -> Place {
    place.iter().cloned().chain([(key.to_string(), Some(at))]).collect()
}

/// The place of the table `key` below `parent`.
pub(super) fn place_of(parent: &Path, key: &str) -> Place {
    parent.iter().cloned().chain([(key.to_string(), None)]).collect()
}

/// The table at `place`, however it is written.
pub(super) fn table<'d>(root: &'d dyn TableLike, place: &Path) -> Option<&'d dyn TableLike> {
    let Some(((key, at), rest)) = place.split_first() else { return Some(root) };
    let item = root.get(key)?;
    let inner: &dyn TableLike = match (item, at) {
        (Item::ArrayOfTables(rows), Some(at)) => rows.get(*at)?,
        (Item::Value(value), Some(at)) => value.as_array()?.get(*at)?.as_inline_table()?,
        (item, None) => item.as_table_like()?,
        _ => return None,
    };
    table(inner, rest)
}

/// The same, to change.
pub(super) fn table_mut<'d>(root: &'d mut dyn TableLike, place: &Path) -> Option<&'d mut dyn TableLike> {
    let Some(((key, at), rest)) = place.split_first() else { return Some(root) };
    let item = root.get_mut(key)?;
    let inner: &mut dyn TableLike = match (item, at) {
        (Item::ArrayOfTables(rows), Some(at)) => rows.get_mut(*at)?,
        (Item::Value(value), Some(at)) => value.as_array_mut()?.get_mut(*at)?.as_inline_table_mut()?,
        (item, None) => item.as_table_like_mut()?,
        _ => return None,
    };
    table_mut(inner, rest)
}

/// The table at `place` when it has a header of its own.
pub(super) fn header_mut<'d>(root: &'d mut Table, place: &Path) -> Option<&'d mut Table> {
    let Some(((key, at), rest)) = place.split_first() else { return Some(root) };
    let inner = match (root.get_mut(key)?, at) {
        (Item::ArrayOfTables(rows), Some(at)) => rows.get_mut(*at)?,
        (Item::Table(table), None) => table,
        _ => return None,
    };
    header_mut(inner, rest)
}

/// How many rows the array `key` has.
pub(super) fn rows(parent: &dyn TableLike, key: &str) -> usize {
    match parent.get(key) {
        Some(Item::ArrayOfTables(rows)) => rows.len(),
        Some(Item::Value(value)) => value.as_array().map_or(0, Array::len),
        _ => 0,
    }
}
