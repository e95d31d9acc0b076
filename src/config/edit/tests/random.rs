//! Any changes in any order: the text can be read, and what was set is what is read.

use super::*;

/// One change, its numbers taken modulo what there is.
#[derive(Debug, Clone)]
enum Change {
    AddProfile(ProfileForm),
    SetProfile(usize, ProfileForm),
    RemoveProfile(usize, usize),
    Rename(usize, String),
    AddDevice(usize, u8),
    RemoveDevice(usize),
    Assign(usize, usize),
    Turn(usize),
    Setting(usize, bool),
    Calendar(String),
    NoCalendar,
}

const SETTING: [(&str, &str); 4] = [
    ("time_zone", "UTC"),
    ("dns.block_answer", "refused"),
    ("lists.update_every", "6h"),
    ("dns.upstream.mode", "forward"),
];

fn some<T: Clone + std::fmt::Debug>(strategy: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    proptest::option::of(strategy)
}

fn words_of(all: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    proptest::sample::subsequence(all, 0..=all.len())
        .prop_shuffle()
        .prop_map(|words| words.into_iter().map(str::to_string).collect())
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-d]{1,2}", "[ áằữỹ\"'\\\\#=\\[\\]x]{1,8}"]
}

fn schedule() -> impl Strategy<Value = ScheduleForm> {
    let days = words_of(&["mon", "sat", "sun"]);
    (name(), days, words_of(&["gaming", "social_network"]), words_of(&["video_ugc"])).prop_map(
        |(name, days, mut block, allow)| {
            block.push("everything".into());
            let (from, to) = ("21:00".into(), "06:00".into());
            ScheduleForm { name, days, from, to, block, allow, ..ScheduleForm::default() }
        },
    )
}

fn profile() -> impl Strategy<Value = ProfileForm> {
    let lists =
        (words_of(&["gaming", "social_network", "video_ugc", "youtube", "tiktok"]), words_of(&["education_kids"]));
    let names = words_of(&["a.example", "b.example", "c.example"]);
    let schedules = proptest::collection::vec(schedule(), 0..4);
    (name(), some(2000..2024_i16), some(any::<bool>()), lists, names, schedules).prop_map(
        |(name, born, safe_search, (block, allow), block_names, schedules)| ProfileForm {
            name,
            born,
            band: born.is_none().then(|| "6-9".to_string()),
            safe_search,
            block,
            allow,
            block_names,
            schedules,
            ..ProfileForm::default()
        },
    )
}

fn change() -> impl Strategy<Value = Change> {
    let n = 0..8_usize;
    prop_oneof![
        profile().prop_map(Change::AddProfile),
        (n.clone(), profile()).prop_map(|(at, form)| Change::SetProfile(at, form)),
        (n.clone(), n.clone()).prop_map(|(at, other)| Change::RemoveProfile(at, other)),
        (n.clone(), name()).prop_map(|(at, name)| Change::Rename(at, name)),
        (n.clone(), any::<u8>()).prop_map(|(at, number)| Change::AddDevice(at, number)),
        n.clone().prop_map(Change::RemoveDevice),
        (n.clone(), n.clone()).prop_map(|(at, other)| Change::Assign(at, other)),
        n.clone().prop_map(Change::Turn),
        (0..SETTING.len(), any::<bool>()).prop_map(|(at, is_set)| Change::Setting(at, is_set)),
        name().prop_map(Change::Calendar),
        Just(Change::NoCalendar),
    ]
}

/// What the file should say, kept beside it by the simplest means.
struct Model {
    profiles: Vec<ProfileForm>,
    devices: Vec<DeviceForm>,
    strangers: String,
}

impl Model {
    fn of(editor: &Editor) -> Model {
        let strangers = editor.settings()["defaults.profile"].as_str().unwrap().to_string();
        Model { profiles: editor.profiles(), devices: editor.devices(), strangers }
    }

    fn point(&mut self, from: &str, to: &str) {
        let devices = self.devices.iter_mut().map(|device| &mut device.profile);
        devices.chain([&mut self.strangers]).filter(|name| *name == from).for_each(|name| *name = to.to_string());
    }

    fn named(&self, at: usize) -> (usize, String) {
        let at = at % self.profiles.len();
        (at, self.profiles[at].name.clone())
    }
}

