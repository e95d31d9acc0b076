//! What a change does to the text, and what it never does.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::thread;

use proptest::prelude::*;
use serde_json::json;

use super::*;

mod random;

const MINIMAL: &str = include_str!("../../../config/minimal.toml");
const ISP: &str = include_str!("../../../config/isp.toml");

fn words() -> Vocabulary {
    Vocabulary {
        services: vec!["youtube".into(), "tiktok".into()],
        service_names: Vec::new(),
        catalog: vec!["hagezi-gambling".into(), "hagezi-nsfw".into()],
        formats: vec!["domains", "hosts"],
    }
}

/// A folder with `luytre.toml` in it.
fn home(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("luytre.toml");
    fs::write(&file, text).unwrap();
    (folder, file)
}

fn editor(text: &str) -> Editor {
    let (_folder, file) = home(text);
    Editor::open(&file, None).unwrap()
}

/// The lines that went (`-`) and came (`+`), in order.
fn changes(before: &str, after: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let mut same = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    for at in (0..old.len()).rev() {
        for other in (0..new.len()).rev() {
            same[at][other] = match old[at] == new[other] {
                true => same[at + 1][other + 1] + 1,
                false => same[at + 1][other].max(same[at][other + 1]),
            };
        }
    }
    let (mut at, mut other, mut found) = (0, 0, Vec::new());
    while at < old.len() || other < new.len() {
        if at < old.len() && other < new.len() && old[at] == new[other] {
            (at, other) = (at + 1, other + 1);
        } else if other == new.len() || (at < old.len() && same[at + 1][other] >= same[at][other + 1]) {
            found.push(format!("-{}", old[at]));
            at += 1;
        } else {
            found.push(format!("+{}", new[other]));
            other += 1;
        }
    }
    found
}

fn changed(text: &str, change: impl FnOnce(&mut Editor) -> Result<(), Refusal>) -> Vec<String> {
    let mut editor = editor(text);
    change(&mut editor).unwrap_or_else(|refusal| panic!("{refusal}"));
    editor.check(&words()).unwrap_or_else(|faults| panic!("{faults:#?}\n{}", editor.text()));
    changes(text, &editor.text())
}

fn child(name: &str) -> ProfileForm {
    ProfileForm { name: name.into(), born: Some(2016), ..ProfileForm::default() }
}

#[test]
fn a_profile_comes_after_the_last_and_takes_nobodys_schedule() {
    let added = changed(HOME, |editor| {
        let schedules = vec![ScheduleForm {
            name: "homework".into(),
            from: "17:00".into(),
            to: "18:30".into(),
            block: vec!["youtube".into()],
            ..ScheduleForm::default()
        }];
        editor.add_profile(&ProfileForm { block: vec!["gaming".into()], schedules, ..child(" Bé Ba ") })
    });
    let expected = [
        "+[[profile]]",
        "+name = \"Bé Ba\"",
        "+born = 2016",
        "+block = [\"gaming\"]",
        "+",
        "+[[profile.schedule]]",
        "+name = \"homework\"",
        "+from = \"17:00\"",
        "+to = \"18:30\"",
        "+block = [\"youtube\"]",
        "+",
    ];
    assert_eq!(added, expected);
    let mut editor = editor(HOME);
    editor.add_profile(&child("Ba")).unwrap();
    let text = editor.text();
    assert!(
        text.contains("strip_ech = false\n\n[[profile]]\nname = \"Ba\"\nborn = 2016\n\n# Devices by MAC"),
        "{text}"
    );
    assert_eq!(editor.profiles()[1].schedules.len(), 2);
}

#[test]
fn only_what_differs_is_written() {
    let mut form = editor(HOME).profiles()[1].clone();
    form.safe_search = Some(true);
    form.youtube = None;
    form.block.push("social_network".into());
    form.allow.clear();
    form.schedules[0].to = "07:00".into();
    form.schedules[0].days.clear();
    let expected = [
        "-youtube = \"strict\"",
        "-block = [\"gaming\"]",
        "-allow = [\"education_kids\"]",
        "+block = [\"gaming\", \"social_network\"]",
        "+allow = []",
        "+safe_search = true",
        "-days = [\"sun\", \"mon\", \"tue\", \"wed\", \"thu\"]",
        "-to = \"06:30\"",
        "+to = \"07:00\"",
    ];
    assert_eq!(changed(HOME, |editor| editor.set_profile("mai", &form)), expected);
}

