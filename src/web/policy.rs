//! Changes of the configuration: checked as `luytre check` does, written with comments kept, and in force at once or not at all.

use super::{Trouble, Visitor, Web};
use crate::config::edit::{
    CalendarForm, DeviceForm, DeviceKey, EditError, Editor, ListForm, ProfileForm, Refusal, Settings,
};
use crate::family::{Deed, Scope};
use crate::identity::Mac;

impl Web {
    /// Everybody's rules as they are written.
    pub fn profiles(&self) -> Result<Vec<ProfileForm>, Trouble> {
        Ok(self.editor()?.profiles())
    }

    /// One profile's rules.
    pub fn profile(&self, name: &str) -> Result<ProfileForm, Trouble> {
        self.profiles()?.into_iter().find(|form| form.name == name).ok_or(Trouble::NoSuch("profile"))
    }

    /// Adds a profile.
    pub fn add_profile(&self, visitor: &Visitor, form: &ProfileForm) -> Result<(), Trouble> {
        self.change(visitor, (Deed::Profile, Some(&form.name), "made"), |editor| editor.add_profile(form))?;
        // Whoever had this name before is another child.
        self.ask_again(form.name.trim())
    }

    /// Changes a profile's rules, its name included.
    pub fn set_profile(&self, visitor: &Visitor, name: &str, form: &ProfileForm) -> Result<(), Trouble> {
        self.change(visitor, (Deed::Profile, Some(&form.name), "changed"), |editor| {
            if form.name != name {
                editor.rename_profile(name, &form.name)?;
            }
            editor.set_profile(&form.name, form)
        })?;
        if form.name == name { Ok(()) } else { self.ask_again(name) }
    }

    /// Removes a profile; its devices go to `replacement`.
    pub fn remove_profile(&self, visitor: &Visitor, name: &str, replacement: Option<&str>) -> Result<(), Trouble> {
        self.change(visitor, (Deed::Profile, Some(name), "removed"), |editor| {
            editor.remove_profile(name, replacement)
        })?;
        self.ask_again(name)
    }

    /// Whose device is whose. Tokens are secrets and are left out.
    pub fn devices(&self) -> Result<Vec<DeviceForm>, Trouble> {
        let mut devices = self.editor()?.devices();
        devices.iter_mut().filter_map(|device| device.token.as_mut()).for_each(|token| *token = HIDDEN.to_string());
        Ok(devices)
    }

    /// Adds a device.
    pub fn add_device(&self, visitor: &Visitor, form: &DeviceForm) -> Result<(), Trouble> {
        let profile = form.profile.clone();
        self.change(visitor, (Deed::Device, Some(&profile), "made"), |editor| editor.add_device(form))
    }

    /// Changes the device at that position.
    pub fn set_device(&self, visitor: &Visitor, position: usize, form: &DeviceForm) -> Result<(), Trouble> {
        let mut form = form.clone();
        if form.token.as_deref() == Some(HIDDEN) {
            form.token = self.editor()?.devices().into_iter().nth(position).and_then(|device| device.token);
        }
        let profile = form.profile.clone();
        let key = DeviceKey::Row(position);
        self.change(visitor, (Deed::Device, Some(&profile), "changed"), |editor| editor.set_device(&key, &form))
    }

    /// Removes the device at that position.
    pub fn remove_device(&self, visitor: &Visitor, position: usize) -> Result<(), Trouble> {
        let key = DeviceKey::Row(position);
        self.change(visitor, (Deed::Device, None, "removed"), |editor| editor.remove_device(&key))
    }

    /// Gives a device that was seen (by its MAC address or address) to a profile, under a name for people.
    pub fn assign(&self, visitor: &Visitor, key: &str, profile: &str, name: &str) -> Result<(), Trouble> {
        let gift = Gift { key: key.to_string(), profile: profile.to_string(), name: name.to_string() };
        self.assign_all(visitor, &[gift])
    }

    /// The same for several, all or none.
    pub fn assign_all(&self, visitor: &Visitor, gifts: &[Gift]) -> Result<(), Trouble> {
        let profile = if let [gift] = gifts { Some(gift.profile.as_str()) } else { None };
        self.change(visitor, (Deed::Device, profile, "given"), |editor| {
            gifts.iter().try_for_each(|gift| give(editor, gift))
        })?;
        gifts.iter().try_for_each(|gift| Ok(self.family.know(&gift.key)?))
    }

    /// Named days.
    pub fn calendars(&self) -> Result<Vec<CalendarForm>, Trouble> {
        Ok(self.editor()?.calendars())
    }

    /// Adds named days.
    pub fn add_calendar(&self, visitor: &Visitor, form: &CalendarForm) -> Result<(), Trouble> {
        self.change(visitor, (Deed::Settings, None, "calendar"), |editor| editor.add_calendar(form))
    }

    /// Changes named days.
    pub fn set_calendar(&self, visitor: &Visitor, name: &str, form: &CalendarForm) -> Result<(), Trouble> {
        self.change(visitor, (Deed::Settings, None, "calendar"), |editor| editor.set_calendar(name, form))
    }

