//! The style sheet, as served and as written into pages that must stand alone.

use std::sync::LazyLock;

/// What every page uses. The portal's pages carry it inside, so it stays small.
const STYLE: &str = include_str!("../style.css");
const DASHBOARD: &str = include_str!("../dashboard.css");
const EXIT: &str = include_str!("../exit.js");

static SERVED: LazyLock<String> = LazyLock::new(|| minified(&format!("{STYLE}{DASHBOARD}")));
static INLINE: LazyLock<String> = LazyLock::new(|| minified(STYLE));
static EXIT_INLINE: LazyLock<String> = LazyLock::new(|| EXIT.lines().map(str::trim_start).collect());

/// `/style.css`: everything.
pub fn served() -> &'static str {
    &SERVED
}

/// For pages that load nothing.
pub fn inline() -> &'static str {
    &INLINE
}

/// The script of the quick exit.
pub fn exit_script() -> &'static str {
    &EXIT_INLINE
}

/// Without the spaces that mean nothing. Our own files hold no comments and no such marks inside strings but one space.
fn minified(css: &str) -> String {
    let mut small = String::with_capacity(css.len());
    for line in css.lines().map(str::trim) {
        small.push_str(line);
        // A selector list that goes on, or a value cut in two, needs its space back.
        if !line.ends_with(['{', '}', ';', ',']) {
            small.push(' ');
        }
    }
    for (long, short) in [(" {", "{"), ("{ ", "{"), ("; ", ";"), (";}", "}"), (" }", "}"), (", ", ","), (": ", ":")] {
        small = small.replace(long, short);
    }
    small
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_and_still_the_same_rules() {
        assert_eq!(minified(".a,\n.b {\n  color: red;\n  margin: 0 1px;\n}\n"), ".a,.b{color:red;margin:0 1px}");
        assert!(inline().len() < 12_000, "{} octets", inline().len());
        assert_eq!(inline().matches('{').count(), inline().matches('}').count());
        for css in [STYLE, DASHBOARD] {
            assert!(!css.contains("/*") && !css.contains("url(") && !css.contains("@import"));
        }
    }
}
