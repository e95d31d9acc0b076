//! The style sheet, as served and as written into pages that must stand alone.

use std::sync::LazyLock;

/// What every page uses. The portal's pages carry it inside, so it stays small.
const STYLE: &str = include_str!("../style.css");
const DASHBOARD: &str = include_str!("../dashboard.css");
const EXIT: &str = include_str!("../exit.js");
const TELL: &str = include_str!("../tell.js");

static SERVED: LazyLock<String> = LazyLock::new(|| minified(&format!("{STYLE}{DASHBOARD}")));
static INLINE: LazyLock<String> = LazyLock::new(|| minified(STYLE));
static EXIT_INLINE: LazyLock<String> = LazyLock::new(|| EXIT.lines().map(str::trim_start).collect());
static TELL_INLINE: LazyLock<String> = LazyLock::new(|| TELL.lines().map(str::trim_start).collect());

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

/// The script that puts a draft together and sends nothing.
pub fn tell_script() -> &'static str {
    &TELL_INLINE
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

    #[test]
    fn every_colour_can_be_read_on_what_it_stands_on() {
        let (light, rest) = STYLE.split_once("@media").unwrap();
        let dark = rest.split_once("*, *::before").unwrap().0;
        let text = [
            "ink paper",
            "ink surface",
            "ink sunken",
            "muted paper",
            "muted surface",
            "muted sunken",
            "leaf paper",
            "leaf surface",
            "leaf sunken",
            "on-leaf leaf",
            "on-leaf leaf-strong",
            "leaf-strong leaf-soft",
            "sun-ink sun-soft",
            "clay-ink clay-soft",
            "clay-ink surface",
            "sky-ink sky-soft",
        ];
        let edges = ["edge surface", "edge paper", "edge sunken", "focus paper", "focus surface"];
        for scheme in [light, dark] {
            // WCAG 2.2, 1.4.3 and 1.4.11.
            for (pair, least) in text.map(|pair| (pair, 4.5)).into_iter().chain(edges.map(|pair| (pair, 3.0))) {
                let (front, back) = pair.split_once(' ').unwrap();
                let found = contrast(luminance(scheme, front), luminance(scheme, back));
                assert!(found >= least, "{pair}: {found:.2}");
            }
        }
    }

    fn contrast(one: f64, other: f64) -> f64 {
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    fn luminance(scheme: &str, token: &str) -> f64 {
        let colour = scheme.split_once(&format!("--{token}: #")).unwrap().1;
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4)
    }
}
