//! Pictures of numbers and of hours as SVG, made here so that no script is needed: bars, and the hours of a week. Only classes
//! and presentation attributes, which the content security policy allows. Each has a title and a description; whoever shows
//! one puts a table beside it.

use std::fmt::Write;
use std::ops::Range;

/// One bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// What it is of, in a word.
    pub label: String,
    /// How high.
    pub value: u32,
}

/// One day of a week: its name and the minutes from midnight that are filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// In two or three letters.
    pub label: String,
    /// In order.
    pub spans: Vec<Range<u16>>,
}

/// What a picture is called and says, for who does not see it. The id is unique on its page.
#[derive(Debug, Clone, Copy)]
pub struct Caption<'a> {
    /// For the references inside.
    pub id: &'a str,
    /// In a few words.
    pub title: &'a str,
    /// In a sentence.
    pub text: &'a str,
}

/// Standing bars from left to right. No bars, no picture.
pub fn bars(caption: &Caption<'_>, bars: &[Bar]) -> String {
    let Some(highest) = bars.iter().map(|bar| bar.value).max() else { return String::new() };
    let mut svg = opened(caption, 320, 140);
    let width = PLOT_WIDTH / bars.len() as f64;
    for (position, bar) in bars.iter().enumerate() {
        let height = if highest == 0 { 0.0 } else { f64::from(bar.value) / f64::from(highest) * BARS_HEIGHT };
        let (x, y) = (PLOT_LEFT + width * position as f64, BARS_BOTTOM - height);
        // Writing into a string does not fail.
        let _ = write!(
            svg,
            "<rect class=\"bar\" x=\"{:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{height:.1}\" rx=\"2\"/>",
            x + width * 0.1,
            width * 0.8,
        );
    }
    let _ =
        write!(svg, "<line class=\"axis\" x1=\"{PLOT_LEFT}\" y1=\"{BARS_BOTTOM}\" x2=\"310\" y2=\"{BARS_BOTTOM}\"/>");
    let _ = write!(svg, "<text x=\"{}\" y=\"20\" text-anchor=\"end\">{highest}</text>", PLOT_LEFT - 6.0);
    let _ = write!(svg, "<text x=\"{}\" y=\"{BARS_BOTTOM}\" text-anchor=\"end\">0</text>", PLOT_LEFT - 6.0);
    for position in labelled(bars.len()) {
        let x = PLOT_LEFT + width * (position as f64 + 0.5);
        let label = bars.get(position).map_or("", |bar| &bar.label);
        let _ = write!(svg, "<text x=\"{x:.1}\" y=\"134\" text-anchor=\"middle\">{}</text>", escaped(label));
    }
    svg.push_str("</svg>");
    svg
}

/// A bar with the ends of the interval in which its number lies.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimated {
    /// What it is of, in a word.
    pub label: String,
    /// How high.
    pub value: f64,
    /// Half the width of the interval.
    pub error: f64,
    /// Cannot be told from nothing: drawn as a frame.
    pub is_noise: bool,
}

