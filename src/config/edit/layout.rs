//! Where things stand in the text: in which order headers are written, to which of them the lines between two belong, and
//! how rows and keys come and go without taking the comments of others with them.
//!
//! The lines between the last key of a table and the next header are kept with that header, also those that show the
//! table's own options as comments. So whoever comes between the two has to share them out.

use toml_edit::{ArrayOfTables, DocumentMut, Item, Key, Table};

use super::place::{Path, Place, below, header_mut, place_of, rows, table_mut};

/// Puts `new` as row `at` of the array `key`, after a blank line. `anchor` names the arrays it should follow when it is the
/// first of its kind.
pub(super) fn insert_row(
    document: &mut DocumentMut,
    parent: &Path,
    key: &str,
    at: usize,
    mut new: Table,
    anchor: &str,
) {
    let is_at_root = parent.is_empty();
    let after = document.get(key).or_else(|| document.get(anchor)).map(last_position).unwrap_or_else(|| last(document));
    let Some(table) = table_mut(document.as_table_mut(), parent) else { return };
    if is_at_root {
        // Sub-tables of the row before belong to it only as long as no other header of the array comes between.
        new.set_position(after);
    }
    match table.get_mut(key) {
        Some(Item::ArrayOfTables(rows)) => rows.insert(at.min(rows.len()), new),
        Some(Item::Value(value)) => {
            let Some(array) = value.as_array_mut() else { return };
            let mut inline = new.into_inline_table();
            inline.decor_mut().set_prefix(if array.is_empty() { "" } else { " " });
            array.insert_formatted(at.min(array.len()), inline.into());
            return;
        }
        _ => {
            let mut rows = ArrayOfTables::new();
            rows.push(new);
            table.insert(key, Item::ArrayOfTables(rows));
        }
    }
    settle(document, &below(parent, key, at));
}

/// Takes row `at` out of the array `key`. The lines right above its header go with it, unless they introduce the whole array
/// (`introduces`): the first row's do, at the root.
pub(super) fn remove_row(document: &mut DocumentMut, parent: &Path, key: &str, at: usize) {
    let place = below(parent, key, at);
    let headers = headers(document);
    let is_leaving = |header: &&Header| header.place.starts_with(&place);
    for (index, header) in headers.iter().enumerate().filter(|(_, header)| is_leaving(header)) {
        let kept = match () {
            () if header.place == place => leave(document, &headers, index, parent.is_empty() && at == 0),
            // What stands above a table below the row is the row's, but for the end of somebody else's table.
            () if headers[..index].last().is_some_and(|before| !is_leaving(&before)) => {
                share(&lines_before(document, Some(&header.place)), false, true).0.to_string()
            }
            () => continue,
        };
        let next = headers[index..].iter().find(|header| !is_leaving(header)).map(|header| header.place.clone());
        give(document, next.as_deref(), kept, true);
    }
    let Some(table) = table_mut(document.as_table_mut(), parent) else { return };
    match table.get_mut(key) {
        Some(Item::ArrayOfTables(rows)) if at < rows.len() => drop(rows.remove(at)),
        Some(Item::Value(value)) => {
            let Some(array) = value.as_array_mut().filter(|array| at < array.len()) else { return };
            drop(array.remove(at));
        }
        _ => return,
    }
    if rows(table, key) == 0 {
        table.remove(key);
    }
    trim_start(document);
}

/// Makes a table with a header for `key` below `parent`, at the end.
pub(super) fn insert_table(document: &mut DocumentMut, parent: &Path, key: &str) {
    let end = last(document);
    let Some(table) = table_mut(document.as_table_mut(), parent) else { return };
    let mut new = Table::new();
    if parent.is_empty() {
        new.set_position(end);
    }
    table.insert(key, Item::Table(new));
    settle(document, &place_of(parent, key));
}

/// A header that is written.
pub(super) struct Header {
    position: isize,
    pub(super) place: Place,
    has_keys: bool,
}

/// All headers in the order in which they are written, the root first.
pub(super) fn headers(document: &DocumentMut) -> Vec<Header> {
    let mut found = Vec::new();
    collect(document.as_table(), &mut Vec::new(), &mut 0, &mut found);
    // As toml_edit writes them: by position, those of one position as they stand in the tree.
    found.sort_by_key(|header| (!header.place.is_empty(), header.position));
    found
}

