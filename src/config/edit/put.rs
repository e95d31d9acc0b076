//! Values and rows put into the document so that only what differs is written.

use serde_json::{Map, Value as Json};
use toml_edit::{DocumentMut, Item, Table, TableLike};

use super::array::rearrange;
use super::forms::{Keys, Row, form, json_of, shown, value_of, values};
use super::layout;
use super::place::{self, Place};

/// Makes `key` of the table at `place` hold `wanted`; `None` takes it out.
pub(super) fn put(document: &mut DocumentMut, place: &Place, key: &str, wanted: Option<&Json>) {
    let Some(table) = place::table_mut(document.as_table_mut(), place) else { return };
    match (table.get_mut(key), wanted.and_then(value_of)) {
        (Some(item), Some(_)) if json_of(item).as_ref() == wanted => {}
        (Some(item), Some(value)) => replace(item, value, wanted),
        (None, Some(value)) => layout::insert_key(document, place, key, Item::Value(value)),
        (Some(_), None) => layout::remove_key(document, place, key),
        (None, None) => {}
    }
}

/// The old value's spaces and remarks stay.
fn replace(item: &mut Item, mut value: toml_edit::Value, wanted: Option<&Json>) {
    let texts = wanted
        .and_then(Json::as_array)
        .and_then(|all| all.iter().map(|one| one.as_str().map(str::to_string)).collect::<Option<Vec<String>>>());
    if let (Some(array), Some(texts)) = (item.as_array_mut(), texts) {
        return rearrange(array, &texts);
    }
    if let Some(old) = item.as_value() {
        *value.decor_mut() = old.decor().clone();
    }
    *item = Item::Value(value);
}

/// Makes a row hold what its form says.
pub(super) fn put_row<T: Row>(document: &mut DocumentMut, place: &Place, wanted: &T) {
    let wanted = values(wanted);
    for (key, kind) in T::KEYS {
        let stands = place::table(document.as_table(), place).and_then(|table| table.get(key)).and_then(json_of);
        let value = wanted.get(*key).cloned().unwrap_or_default();
        if stands.as_ref() != Some(&value) {
            put(document, place, key, kind.written(value, stands.is_some()).as_ref());
        }
    }
}

/// A row that is not there yet.
pub(super) fn new_row<T: Row>(wanted: &T) -> Table {
    let wanted = values(wanted);
    let mut table = Table::new();
    for (key, kind) in T::KEYS {
        let written = wanted.get(*key).cloned().and_then(|value| kind.written(value, false));
        if let Some(value) = written.as_ref().and_then(value_of) {
            table.insert(key, Item::Value(value));
        }
    }
    table
}

/// The rows of an array below a table, as forms.
pub(super) fn read_rows<T: Row + Default>(parent: &dyn TableLike, key: &str) -> Vec<T> {
    let one = |at| place::table(parent, &place::row(key, at)).map(form);
    (0..place::rows(parent, key)).filter_map(one).collect()
}

/// Makes the array `key` below `parent` have these rows in this order. A row is the one that stood there with all the same
/// values, else with the same name.
pub(super) fn put_rows<T: Row + Default + PartialEq>(
    document: &mut DocumentMut,
    parent: &Place,
    key: &str,
    wanted: &[T],
) {
    let Some(table) = place::table(document.as_table(), parent) else { return };
    if read_rows::<T>(table, key) == wanted {
        return;
    }
    let old: Vec<Map<String, Json>> = (0..place::rows(table, key))
        .filter_map(|at| Some(shown(place::table(table, &place::row(key, at))?, T::KEYS)))
        .collect();
    let mut picks = picks(&old, wanted, T::KEYS);
    for at in (0..old.len()).rev().filter(|at| !picks.contains(&Some(*at))).collect::<Vec<_>>() {
        layout::remove_row(document, parent, key, at);
        picks.iter_mut().flatten().filter(|pick| **pick > at).for_each(|pick| *pick -= 1);
    }
    let kept: Vec<usize> = picks.iter().flatten().copied().collect();
    reorder(document, parent, key, &kept);
    for (at, (pick, form)) in picks.iter().zip(wanted).enumerate() {
        match pick {
            Some(_) => put_row(document, &place::below(parent, key, at), form),
            None => layout::insert_row(document, parent, key, at, new_row(form), key),
        }
    }
}

fn picks<T: Row>(old: &[Map<String, Json>], wanted: &[T], keys: Keys) -> Vec<Option<usize>> {
    let mut picks: Vec<Option<usize>> = vec![None; wanted.len()];
    let forms: Vec<Map<String, Json>> = wanted.iter().map(values).collect();
    let equal = |row: &Map<String, Json>, form: &Map<String, Json>, key: &str, kind: super::forms::Kind| {
        row.get(key) == form.get(key).cloned().and_then(|value| kind.written(value, row.contains_key(key))).as_ref()
    };
    let whole = |row: &_, form: &_| keys.iter().all(|(key, kind)| equal(row, form, key, *kind));
    let named = |row: &Map<String, Json>, form: &Map<String, Json>| row.get("name") == form.get("name");
    for alike in [&whole as &dyn Fn(&_, &_) -> bool, &named] {
        for (at, form) in forms.iter().enumerate() {
            let free = |row: &usize| !picks.contains(&Some(*row)) && alike(&old[*row], form);
            picks[at] = picks[at].or_else(|| (0..old.len()).find(free));
        }
    }
    picks
}

/// Puts the rows into this order. Their places in the text are shared out anew, and the lines that end what stands before a
/// place stay there.
fn reorder(document: &mut DocumentMut, parent: &Place, key: &str, order: &[usize]) {
    if order.is_sorted() {
        return;
    }
    let Some(item) = place::table_mut(document.as_table_mut(), parent).and_then(|table| table.get_mut(key)) else {
        return;
    };
    if let Some(rows) = item.as_array_of_tables_mut() {
        let prefix = |table: &Table| table.decor().prefix().and_then(|raw| raw.as_str()).unwrap_or("\n").to_string();
        let ends = |table: &Table| layout::share(&prefix(table), false, true).0.to_string();
        let mut places: Vec<(Option<isize>, String)> = rows.iter().map(|row| (row.position(), ends(row))).collect();
        places.sort_by_key(|(position, _)| *position);
        let tables: Vec<Table> = order.iter().filter_map(|at| rows.get(*at).cloned()).collect();
        rows.clear();
        for (mut table, (position, end)) in tables.into_iter().zip(places) {
            table.set_position(position);
            let lines = prefix(&table);
            table.decor_mut().set_prefix(format!("{end}{}", layout::share(&lines, false, true).1));
            rows.push(table);
        }
    } else if let Some(array) = item.as_array_mut() {
        let values: Vec<_> = order.iter().filter_map(|at| array.get(*at).cloned()).collect();
        for (at, value) in values.into_iter().enumerate() {
            array.replace(at, value);
        }
    }
}