#[test]
fn a_new_name_reaches_devices_and_defaults() {
    let renamed = changed(HOME, |editor| editor.rename_profile("child", "Khách"));
    assert_eq!(renamed, ["-name = \"child\"", "+name = \"Khách\"", "-profile = \"child\"", "+profile = \"Khách\""]);
    let mut form = editor(HOME).profiles()[1].clone();
    form.name = "Mai".into();
    let renamed = changed(HOME, |editor| editor.set_profile("mai", &form));
    assert_eq!(renamed, ["-name = \"mai\"", "+name = \"Mai\"", "-profile = \"mai\"", "+profile = \"Mai\""]);
}

#[test]
fn a_profile_goes_with_what_is_its_own() {
    let refused = editor(HOME).remove_profile("mai", None).unwrap_err();
    assert_eq!(refused.to_string(), "\"mai\" is in use by device 2");
    let refused = editor(HOME).remove_profile("child", None).unwrap_err();
    assert_eq!(refused.to_string(), "\"child\" is in use by the default for unknown devices");
    let gone = changed(HOME, |editor| editor.remove_profile("mai", Some("teen")));
    assert_eq!(gone.first().map(String::as_str), Some("-name = \"mai\""), "{gone:#?}");
    assert!(gone.iter().all(|line| line.starts_with('-') || line == "+profile = \"teen\""), "{gone:#?}");
    assert_eq!(gone.len(), 43, "{gone:#?}");
}

#[test]
fn what_introduces_all_rows_stays_when_the_first_goes() {
    let gone = changed(HOME, |editor| editor.remove_device(&DeviceKey::Address("127.0.0.2".into())));
    let expected =
        ["-[[device]]", "-name = \"the parent's laptop\"", "-profile = \"parent\"", "-address = [\"127.0.0.2\"]"];
    assert_eq!(gone, expected);
    let gone = changed(HOME, |editor| (0..3).try_for_each(|_| editor.remove_device(&DeviceKey::Row(0))));
    assert!(gone.iter().all(|line| line.starts_with('-') && !line.contains('#')), "{gone:#?}");
    let text =
        "[[device]] # x\nname = \"a\"\n\n# B's phone\n[[device]]\nname = \"b\"\n\n# C's\n[[device]]\nname = \"c\"\n";
    let mut editor = editor(text);
    editor.remove_device(&DeviceKey::Row(1)).unwrap();
    assert_eq!(editor.text(), "[[device]] # x\nname = \"a\"\n\n# C's\n[[device]]\nname = \"c\"\n");
}

#[test]
fn a_setting_stands_below_its_comment_and_leaves_no_trace() {
    for (path, value, line) in [
        ("lists.update_every", json!("6h"), "update_every = \"6h\""),
        ("time_zone", json!("Asia/Ho_Chi_Minh"), "time_zone = \"Asia/Ho_Chi_Minh\""),
        ("dns.portal", json!(["192.168.1.2"]), "portal = [\"192.168.1.2\"]"),
        ("dns.block_answer", json!("nxdomain"), "block_answer = \"nxdomain\""),
        ("proxy.lan", json!(["br-lan"]), "lan = [\"br-lan\"]"),
        ("dns.upstream.mode", json!("forward"), "mode = \"forward\""),
        ("web.exit", json!("https://vi.wiktionary.org/"), "exit = \"https://vi.wiktionary.org/\""),
    ] {
        let mut editor = editor(HOME);
        editor.set(path, &value).unwrap();
        let text = editor.text();
        assert_eq!(changes(HOME, &text), [format!("+{line}")]);
        let at = text.find(&format!("\n{line}\n")).unwrap();
        let key = path.rsplit('.').next().unwrap();
        assert!(text[..at].lines().last().unwrap().starts_with(&format!("# {key} = ")), "{path}");
        assert_eq!(editor.settings()[path], value);
        editor.set(path, &serde_json::Value::Null).unwrap();
        assert_eq!(editor.text(), HOME, "{path}");
    }
}