/// Standing bars with their errors. Nothing is drawn below zero. No bars, no picture.
pub fn estimates(caption: &Caption<'_>, bars: &[Estimated]) -> String {
    if bars.is_empty() {
        return String::new();
    }
    let highest = bars.iter().map(|bar| bar.value + bar.error).fold(1.0, f64::max);
    let height_of = |value: f64| (value.max(0.0) / highest * BARS_HEIGHT).clamp(0.0, BARS_HEIGHT);
    let mut svg = opened(caption, 320, 140);
    let width = PLOT_WIDTH / bars.len() as f64;
    for (position, bar) in bars.iter().enumerate() {
        let (x, height) = (PLOT_LEFT + width * position as f64, height_of(bar.value));
        let look = if bar.is_noise { "fill=\"none\" stroke=\"currentColor\"" } else { "class=\"bar\"" };
        // Writing into a string does not fail.
        let _ = write!(
            svg,
            "<rect {look} x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\" rx=\"2\"/>",
            x + width * 0.2,
            BARS_BOTTOM - height,
            width * 0.6,
        );
        let middle = x + width * 0.5;
        let (low, high) = (height_of(bar.value - bar.error), height_of(bar.value + bar.error));
        let (low, high) = (BARS_BOTTOM - low, BARS_BOTTOM - high);
        let (left, right) = (middle - width * 0.1, middle + width * 0.1);
        let _ = write!(
            svg,
            "<path fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.5\" d=\"M{middle:.1} {low:.1}V{high:.1}\
             M{left:.1} {high:.1}H{right:.1}M{left:.1} {low:.1}H{right:.1}\"/>",
        );
        let _ = write!(svg, "<text x=\"{middle:.1}\" y=\"134\" text-anchor=\"middle\">{}</text>", escaped(&bar.label));
    }
    let _ =
        write!(svg, "<line class=\"axis\" x1=\"{PLOT_LEFT}\" y1=\"{BARS_BOTTOM}\" x2=\"310\" y2=\"{BARS_BOTTOM}\"/>");
    let _ = write!(svg, "<text x=\"{}\" y=\"20\" text-anchor=\"end\">{highest:.0}</text>", PLOT_LEFT - 6.0);
    let _ = write!(svg, "<text x=\"{}\" y=\"{BARS_BOTTOM}\" text-anchor=\"end\">0</text>", PLOT_LEFT - 6.0);
    svg.push_str("</svg>");
    svg
}

/// Days from top to bottom, hours from left to right.
pub fn week(caption: &Caption<'_>, days: &[Day]) -> String {
    let bottom = WEEK_TOP + ROW_HEIGHT * days.len() as f64;
    let mut svg = opened(caption, 320, bottom as u32 + 4);
    for hour in [0_u16, 6, 12, 18, 24] {
        let x = at_minute(hour * 60);
        let _ = write!(svg, "<text x=\"{x:.1}\" y=\"12\" text-anchor=\"middle\">{hour}</text>");
        let _ = write!(svg, "<line class=\"axis\" x1=\"{x:.1}\" y1=\"{WEEK_TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\"/>");
    }
    for (position, day) in days.iter().enumerate() {
        let top = WEEK_TOP + ROW_HEIGHT * position as f64;
        let _ = write!(svg, "<text x=\"4\" y=\"{:.1}\">{}</text>", top + 14.0, escaped(&day.label));
        for span in &day.spans {
            let (from, to) = (at_minute(span.start), at_minute(span.end));
            let _ = write!(
                svg,
                "<rect class=\"bar\" x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"2\"/>",
                top + 3.0,
                (to - from).max(1.0),
                ROW_HEIGHT - 6.0,
            );
        }
    }
    svg.push_str("</svg>");
    svg
}

/// A square of squares that a phone's camera reads: `true` is dark.
pub fn squares(caption: &Caption<'_>, side: usize, is_dark: impl Fn(usize, usize) -> bool) -> String {
    // Four light squares round it (ISO/IEC 18004 §9.1).
    let whole = side + 8;
    let mut path = String::new();
    for y in 0..side {
        for x in (0..side).filter(|x| is_dark(*x, y)) {
            let _ = write!(path, "M{} {}h1v1h-1z", x + 4, y + 4);
        }
    }
    let mut svg = opened(caption, whole as u32, whole as u32).replace("class=\"chart\"", "class=\"code\"");
    let _ = write!(
        svg,
        "<rect width=\"{whole}\" height=\"{whole}\" fill=\"#fff\"/><path d=\"{path}\" fill=\"#000\"/></svg>"
    );
    svg
}

/// Where a plot begins, right of the numbers; how wide it is in a picture of 320.
const PLOT_LEFT: f64 = 40.0;
const PLOT_WIDTH: f64 = 270.0;
const BARS_BOTTOM: f64 = 118.0;
const BARS_HEIGHT: f64 = 104.0;
const WEEK_TOP: f64 = 18.0;
const ROW_HEIGHT: f64 = 20.0;

