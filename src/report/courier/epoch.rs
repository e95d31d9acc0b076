//! One day or week of a lane on its way: its tokens, the questions of its slots, and what waits for an answer. Keeps; decides
//! nothing of time.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::oprf::{ELEMENT_LEN, Evaluated, PROOF_LEN};
use crate::report::consent::Mode;
use crate::report::envelope::Envelope;
use crate::report::manifest::Purpose;
use crate::report::message::Lane;
use crate::report::seal::{Elements, Question};
use crate::report::slots::{Slot, per_epoch};
use crate::report::token::{Asking, TOKEN_LEN, Token};

/// Tokens that were asked for, with what each is for.
pub(super) type Asked = Vec<(Purpose, Asking)>;

/// Which key holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    A,
    B,
}

impl Side {
    pub(super) const BOTH: [Side; 2] = [Side::A, Side::B];

    /// What the relay knows it by.
    pub(super) fn path(self) -> &'static str {
        match self {
            Side::A => "a",
            Side::B => "b",
        }
    }

    pub(super) fn purpose(self) -> Purpose {
        match self {
            Side::A => Purpose::AskA,
            Side::B => Purpose::AskB,
        }
    }
}

/// A day or a week.
pub(super) struct Epoch {
    /// When tokens are asked for; `None` while they are being asked for.
    pub(super) tokens_at: Option<u64>,
    pub(super) tries: u8,
    purse: BTreeMap<Purpose, Vec<Token>>,
    pub(super) has_tokens: bool,
    /// It has ended, and what leaves of it is drawn.
    pub(super) is_closed: bool,
    pub(super) slots: Vec<Running>,
    pub(super) week: Option<Weekly>,
}

/// One slot on its way.
pub(super) struct Running {
    /// `None` once it is sealed, or lost.
    pub(super) question: Option<Question>,
    a: Half,
    b: Half,
    pub(super) send_at: u64,
}

/// What one key holder is asked.
pub(super) struct Half {
    element: [u8; ELEMENT_LEN],
    /// When it is asked; `None` while it is being asked, and after that.
    pub(super) at: Option<u64>,
    pub(super) tries: u8,
    /// The same each time: a token that was spent without an answer is not worth another.
    token: Option<Token>,
    pub(super) answer: Option<Evaluated>,
}

/// What is said of a week.
pub(super) enum Weekly {
    /// Sealed sums that wait for their token.
    Sums { envelope: Envelope, due_at: u64 },
    /// One noised answer: group and answer. In memory alone, as it is not sealed before it is sent.
    Answer { group: u8, answer: bool, due_at: Option<u64>, tries: u8, token: Option<Box<Token>> },
}

impl Epoch {
    pub(super) fn new(tokens_at: u64) -> Epoch {
        Epoch {
            tokens_at: Some(tokens_at),
            tries: 0,
            purse: BTreeMap::new(),
            has_tokens: false,
            is_closed: false,
            slots: Vec::new(),
            week: None,
        }
    }

    pub(super) fn put(&mut self, tokens: Vec<(Purpose, Token)>) {
        self.has_tokens = true;
        for (purpose, token) in tokens {
            self.purse.entry(purpose).or_default().push(token);
        }
    }

    pub(super) fn draw(&mut self, purpose: Purpose) -> Option<Token> {
        self.purse.get_mut(&purpose)?.pop()
    }

    /// Everything left.
    pub(super) fn is_done(&self) -> bool {
        self.is_closed && self.week.is_none() && self.slots.iter().all(|slot| slot.question.is_none())
    }

    /// The content of a question to that side, if it has a token for it.
    pub(super) fn question(&mut self, slot: usize, side: Side, header: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let drawn = match self.slots.get(slot)?.half(side).token.clone() {
            Some(token) => token,
            None => self.draw(side.purpose())?,
        };
        let half = self.slots.get_mut(slot)?.half_mut(side);
        half.token = Some(drawn.clone());
        Some(Zeroizing::new([header, drawn.octets().as_slice(), &half.element].concat()))
    }
}

impl Running {
    pub(super) fn new(question: Question, elements: Elements, slot: Slot) -> Running {
        let half = |element, at| Half { element, at: Some(at), tries: 0, token: None, answer: None };
        let (a, b) = (half(elements.a, slot.ask_a_at), half(elements.b, slot.ask_b_at));
        Running { question: Some(question), a, b, send_at: slot.send_at }
    }

    pub(super) fn half(&self, side: Side) -> &Half {
        match side {
            Side::A => &self.a,
            Side::B => &self.b,
        }
    }

    pub(super) fn half_mut(&mut self, side: Side) -> &mut Half {
        match side {
            Side::A => &mut self.a,
            Side::B => &mut self.b,
        }
    }

    /// Both answers, once both are there.
    pub(super) fn answers(&self) -> Option<(Evaluated, Evaluated)> {
        self.a.answer.clone().zip(self.b.answer.clone())
    }
}

/// What tokens of an epoch are for: three a slot, and one for the week.
pub(super) fn purposes(mode: Mode, lane: Lane) -> Vec<Purpose> {
    let slots = if matches!(mode, Mode::Full(_)) { per_epoch(lane) } else { 0 };
    let mut all: Vec<Purpose> = (0..slots).flat_map(|_| [Purpose::AskA, Purpose::AskB, Purpose::Report]).collect();
    if lane == Lane::Harm {
        all.push(Purpose::Week);
    }
    all
}

/// One element and its proof.
pub(super) fn evaluated(content: &[u8]) -> Option<Evaluated> {
    let (element, proof) = content.split_first_chunk::<ELEMENT_LEN>()?;
    let proof: [u8; PROOF_LEN] = proof.try_into().ok()?;
    Some(Evaluated { elements: vec![*element], proof })
}

/// Octets of a question: header, token, element.
pub(super) const QUESTION_LEN: usize = crate::report::message::HEADER_LEN + TOKEN_LEN + ELEMENT_LEN;
/// Octets of an answer: token, version, epoch, group, answer.
pub(super) const ANSWER_LEN: usize = TOKEN_LEN + 1 + 4 + 1 + 1;