#[test]
fn several_settings_find_their_places_in_any_order() {
    let all =
        [("dns.portal", json!(["::1"])), ("dns.block_answer", json!("portal")), ("lists.update_every", json!("2d"))];
    let mut texts = Vec::new();
    for turn in 0..3 {
        let mut editor = editor(HOME);
        (0..3).for_each(|at| editor.set(all[(at + turn) % 3].0, &all[(at + turn) % 3].1).unwrap());
        editor.check(&words()).unwrap();
        texts.push(editor.text());
        (0..3).for_each(|at| editor.set(all[at].0, &serde_json::Value::Null).unwrap());
        assert_eq!(editor.text(), HOME);
    }
    assert!(texts.iter().all(|text| *text == texts[0]));
}

#[test]
fn keys_behind_a_new_one_stay_in_order() {
    let mut editor = editor(
        "[web]\n# enabled = true\n# Where.\nlisten = [\"[::1]:80\"]\nname = \"a.example\" # us\n# exit\nexit = \"x\"\n",
    );
    editor.set("web.enabled", &json!(false)).unwrap();
    let expected = "[web]\n# enabled = true\nenabled = false\n# Where.\nlisten = [\"[::1]:80\"]\nname = \"a.example\" # us\n# \
                    exit\nexit = \"x\"\n";
    assert_eq!(editor.text(), expected);
}

#[test]
fn schedules_that_change_places_take_their_comments_along() {
    let text = "[[profile]]\nname = \"a\"\n# canary = true\n\n# First.\n[[profile.schedule]]\nname = \"p\" # one\n\n# \
                Second.\n[[profile.schedule]]\nname = \"q\" # two\n";
    let mut editor = editor(text);
    let mut form = editor.profiles()[0].clone();
    form.band = Some("6-9".into());
    form.schedules.reverse();
    editor.set_profile("a", &form).unwrap();
    let turned = "[[profile]]\nname = \"a\"\nband = \"6-9\"\n# canary = true\n\n# Second.\n[[profile.schedule]]\nname = \"q\" # \
                  two\n\n# First.\n[[profile.schedule]]\nname = \"p\" # one\n";
    assert_eq!(editor.text(), turned);
}

#[test]
fn a_table_that_is_missing_is_made() {
    let made = changed(MINIMAL, |editor| {
        editor.set("lists.update_every", &json!("6h"))?;
        editor.set("time_zone", &json!("Asia/Ho_Chi_Minh"))
    });
    assert_eq!(made, ["+time_zone = \"Asia/Ho_Chi_Minh\"", "+", "+[lists]", "+update_every = \"6h\""]);
    assert_eq!(editor(MINIMAL).set("dns.listen", &json!([])), Err(Refusal::Setting("dns.listen".into())));
    let wrong = editor(MINIMAL).set("proxy.enabled", &json!("yes")).unwrap_err();
    assert_eq!(wrong.to_string(), "setting \"proxy.enabled\" takes true or false");
}

#[test]
fn a_table_at_the_end_leaves_the_last_tables_comments_with_it() {
    let mut editor = editor(HOME);
    editor
        .add_calendar(&CalendarForm { name: "holidays".into(), days: vec!["2027-02-05..2027-02-12".into()] })
        .unwrap();
    let new = ["+[[calendar]]", "+name = \"holidays\"", "+days = [\"2027-02-05..2027-02-12\"]", "+"];
    assert_eq!(changes(HOME, &editor.text()), new);
    let text = "[log]\n# level = \"info\"\n# The end.\n";
    let mut small = self::editor(text);
    small.set("time_zone", &json!("UTC")).unwrap();
    small.set("lists.update_every", &json!("6h")).unwrap();
    assert_eq!(
        small.text(),
        "time_zone = \"UTC\"\n[log]\n# level = \"info\"\n# The end.\n\n[lists]\nupdate_every = \"6h\"\n"
    );
}