/// Makes the change in both.
fn make(editor: &mut Editor, model: &mut Model, change: Change) -> Result<(), Refusal> {
    match change {
        Change::AddProfile(form) => {
            editor.add_profile(&form)?;
            model.profiles.push(ProfileForm { name: names::check(&form.name)?, ..form });
        }
        Change::SetProfile(at, form) => {
            let (at, old) = model.named(at);
            editor.set_profile(&old, &form)?;
            let new = names::check(&form.name)?;
            model.point(&old, &new);
            model.profiles[at] = ProfileForm { name: new, ..form };
        }
        Change::RemoveProfile(at, other) => {
            let ((at, name), (_, other)) = (model.named(at), model.named(other));
            editor.remove_profile(&name, Some(&other))?;
            model.point(&name, &other);
            model.profiles.remove(at);
        }
        Change::Rename(at, new) => {
            let (at, old) = model.named(at);
            editor.rename_profile(&old, &new)?;
            let new = names::check(&new)?;
            model.point(&old, &new);
            model.profiles[at].name = new;
        }
        Change::AddDevice(at, number) => {
            let mac = format!("02:00:00:00:00:{number:02x}");
            let known = model.devices.iter().position(|device| device.mac.as_ref() == Some(&mac));
            let (_, profile) = model.named(at);
            editor.assign(&DeviceKey::Mac(mac.clone()), &profile)?;
            match known {
                Some(at) => model.devices[at].profile = profile,
                None => model.devices.push(DeviceForm { profile, mac: Some(mac), ..DeviceForm::default() }),
            }
        }
        Change::RemoveDevice(at) if at < model.devices.len() => {
            editor.remove_device(&DeviceKey::Row(at))?;
            model.devices.remove(at);
        }
        Change::Assign(at, other) if at < model.devices.len() => {
            let (_, profile) = model.named(other);
            editor.assign(&DeviceKey::Row(at), &profile)?;
            model.devices[at].profile = profile;
        }
        Change::RemoveDevice(_) | Change::Assign(..) => {}
        Change::Turn(at) => {
            let (at, name) = model.named(at);
            model.profiles[at].schedules.reverse();
            model.profiles[at].block.reverse();
            editor.set_profile(&name, &model.profiles[at].clone())?;
        }
        Change::Setting(at, is_set) => {
            let (path, value) = SETTING[at];
            editor.set(path, &if is_set { json!(value) } else { serde_json::Value::Null })?;
        }
        Change::Calendar(name) => editor.add_calendar(&CalendarForm { name, days: vec!["09-02".into()] })?,
        Change::NoCalendar => {
            for form in editor.calendars() {
                editor.remove_calendar(&form.name)?;
            }
        }
    }
    Ok(())
}

fn comments(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).collect();
    lines.sort_unstable();
    lines
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_set_is_read(start in 0..4_usize, changes in proptest::collection::vec(change(), 1..24)) {
        let start = [HOME, MINIMAL, ISP, ODD][start];
        let mut editor = editor(start);
        let mut model = Model::of(&editor);
        for change in changes {
            let before = editor.text();
            if make(&mut editor, &mut model, change).is_err() {
                prop_assert_eq!(&editor.text(), &before);
            }
            let text = editor.text();
            let again = super::editor(&text);
            prop_assert_eq!(&again.profiles(), &model.profiles, "{}", &text);
            prop_assert_eq!(&again.devices(), &model.devices, "{}", &text);
            prop_assert_eq!(&again.settings()["defaults.profile"], &json!(model.strangers));
            prop_assert_eq!(again.text(), text);
        }
        let text = editor.text();
        prop_assert!(editor.check(&words()).is_ok(), "{:#?}\n{}", editor.check(&words()).err(), text);
        let kept = comments(start).into_iter().filter(|line| !of_rows(start).contains(line));
        let left = comments(&text);
        for line in kept {
            prop_assert!(left.contains(&line), "{line} is gone\n{text}");
        }
        for gap in text.split('\n').collect::<Vec<_>>().windows(2) {
            prop_assert!(start == ODD || !gap[1].starts_with('[') || gap[0].is_empty() || gap[0].starts_with('#'), "{gap:?}\n{text}");
        }
    }
}

/// Everything anywhere.
const ODD: &str = r#"# At the top.
version = 1
defaults = { profile = "a" } # strangers

# Above the first.
[[profile]]
name = "a"
band = "6-9"
block = [ # mine
  # Games.
  "gaming", # too much
  "social_network", # for now
  # That is all.
]
# canary = true

[[profile.schedule]]
name = "p"
from = "21:00"
to = "06:00"
block = ["gaming"]
[[device]]
profile = "a"
address = ["192.0.2.1"]

[dns.upstream]
servers = ["udp://192.0.2.1"]
# timeout = "2s"

[[profile.schedule]]
name = "q"
from = "12:00"
to = "13:00"
allow = ["gaming"]

[[profile]]
name = "b"
born = 2_015
[dns]
listen = ["127.0.0.1:5300"]

[[device]]
profile = "b"
address = ["192.0.2.2"]
# The end."#;

/// Comments of a row, that go with it: those between the manual's first schedule and the profile behind it, and one of the odd
/// text.
fn of_rows(start: &str) -> Vec<&str> {
    let rows = start.split_once("[[profile.schedule]]").and_then(|(_, rest)| rest.split_once("\n[[profile]]"));
    let mut of_rows = rows.filter(|_| start == HOME).map_or_else(Vec::new, |(rows, _)| comments(rows));
    of_rows.push("# canary = true");
    of_rows
}