fn at_minute(minute: u16) -> f64 {
    PLOT_LEFT + f64::from(minute) / 1440.0 * PLOT_WIDTH
}

/// The bars under which a label has room: all of a few, else the ends and the middle.
fn labelled(count: usize) -> Vec<usize> {
    if count <= 5 { (0..count).collect() } else { vec![0, count / 2, count - 1] }
}

fn opened(caption: &Caption<'_>, width: u32, height: u32) -> String {
    let Caption { id, title, text } = caption;
    format!(
        "<svg class=\"chart\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\
         <title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>",
        escaped(title),
        escaped(text),
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPTION: Caption<'static> = Caption { id: "one", title: "A <b>", text: "says & all" };

    fn attributes<'s>(svg: &'s str, name: &str) -> Vec<&'s str> {
        let start = format!(" {name}=\"");
        svg.split(&start).skip(1).filter_map(|rest| rest.split('"').next()).collect()
    }

    #[test]
    fn the_highest_bar_fills_the_picture_and_half_is_half() {
        let bar = |label: &str, value| Bar { label: label.to_string(), value };
        let svg = bars(&CAPTION, &[bar("Mon", 4), bar("Tue", 8), bar("Wed", 0)]);
        assert_eq!(attributes(&svg, "height"), ["52.0", "104.0", "0.0"]);
        assert!(svg.contains(">Mon</text>") && svg.contains(">8</text>"));
        assert_eq!(bars(&CAPTION, &[]), "");
        assert!(!bars(&CAPTION, &[bar("Mon", 0)]).contains("NaN"));
    }

    #[test]
    fn an_error_is_drawn_to_its_ends_and_noise_is_a_frame() {
        let bar = |value, error, is_noise| Estimated { label: "x".into(), value, error, is_noise };
        let svg = estimates(&CAPTION, &[bar(60.0, 40.0, false), bar(-10.0, 30.0, true)]);
        // The first reaches 100, the whole height; its lower end is 20, a fifth.
        assert!(svg.contains("97.2V14.0") && svg.contains("118.0V97.2"), "{svg}");
        assert_eq!(attributes(&svg, "height"), ["62.4", "0.0"]);
        assert_eq!(svg.matches("class=\"bar\"").count(), 1);
        assert_eq!(estimates(&CAPTION, &[]), "");
    }

    #[test]
    fn many_bars_have_three_labels() {
        let many: Vec<Bar> = (0..30).map(|day| Bar { label: format!("d{day}"), value: day }).collect();
        let svg = bars(&CAPTION, &many);
        assert!(["d0", "d15", "d29"].iter().all(|label| svg.contains(&format!(">{label}</text>"))));
        assert!(!svg.contains(">d1</text>"));
    }

    #[test]
    fn a_week_shows_both_sides_of_midnight() {
        let days =
            [Day { label: "T2".into(), spans: vec![0..360, 1260..1440] }, Day { label: "T3".into(), spans: vec![] }];
        let svg = week(&CAPTION, &days);
        assert_eq!(svg.matches("<rect").count(), 2);
        assert_eq!(attributes(&svg, "width"), ["67.5", "33.8"]);
        assert!(svg.contains(">T3</text>"));
    }

    #[test]
    fn pictures_are_told_and_hold_nothing_the_policy_forbids() {
        let svg = squares(&CAPTION, 2, |x, y| x == y);
        assert!(svg.contains("M4 4h1v1h-1z") && svg.contains("M5 5h1v1h-1z") && !svg.contains("M5 4"));
        for svg in [svg, week(&CAPTION, &[]), bars(&CAPTION, &[Bar { label: "<i>".into(), value: 1 }])] {
            assert!(svg.contains("<title id=\"one-t\">A &lt;b&gt;</title><desc id=\"one-d\">says &amp; all</desc>"));
            assert!(svg.contains("aria-labelledby=\"one-t one-d\"") && svg.ends_with("</svg>"));
            assert!(!svg.contains("style") && !svg.contains("<i>") && !svg.contains("script"));
        }
    }
}