#[test]
fn a_calendar_is_renamed_and_kept_where_it_is_used() {
    let mut editor = editor(HOME);
    let days = vec!["09-02".to_string()];
    editor.add_calendar(&CalendarForm { name: "off".into(), days: days.clone() }).unwrap();
    let mut form = editor.profiles()[1].clone();
    form.schedules[0].except = vec!["off".into()];
    form.budgets = vec![BudgetForm {
        name: "video".into(),
        of: vec!["youtube".into()],
        limit: "1h".into(),
        ..BudgetForm::default()
    }];
    editor.set_profile("mai", &form).unwrap();
    assert_eq!(
        editor.remove_calendar("off").unwrap_err().to_string(),
        "\"off\" is in use by \"bedtime\" of profile \"mai\""
    );
    editor.set_calendar("off", &CalendarForm { name: "Nghỉ lễ".into(), days }).unwrap();
    form.schedules[0].except = vec!["Nghỉ lễ".into()];
    assert_eq!(editor.profiles()[1], form);
    editor.set_profile("mai", &ProfileForm { schedules: Vec::new(), budgets: Vec::new(), ..form }).unwrap();
    editor.remove_calendar("Nghỉ lễ").unwrap();
    let text = editor.text();
    assert!(changes(HOME, &text).iter().all(|line| line.starts_with('-')), "{text}");
}

#[test]
fn a_device_is_moved_or_made() {
    let moved = changed(HOME, |editor| editor.assign(&DeviceKey::Address("127.0.0.3".into()), "teen"));
    assert_eq!(moved, ["-profile = \"mai\"", "+profile = \"teen\""]);
    let mac = DeviceKey::Mac("AA:BB:CC:00:11:22".into());
    let made = changed(HOME, |editor| editor.assign(&mac, "mai"));
    assert_eq!(made, ["+[[device]]", "+profile = \"mai\"", "+mac = \"AA:BB:CC:00:11:22\"", "+"]);
    let mut editor = editor(HOME);
    editor.assign(&mac, "mai").unwrap();
    editor.assign(&DeviceKey::Mac("aa:bb:cc:00:11:22".into()), "teen").unwrap();
    assert_eq!(editor.devices().len(), 4);
    assert_eq!(editor.devices()[3].profile, "teen");
    assert!(editor.assign(&mac, "nobody").is_err());
    assert!(editor.assign(&DeviceKey::Row(9), "mai").is_err());
    let token = DeviceKey::Token("abcdefghijklmnopqrstuvwxyz".into());
    assert_eq!(editor.remove_device(&token).unwrap_err().to_string(), "there is no device \"that token\"");
}

#[test]
fn names_are_unique_and_nothing_happens_by_halves() {
    let mut editor = editor(HOME);
    assert!(matches!(editor.add_profile(&child("mai")), Err(Refusal::Taken { .. })));
    assert!(matches!(editor.add_profile(&child("  ")), Err(Refusal::Name(_))));
    assert_eq!(editor.add_profile(&ProfileForm { band: Some("6-9".into()), ..child("a") }), Err(Refusal::Age));
    assert_eq!(
        editor.set_profile("mai", &ProfileForm { name: "x".into(), ..ProfileForm::default() }),
        Err(Refusal::Age)
    );
    assert!(matches!(editor.set_profile("nobody", &child("a")), Err(Refusal::Unknown { .. })));
    let mut all = editor.settings();
    all.insert("proxy.enabled".into(), json!("yes"));
    all.insert("dns.block_answer".into(), json!("refused"));
    assert!(editor.set_all(&all).is_err());
    assert!(matches!(editor.remove_profile("mai", Some("nobody")), Err(Refusal::Unknown { .. })));
    assert_eq!(editor.text(), HOME);
}

#[test]
fn putting_what_was_got_changes_nothing() {
    for text in [HOME, MINIMAL, ISP] {
        let mut editor = editor(text);
        put_all_back(&mut editor);
        assert_eq!(editor.text(), text);
        assert_eq!(editor.save(&words()).unwrap(), Saved::Unchanged);
    }
}

fn put_all_back(editor: &mut Editor) {
    for form in editor.profiles() {
        let json = serde_json::to_string(&form).unwrap();
        editor.set_profile(&form.name, &serde_json::from_str(&json).unwrap()).unwrap();
    }
    for (at, form) in editor.devices().iter().enumerate() {
        editor.set_device(&DeviceKey::Row(at), form).unwrap();
    }
    for form in editor.calendars() {
        editor.set_calendar(&form.name, &form).unwrap();
    }
    for form in editor.lists() {
        editor.set_list(&form.name, &form).unwrap();
    }
    editor.set_all(&editor.settings()).unwrap();
}

