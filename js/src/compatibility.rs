//! Which of the names a script finds on the global.

/// From this date on `MessageChannel` and `MessagePort` are on the global.
const EXPOSED_FROM: &str = "2025-08-15";

/// The newest date whose behaviour is known here.
const NEWEST: &str = "2026-09-15";

const EXPOSE: &str = "expose_global_message_channel";
const HIDE: &str = "no_expose_global_message_channel";
const NODE: &str = "nodejs_compat";

/// A compatibility date and flags, as Workers have them: they say whether a script finds
/// `MessageChannel` and `MessagePort` on the global. How these behave does not depend on it.
///
/// # Examples
///
/// ```
/// use message_port_js::Compatibility;
///
/// assert!(Compatibility::default().exposes_message_channel()?);
/// let old = Compatibility::new("2025-08-14", []);
/// assert!(!old.exposes_message_channel()?);
/// let flagged = Compatibility::new("2025-08-14", ["expose_global_message_channel"]);
/// assert!(flagged.exposes_message_channel()?);
/// # Ok::<(), message_port_js::CompatibilityError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Compatibility {
    /// As `2026-09-15`.
    pub date: String,
    /// In whatever order.
    pub flags: Vec<String>,
}

/// The date or the flags make no sense.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompatibilityError {
    /// Two flags ask for the opposite of each other.
    #[error("Compatibility flags are mutually contradictory: {EXPOSE} vs {HIDE}")]
    Contradiction,
    /// There is no flag of this name.
    #[error("No such compatibility flag: {0}")]
    UnknownFlag(String),
    /// It is not a date like `2026-09-15`.
    #[error("invalid compatibility date: {0}")]
    InvalidDate(String),
}

impl Compatibility {
    /// A date, as `2026-09-15`, and flags.
    pub fn new<'f>(date: &str, flags: impl IntoIterator<Item = &'f str>) -> Self {
        Self { date: date.to_owned(), flags: flags.into_iter().map(str::to_owned).collect() }
    }

    /// Whether the flag is there.
    fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|other| other == flag)
    }

    /// Whether `MessageChannel` and `MessagePort` are on the global.
    ///
    /// # Errors
    ///
    /// Fails if the date is none, a flag is unknown, or two contradict each other.
    pub fn exposes_message_channel(&self) -> Result<bool, CompatibilityError> {
        if !is_date(&self.date) {
            return Err(CompatibilityError::InvalidDate(self.date.clone()));
        }
        let known = [EXPOSE, HIDE, NODE];
        if let Some(flag) = self.flags.iter().find(|flag| !known.contains(&flag.as_str())) {
            return Err(CompatibilityError::UnknownFlag(flag.clone()));
        }
        match (self.has(EXPOSE), self.has(HIDE)) {
            (true, true) => Err(CompatibilityError::Contradiction),
            (expose, hide) => Ok(expose || !hide && self.date.as_str() >= EXPOSED_FROM),
        }
    }

    /// Whether there are modules of Node's names: `nodejs_compat`.
    pub fn has_node_modules(&self) -> bool {
        self.has(NODE)
    }
}

impl Default for Compatibility {
    /// The newest date, without flags.
    fn default() -> Self {
        Self::new(NEWEST, [])
    }
}

/// Whether it looks like a date; days of a month are not counted.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts[..] else { return false };
    let number = |text: &str, digits: usize| {
        let digits_only = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
        digits_only.then(|| text.parse::<u32>().ok()).flatten()
    };
    number(year, 4).is_some()
        && number(month, 2).is_some_and(|month| (1..=12).contains(&month))
        && number(day, 2).is_some_and(|day| (1..=31).contains(&day))
}