fn collect(table: &Table, place: &mut Place, last: &mut isize, found: &mut Vec<Header>) {
    let has_keys = !table.get_values().is_empty();
    *last = if table.is_dotted() { *last } else { table.position().unwrap_or(*last) };
    let is_written = place.is_empty() || !(table.is_dotted() || (table.is_implicit() && !has_keys));
    if is_written {
        found.push(Header { position: *last, place: place.clone(), has_keys });
    }
    for (key, item) in table {
        let mut enter = |table: &Table, at: Option<usize>| {
            place.push((key.to_string(), at));
            collect(table, place, last, found);
            place.pop();
        };
        match item {
            Item::Table(table) => enter(table, None),
            Item::ArrayOfTables(rows) => rows.iter().enumerate().for_each(|(at, row)| enter(row, Some(at))),
            _ => {}
        }
    }
}

/// The last position of all headers below `item`.
fn last_position(item: &Item) -> Option<isize> {
    let of = |table: &Table| {
        let inner = table.iter().filter_map(|(_, item)| last_position(item));
        inner.chain(table.position()).max()
    };
    match item {
        Item::Table(table) => of(table),
        Item::ArrayOfTables(rows) => rows.iter().filter_map(of).max(),
        _ => None,
    }
}

fn last(document: &DocumentMut) -> Option<isize> {
    headers(document).iter().map(|header| header.position).max()
}

/// Gives a new table its blank line, and the table before it what is its own of the lines that follow.
fn settle(document: &mut DocumentMut, place: &Path) {
    let headers = headers(document);
    let Some(index) = headers.iter().position(|header| header.place == place) else { return };
    let is_first = index == 1 && !headers[0].has_keys;
    let next = headers.get(index + 1).map(|header| header.place.clone());
    let lines = lines_before(document, next.as_deref());
    let (before, rest) = share(&lines, next.is_none(), headers[index - 1].has_keys || is_first);
    let end = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    let blank = if is_first && before.is_empty() { "" } else { "\n" };
    let own = format!("{before}{end}{blank}");
    let glued = next.is_some() && !starts_blank(rest);
    let rest = if glued { format!("\n{rest}") } else { rest.to_string() };
    set_lines_before(document, next.as_deref(), rest);
    set_lines_before(document, Some(place), own);
}

/// Of the lines before a header (or the end): those of the table before it, and the rest. A blank line parts them; where
/// there is none, all are the header's, unless the table before would have nothing at all.
pub(super) fn share(lines: &str, is_end: bool, has_keys: bool) -> (&str, &str) {
    let mut at = 0;
    for line in lines.split_inclusive('\n') {
        if line.trim().is_empty() && line.ends_with('\n') {
            return lines.split_at(at);
        }
        at += line.len();
    }
    if is_end || !has_keys { (lines, "") } else { ("", lines) }
}

fn starts_blank(lines: &str) -> bool {
    lines.split_inclusive('\n').next().is_some_and(|line| line.trim().is_empty())
}

/// The lines before a header that stay when it goes.
fn leave(document: &mut DocumentMut, headers: &[Header], index: usize, introduces: bool) -> String {
    let lines = lines_before(document, Some(&headers[index].place));
    if introduces {
        return lines;
    }
    let has_keys = index > 0 && headers[index - 1].has_keys;
    let mut start = 0;
    let mut end = if has_keys { 0 } else { lines.len() };
    for line in lines.split_inclusive('\n') {
        start += line.len();
        if line.trim().is_empty() {
            end = start;
        }
    }
    lines[..end].to_string()
}

/// Puts lines before those of a header, or before those at the end. `is_apart`: with a blank line between.
fn give(document: &mut DocumentMut, place: Option<&Path>, lines: String, is_apart: bool) {
    if !lines.contains('#') {
        return;
    }
    let own = lines_before(document, place);
    let joined = match is_apart {
        true if starts_blank(&own) => format!("{}\n{own}", lines.trim_end()),
        true => format!("{}\n\n{own}", lines.trim_end()),
        false => format!("{lines}{own}"),
    };
    set_lines_before(document, place, joined);
}

fn lines_before(document: &mut DocumentMut, place: Option<&Path>) -> String {
    let Some(place) = place else { return document.trailing().as_str().unwrap_or_default().to_string() };
    let header = header_mut(document.as_table_mut(), place);
    // A header that was never given any gets a blank line when it is written.
    header
        .map_or("\n", |table| table.decor().prefix().map_or(Some("\n"), |raw| raw.as_str()).unwrap_or("\n"))
        .to_string()
}

fn set_lines_before(document: &mut DocumentMut, place: Option<&Path>, lines: String) {
    match place {
        None => document.set_trailing(lines),
        Some(place) => {
            if let Some(table) = header_mut(document.as_table_mut(), place) {
                table.decor_mut().set_prefix(lines);
            }
        }
    }
}