#[test]
fn forms_take_no_key_they_do_not_know() {
    assert!(serde_json::from_value::<ProfileForm>(json!({"name": "a", "bnad": "6-9"})).is_err());
    assert!(serde_json::from_value::<ProfileForm>(json!({"name": "a", "band": "6-9"})).is_ok());
    let key: DeviceKey = serde_json::from_value(json!({"mac": "aa:bb:cc:dd:ee:ff"})).unwrap();
    assert!(key == DeviceKey::Mac("aa:bb:cc:dd:ee:ff".into()));
    let device = DeviceForm { token: Some("secret".into()), ..DeviceForm::default() };
    assert!(!format!("{device:?}").contains("secret"));
}

#[test]
fn other_ways_of_writing_are_edited_as_they_are() {
    let text = "version = 1\ndns = { listen = [\"127.0.0.1:5353\"], upstream = { servers = [\"127.0.0.1:53\"] } }\n\
                profile = [{ name = \"a\", band = \"6-9\", schedule = [{ name = \"s\", from = \"21:00\", to = \"22:00\", \
                block = [\"gaming\"] }] }, { name = \"b\", born = 2_015 }]\ndefaults.profile = \"a\" # who\n";
    let mut editor = editor(text);
    put_all_back(&mut editor);
    assert_eq!(editor.text(), text);
    editor.rename_profile("a", "c").unwrap();
    editor.add_profile(&child("d")).unwrap();
    editor.set("dns.block_answer", &json!("refused")).unwrap();
    editor.set("dns.upstream.servers", &json!(["127.0.0.2:53"])).unwrap();
    let mut form = editor.profiles()[0].clone();
    let second = ScheduleForm { name: "t".into(), ..form.schedules[0].clone() };
    form.schedules.insert(0, second);
    editor.set_profile("c", &form).unwrap();
    editor.check(&words()).unwrap_or_else(|faults| panic!("{faults:#?}\n{}", editor.text()));
    assert_eq!(editor.profiles()[0], form);
    assert!(editor.text().ends_with("defaults.profile = \"c\" # who\n"), "{}", editor.text());
    editor.remove_profile("b", None).unwrap();
    editor.set_profile("c", &ProfileForm { schedules: Vec::new(), ..form }).unwrap();
    editor.check(&words()).unwrap();
    assert_eq!(editor.profiles().len(), 2);
}

#[test]
fn tables_in_any_order_keep_what_is_theirs() {
    let text = "version = 1\n[[profile]]\nname = \"a\"\nband = \"6-9\"\n[[profile.budget]]\nname = \"x\"\n\
                [[profile.schedule]]\nname = \"p\"\n[log]\n[[profile.schedule]]\nname = \"q\"\n[[device]]\nprofile = \"a\"\n\
                [[profile.budget]]\nname = \"y\"\n[metrics]\n";
    let mut editor = editor(text);
    let old = editor.profiles();
    editor.add_profile(&child("b")).unwrap();
    let mut form = old[0].clone();
    form.schedules.reverse();
    form.budgets.insert(1, BudgetForm { name: "z".into(), ..BudgetForm::default() });
    editor.set_profile("a", &form).unwrap();
    let again = self::editor(&editor.text());
    assert_eq!(again.profiles(), [form, child("b")], "{}", editor.text());
}

#[test]
fn other_editors_habits_are_kept() {
    let text = format!("\u{feff}{}", MINIMAL.replace('\n', "\r\n"));
    let mut editor = editor(&text);
    assert_eq!(editor.text(), text);
    editor.set("dns.block_answer", &json!("refused")).unwrap();
    assert_eq!(changes(&text, &editor.text()), ["+block_answer = \"refused\""]);
    assert_eq!(editor.text().matches('\n').count(), editor.text().matches("\r\n").count());
}