    /// Removes named days.
    pub fn remove_calendar(&self, visitor: &Visitor, name: &str) -> Result<(), Trouble> {
        self.change(visitor, (Deed::Settings, None, "calendar"), |editor| editor.remove_calendar(name))
    }

    /// Lists of the configuration.
    pub fn lists(&self) -> Result<Vec<ListForm>, Trouble> {
        Ok(self.editor()?.lists())
    }

    /// Adds a list.
    pub fn add_list(&self, visitor: &Visitor, form: &ListForm) -> Result<(), Trouble> {
        if form.source.starts_with("file:") {
            // Whoever may steer children's rules may not read this machine's files by way of a list.
            return Err(Trouble::Invalid("a list from a file is added in the configuration itself".into()));
        }
        self.change(visitor, (Deed::Settings, None, "list"), |editor| editor.add_list(form))?;
        self.steward.update_lists();
        Ok(())
    }

    /// Removes a list.
    pub fn remove_list(&self, visitor: &Visitor, name: &str) -> Result<(), Trouble> {
        self.change(visitor, (Deed::Settings, None, "list"), |editor| editor.remove_list(name))
    }

    /// Has the lists fetched again.
    pub fn update_lists(&self, visitor: &Visitor) -> Result<(), Trouble> {
        visitor.may(Scope::Policy)?;
        self.steward.update_lists();
        Ok(())
    }

    /// Settings of the household, by their path in the file.
    pub fn settings(&self) -> Result<Settings, Trouble> {
        Ok(self.editor()?.settings())
    }

    /// Changes settings.
    pub fn set_settings(&self, visitor: &Visitor, settings: &Settings) -> Result<(), Trouble> {
        self.change(visitor, (Deed::Settings, None, "settings"), |editor| editor.set_all(settings))
    }

    /// Allows a name of a profile from now on, at a guardian's word.
    pub(super) fn allow_always(&self, visitor: &Visitor, profile: &str, name: &str) -> Result<(), Trouble> {
        self.change(visitor, (Deed::Profile, Some(profile), "one name allowed"), |editor| {
            let form = editor.profiles().into_iter().find(|form| form.name == profile);
            let mut form = form.unwrap_or_default();
            form.block_names.retain(|blocked| blocked != name);
            if !form.allow_names.iter().any(|allowed| allowed == name) {
                form.allow_names.push(name.to_string());
            }
            editor.set_profile(profile, &form)
        })
    }

    fn editor(&self) -> Result<Editor, Trouble> {
        let (target, in_force) = self.steward.files().map_err(Trouble::Conflict)?;
        Editor::open(&target, in_force.as_deref()).map_err(trouble)
    }

    /// One change: written, read again by the whole program, noted. What the program refuses is taken back.
    fn change(
        &self,
        visitor: &Visitor,
        (deed, profile, detail): (Deed, Option<&str>, &str),
        change: impl FnOnce(&mut Editor) -> Result<(), Refusal>,
    ) -> Result<(), Trouble> {
        let by = visitor.may(Scope::Policy)?;
        let _one = self.editing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut editor = self.editor()?;
        change(&mut editor).map_err(refused)?;
        editor.save(&self.steward.vocabulary()).map_err(trouble)?;
        self.steward.use_file(editor.named().to_path_buf());
        if let Err(faults) = self.steward.reload() {
            editor.restore_previous().map_err(trouble)?;
            return Err(Trouble::Faults(faults));
        }
        self.family.changed();
        Ok(self.family.note(by, profile, deed, detail, visitor.now)?)
    }
}

/// A device that was seen, and whose it shall be.
#[derive(Debug, Clone)]
pub struct Gift {
    /// Its MAC address or address.
    pub key: String,
    /// Whose.
    pub profile: String,
    /// For people; empty keeps the one it has.
    pub name: String,
}

fn give(editor: &mut Editor, Gift { key, profile, name }: &Gift) -> Result<(), Refusal> {
    let by = match Mac::parse(key) {
        Some(mac) => DeviceKey::Mac(mac.to_text()),
        None => DeviceKey::Address(key.clone()),
    };
    editor.assign(&by, profile)?;
    let called = |form: &DeviceForm| match &by {
        DeviceKey::Mac(mac) => form.mac.as_deref().and_then(Mac::parse) == Mac::parse(mac),
        _ => form.address.contains(key),
    };
    match editor.devices().into_iter().find(called).filter(|_| !name.trim().is_empty()) {
        Some(form) => editor.set_device(&by, &DeviceForm { name: Some(name.trim().to_string()), ..form }),
        None => Ok(()),
    }
}

/// Stands for a token that is not shown.
pub const HIDDEN: &str = "hidden";

fn refused(refusal: Refusal) -> Trouble {
    match refusal {
        Refusal::Unknown { kind, .. } => Trouble::NoSuch(kind),
        other => Trouble::Invalid(other.to_string()),
    }
}

fn trouble(error: EditError) -> Trouble {
    match error {
        EditError::Faults(faults) => Trouble::Faults(faults),
        EditError::Changed(_) => Trouble::Conflict(error.to_string()),
        other => Trouble::Conflict(other.to_string()),
    }
}