/// A text does not begin with a blank line because its first table went.
fn trim_start(document: &mut DocumentMut) {
    let headers = headers(document);
    let first = headers.get(1).filter(|_| !headers[0].has_keys).map(|header| header.place.clone());
    if let Some(place) = first {
        let lines = lines_before(document, Some(&place));
        set_lines_before(document, Some(&place), lines.trim_start_matches('\n').to_string());
    }
}

/// Puts a new key into a table: below the comment that shows its default (`# key = …`) where there is one, else at the end.
pub(super) fn insert_key(document: &mut DocumentMut, place: &Path, key: &str, item: Item) {
    let Some(header) = header_mut(document.as_table_mut(), place) else {
        if let Some(table) = table_mut(document.as_table_mut(), place) {
            table.insert(key, item);
        }
        return;
    };
    if insert_below_own_comment(header, key, &item) {
        return;
    }
    let headers = headers(document);
    let index = headers.iter().position(|header| header.place == place);
    let next = index.and_then(|index| headers.get(index + 1)).map(|header| header.place.clone());
    let lines = lines_before(document, next.as_deref());
    // Before the first header all is the root's, except what shows other tables.
    let share_end =
        if place.is_empty() { lines.find("# [").unwrap_or(lines.len()) } else { share(&lines, true, true).0.len() };
    let mut new = Key::new(key);
    if let Some(end) = index.and_then(|_| documented(&lines[..share_end], key)) {
        new.leaf_decor_mut().set_prefix(&lines[..end]);
        set_lines_before(document, next.as_deref(), lines[end..].to_string());
    }
    if let Some(header) = header_mut(document.as_table_mut(), place) {
        header.insert_formatted(&new, item);
    }
}

/// The same where the comment stands above another key of the table.
fn insert_below_own_comment(header: &mut Table, key: &str, item: &Item) -> bool {
    let keys: Vec<String> = header.iter().map(|(key, _)| key.to_string()).collect();
    let found = keys.iter().enumerate().find_map(|(at, other)| {
        let lines = header.key(other)?.leaf_decor().prefix()?.as_str()?;
        let end = documented(lines, key).filter(|_| header.get(other).is_some_and(Item::is_value))?;
        Some((at, lines[..end].to_string(), lines[end..].to_string()))
    });
    let Some((at, above, rest)) = found else { return false };
    let mut later: Vec<(Key, Item)> = keys[at..].iter().filter_map(|key| header.remove_entry(key)).collect();
    if let Some((first, _)) = later.first_mut() {
        first.leaf_decor_mut().set_prefix(rest);
    }
    let mut new = Key::new(key);
    new.leaf_decor_mut().set_prefix(above);
    header.insert_formatted(&new, item.clone());
    later.into_iter().for_each(|(key, item)| drop(header.insert_formatted(&key, item)));
    true
}

/// Where the line `# key = …` ends.
fn documented(lines: &str, key: &str) -> Option<usize> {
    let mut at = 0;
    for line in lines.split_inclusive('\n') {
        at += line.len();
        let shown = line.trim_start().strip_prefix('#').map(str::trim_start);
        let rest = shown.and_then(|shown| shown.strip_prefix(key));
        if line.ends_with('\n') && rest.is_some_and(|rest| rest.trim_start().starts_with('=')) {
            return Some(at);
        }
    }
    None
}

/// Takes a key out. The lines above it stay where they are.
pub(super) fn remove_key(document: &mut DocumentMut, place: &Path, key: &str) {
    let Some(header) = header_mut(document.as_table_mut(), place) else {
        if let Some(table) = table_mut(document.as_table_mut(), place) {
            table.remove(key);
        }
        return;
    };
    let next = header.iter().skip_while(|(other, _)| *other != key).skip(1).find(|(_, item)| item.is_value());
    let next = next.map(|(next, _)| next.to_string());
    let Some((removed, _)) = header.remove_entry(key) else { return };
    let lines = removed.leaf_decor().prefix().and_then(|raw| raw.as_str()).unwrap_or_default().to_string();
    if !lines.contains('#') {
        return;
    }
    if let Some(mut next) = next.as_deref().and_then(|next| header.key_mut(next)) {
        let own = next.leaf_decor().prefix().and_then(|raw| raw.as_str()).unwrap_or_default();
        let joined = format!("{lines}{own}");
        next.leaf_decor_mut().set_prefix(joined);
        return;
    }
    let headers = headers(document);
    // The root may have lost its last key, but it stands first all the same.
    let index = headers.iter().position(|header| header.place == place);
    let following = index.and_then(|index| headers.get(index + 1)).map(|header| header.place.clone());
    if index.is_some() {
        give(document, following.as_deref(), lines, false);
    }
}