#[test]
fn the_previous_file_is_kept_with_mode_and_owner() {
    let (_folder, file) = home(MINIMAL);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let _ = std::os::unix::fs::chown(&file, Some(1234), Some(1235));
    let before = fs::metadata(&file).unwrap();
    let mut editor = Editor::open(&file, None).unwrap();
    editor.add_profile(&child("Ba")).unwrap();
    assert_eq!(editor.save(&words()).unwrap(), Saved::Written);
    assert_eq!(fs::read_to_string(&file).unwrap(), editor.text());
    assert_eq!(fs::read_to_string(file::previous(&file)).unwrap(), MINIMAL);
    for path in [&file, &file::previous(&file)] {
        let after = fs::metadata(path).unwrap();
        assert_eq!((after.mode(), after.uid(), after.gid()), (before.mode(), before.uid(), before.gid()));
    }
    editor.rename_profile("Ba", "Bốn").unwrap();
    editor.save(&words()).unwrap();
    assert!(fs::read_to_string(file::previous(&file)).unwrap().contains("\"Ba\""));
    editor.restore_previous().unwrap();
    assert!(fs::read_to_string(&file).unwrap().contains("\"Ba\""));
    let names: Vec<_> = fs::read_dir(file.parent().unwrap()).unwrap().map(|one| one.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn faults_write_nothing() {
    let (_folder, file) = home(MINIMAL);
    let mut editor = Editor::open(&file, None).unwrap();
    editor.add_profile(&ProfileForm { band: Some("6-10".into()), name: "a".into(), ..ProfileForm::default() }).unwrap();
    editor.set("dns.block_answer", &json!("nul")).unwrap();
    let EditError::Faults(faults) = editor.save(&words()).unwrap_err() else { panic!("no faults") };
    assert_eq!(faults.len(), 2, "{faults:#?}");
    assert!(faults.iter().all(|fault| fault.line > 1 && fault.file == file.display().to_string()));
    assert_eq!(fs::read_to_string(&file).unwrap(), MINIMAL);
    assert!(!file::previous(&file).exists());
    fs::write(&file, "version = = 1\n").unwrap();
    let Err(EditError::Faults(faults)) = Editor::open(&file, None) else { panic!("no faults") };
    assert_eq!((faults[0].line, faults[0].column), (1, 11));
}

#[test]
fn a_change_by_somebody_else_is_not_written_over() {
    let (_folder, file) = home(MINIMAL);
    let mut editor = Editor::open(&file, None).unwrap();
    editor.add_profile(&child("Ba")).unwrap();
    let theirs = format!("{MINIMAL}# mine\n");
    fs::write(&file, &theirs).unwrap();
    assert!(matches!(editor.save(&words()), Err(EditError::Changed(_))));
    fs::remove_file(&file).unwrap();
    assert!(matches!(editor.save(&words()), Err(EditError::Changed(_))));
    fs::write(&file, MINIMAL).unwrap();
    editor.save(&words()).unwrap();
    fs::write(&file, &theirs).unwrap();
    assert!(matches!(editor.restore_previous(), Err(EditError::Changed(_))));
    assert_eq!(fs::read_to_string(&file).unwrap(), theirs);
}

#[test]
fn of_two_at_once_one_is_told() {
    let (_folder, file) = home(MINIMAL);
    let mut editors: Vec<Editor> = (0..8).map(|_| Editor::open(&file, None).unwrap()).collect();
    let saved: Vec<bool> = thread::scope(|scope| {
        let save = |(at, editor): (usize, &mut Editor)| {
            editor.add_profile(&child(&format!("child {at}"))).unwrap();
            editor.save(&words()).is_ok()
        };
        let threads: Vec<_> = editors.iter_mut().enumerate().map(|one| scope.spawn(move || save(one))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(saved.iter().filter(|saved| **saved).count(), 1);
    let winner = saved.iter().position(|saved| *saved).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), editors[winner].text());
}

#[test]
fn what_a_crash_left_is_cleaned() {
    let (folder, file) = home(MINIMAL);
    for name in [".luytre.toml.new", ".luytre.toml.old"] {
        fs::write(folder.path().join(name), "half a te").unwrap();
    }
    Editor::open(&file, None).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    // A leftover that came since does not stop a write, and a link in its place is not followed.
    let mut editor = Editor::open(&file, None).unwrap();
    let other = folder.path().join("other");
    fs::write(&other, "untouched").unwrap();
    symlink(&other, folder.path().join(".luytre.toml.new")).unwrap();
    symlink(&other, folder.path().join(".luytre.toml.old")).unwrap();
    editor.add_profile(&child("Ba")).unwrap();
    editor.save(&words()).unwrap();
    assert_eq!(fs::read_to_string(&other).unwrap(), "untouched");
    assert!(fs::symlink_metadata(&file).unwrap().is_file());
}

#[test]
fn a_link_stays_and_its_target_is_changed() {
    let (folder, file) = home(MINIMAL);
    let place = folder.path().join("etc");
    fs::create_dir(&place).unwrap();
    let link = place.join("luytre.toml");
    symlink("../luytre.toml", &link).unwrap();
    // Relative files start where the link is, as for the program that reads it.
    fs::copy("config/criteria.toml", place.join("own.toml")).unwrap();
    fs::write(&file, format!("criteria = \"own.toml\"\n{MINIMAL}")).unwrap();
    let mut editor = Editor::open(&link, None).unwrap();
    editor.add_profile(&child("Ba")).unwrap();
    editor.save(&words()).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&file).unwrap(), editor.text());
    assert!(file::previous(&file).exists() && !file::previous(&link).exists());
    symlink("nowhere.toml", place.join("broken.toml")).unwrap();
    assert!(Editor::open(&place.join("broken.toml"), None).is_err());
}

#[test]
fn a_folder_that_is_read_only_is_told() {
    let (folder, file) = home(MINIMAL);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    let error = thread::scope(|scope| {
        let save = || {
            // Root may write everywhere; this thread alone is somebody else.
            let nobody = rustix::process::Uid::from_raw(65_534);
            let _ = rustix::thread::set_thread_res_uid(nobody, nobody, nobody);
            let mut editor = Editor::open(&file, None).unwrap();
            editor.add_profile(&child("Ba")).unwrap();
            editor.save(&words()).unwrap_err()
        };
        scope.spawn(save).join().unwrap()
    });
    assert!(matches!(error, EditError::ReadOnly(_)), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), MINIMAL);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let full = EditError::of(&file, ErrorKind::StorageFull.into());
    assert!(full.to_string().ends_with("cannot be changed: the disk is full"), "{full}");
}

