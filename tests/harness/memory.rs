//! Looks for names where they might be left: in the memory of a running process, and in files.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Where a name was found, and some octets around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// A region of memory as `/proc/PID/maps` names it, or a file.
    pub place: String,
    pub at: u64,
    pub around: String,
}

/// Read at once; pieces overlap by more than a name is long.
const PIECE: usize = 1 << 20;
const OVERLAP: usize = 512;

/// Every place in the memory that process may write to which holds `name`, as text, in wire form or as bare labels, in any letter case.
pub fn in_memory(process: u32, name: &str) -> Vec<Trace> {
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let memory = File::open(format!("/proc/{process}/mem")).unwrap();
    let patterns = patterns(name);
    let mut found = Vec::new();
    for line in maps.lines() {
        let mut fields = line.split_whitespace();
        let (range, rights) = (fields.next().unwrap(), fields.next().unwrap());
        if !rights.starts_with("rw") {
            continue;
        }
        let (from, to) = range.split_once('-').unwrap();
        let (from, to) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
        // A thread's stack is an anonymous region of 2 MiB, used from its end.
        let place =
            fields.nth(3).map_or_else(|| format!("anonymous, {} KiB, ends {to:x}", (to - from) >> 10), String::from);
        search(&memory, (from, to), &patterns, &mut |at, around| {
            found.push(Trace { place: place.clone(), at, around });
        });
    }
    found
}

/// Every file below `folder` which holds `name`, in its octets or its own name.
pub fn in_files(folder: &Path, name: &str) -> Vec<Trace> {
    let patterns = patterns(name);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // What is written aside may be in its place by now, and is found there by the next search.
        let Ok(kind) = fs::symlink_metadata(&path).map(|metadata| metadata.file_type()) else { continue };
        let place = path.display().to_string();
        if place.to_ascii_lowercase().contains(&name.to_ascii_lowercase()) {
            found.push(Trace { place: place.clone(), at: 0, around: String::new() });
        }
        if kind.is_dir() {
            found.extend(in_files(&path, name));
        } else if kind.is_file() {
            let Ok(file) = File::open(&path) else { continue };
            let len = file.metadata().unwrap().len();
            search(&file, (0, len), &patterns, &mut |at, around| {
                found.push(Trace { place: place.clone(), at, around });
            });
        }
    }
    found
}

/// Lower-cased: as text, each label behind its length, and as hickory keeps names: labels alone, their ends elsewhere.
fn patterns(name: &str) -> [Vec<u8>; 3] {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let wire = name.split('.').flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat()).collect();
    let labels = name.replace('.', "").into_bytes();
    [name.into_bytes(), wire, labels]
}

fn search(file: &File, (from, to): (u64, u64), patterns: &[Vec<u8>], found: &mut dyn FnMut(u64, String)) {
    let mut piece = vec![0; PIECE];
    let mut at = from;
    while at < to {
        let wanted = PIECE.min((to - at) as usize);
        // Regions such as [vvar] cannot be read, and others may be gone by now.
        let Ok(len) = file.read_at(&mut piece[..wanted], at) else { return };
        if len == 0 {
            return;
        }
        piece[..len].make_ascii_lowercase();
        let is_last = at + len as u64 >= to;
        // What begins in the overlap is found in the next piece.
        let begins = if is_last { len } else { len.saturating_sub(OVERLAP) };
        for pattern in patterns {
            for start in positions(&piece[..len], pattern).into_iter().filter(|start| *start < begins) {
                let around = &piece[start.saturating_sub(24)..len.min(start + pattern.len() + 24)];
                found(at + start as u64, around.escape_ascii().to_string());
            }
        }
        at += if is_last { len } else { begins.max(1) } as u64;
    }
}

fn positions(octets: &[u8], pattern: &[u8]) -> Vec<usize> {
    // The rarest octet is not known; the second is no length, which is often the same.
    let second = pattern[1];
    let candidates = octets.iter().enumerate().skip(1).filter(|(_, octet)| **octet == second).map(|(at, _)| at - 1);
    candidates.filter(|at| octets[*at..].starts_with(pattern)).collect()
}