#[test]
fn changes_go_to_the_operators_file_or_to_the_state_folder() {
    let state = Path::new("/var/lib/luytre");
    let own = state.join("luytre.toml");
    let system = Path::new("/etc/luytre/luytre.toml");
    let shipped = Path::new("config/home.toml");
    let to = |in_force, was_named, state| target(in_force, was_named, state).ok();
    assert_eq!(to(Some(system), false, Some(state)).as_deref(), Some(system));
    assert_eq!(to(Some(&own), false, Some(state)), Some(own.clone()));
    assert_eq!(to(Some(Path::new("my.toml")), true, None).as_deref(), Some(Path::new("my.toml")));
    assert_eq!(to(Some(shipped), true, Some(state)).as_deref(), Some(shipped));
    assert_eq!(to(Some(shipped), false, Some(state)), Some(own.clone()));
    assert_eq!(to(None, false, Some(state)), Some(own));
    assert!(matches!(target(Some(shipped), false, None), Err(EditError::NoPlace)));
    assert!(matches!(target(None, false, None), Err(EditError::NoPlace)));
}

#[test]
fn a_file_of_its_own_begins_as_the_text_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let (clone, state) = (folder.path().join("clone/config"), folder.path().join("state"));
    fs::create_dir_all(&clone).unwrap();
    fs::write(clone.join("mine.txt"), "casino.example\n").unwrap();
    let list =
        "[[list]]\nname = \"mine\"\nsource = \"file:mine.txt\"\nformat = \"domains\"\ncategories = [\"gambling\"]\n";
    let shipped = clone.join("home.toml");
    fs::write(&shipped, HOME.replace("[lists]\n", &format!("{list}[lists]\n"))).unwrap();
    let file = target(Some(&shipped), false, Some(&state)).unwrap();
    let mut editor = Editor::open(&file, Some(&shipped)).unwrap();
    assert_eq!(editor.save(&words()).unwrap(), Saved::Unchanged);
    assert!(!file.exists());
    editor.rename_profile("mai", "Mai").unwrap();
    editor.save(&words()).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    assert!(!file::previous(&file).exists());
    let moved = format!("source = \"file:{}\"", clone.join("mine.txt").display());
    assert!(fs::read_to_string(&file).unwrap().contains(&moved));
    editor.restore_previous().unwrap();
    assert!(!file.exists());
    let mut builtin = Editor::open(&file, None).unwrap();
    assert_eq!(builtin.text(), HOME);
    builtin.rename_profile("mai", "Mai").unwrap();
    builtin.save(&words()).unwrap();
    assert!(Config::load(Some(&file), &words()).is_ok());
}
