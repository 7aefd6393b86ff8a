//! What is left of preprocessing where no header is read: conditions, constants, `#pragma pack`.

use crate::constant;
use crate::error::{Fault, Parsed, Problem};
use crate::lex::{Kind, Token};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The most tokens that macros may add to a text of none, and to each token of a longer one: what
/// they stand for can double from one macro to the next.
const MOST_EXPANDED: (usize, usize) = (1 << 12, 8);
/// How deep `#if` and `#pragma pack(push)` may nest.
const MOST_NESTED: usize = 200;

/// A `#define`.
#[derive(Debug, Clone)]
pub(crate) struct Macro {
    pub(crate) at: u32,
    pub(crate) body: Vec<Token>,
    /// It takes arguments, and cannot be used here.
    takes_arguments: bool,
}

/// A text after preprocessing.
#[derive(Debug, Default)]
pub(crate) struct Preprocessed {
    pub(crate) tokens: Vec<Token>,
    pub(crate) macros: BTreeMap<String, Macro>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) warnings: Vec<(u32, String)>,
    /// What the preprocessor that ran before says of where lines are from.
    pub(crate) markers: Vec<Marker>,
}

/// `# 12 "name.h"`: the next line is line 12 of that file.
#[derive(Debug, Clone)]
pub(crate) struct Marker {
    pub(crate) at: u32,
    pub(crate) line: usize,
    pub(crate) file: Arc<str>,
}

/// A level of `#if`.
struct Condition {
    at: u32,
    /// Whether its parent's lines count at all.
    outer: bool,
    /// Whether its lines count.
    active: bool,
    /// Whether a branch was taken before.
    taken: bool,
    /// Whether `#else` was seen.
    last: bool,
}

struct Preprocessor<'a> {
    text: &'a [u8],
    out: Preprocessed,
    conditions: Vec<Condition>,
    pack: u32,
    packs: Vec<u32>,
    /// How many tokens macros may still add.
    room: usize,
}

/// Carries out the directives among the tokens and replaces macros by what they stand for.
pub(crate) fn preprocess(text: &[u8], tokens: &[Token]) -> Preprocessed {
    let mut state = Preprocessor {
        text,
        out: Preprocessed::default(),
        conditions: Vec::new(),
        pack: 0,
        packs: Vec::new(),
        room: MOST_EXPANDED.0 + MOST_EXPANDED.1 * tokens.len(),
    };
    let mut rest = tokens;
    while let Some((&token, after)) = rest.split_first() {
        rest = after;
        if token.kind == Kind::Hash {
            let len = rest.iter().position(|t| t.kind == Kind::EndOfLine).unwrap_or(rest.len());
            let (line, after) = rest.split_at(len);
            rest = after.get(1..).unwrap_or_default();
            if let Err(fault) = state.directive(token.at, line) {
                state.out.faults.push(fault);
            }
        } else if state.is_active() || token.kind == Kind::End {
            if token.kind == Kind::End
                && let Some(open) = state.conditions.last()
            {
                let fault = Fault::new(open.at, Problem::Unterminated("this `#if`"));
                state.out.faults.push(fault);
            }
            let mut hidden = BTreeSet::new();
            let result = state.expand(token, token.at, &mut hidden);
            if let Err(fault) = result {
                state.out.faults.push(fault);
                // Nothing more can be made sense of.
                state.out.tokens.push(Token { kind: Kind::End, ..token });
                break;
            }
        }
    }
    state.out
}

impl<'a> Preprocessor<'a> {
    fn word(&self, token: Token) -> &'a str {
        token.text(self.text)
    }

    fn is_active(&self) -> bool {
        self.conditions.last().is_none_or(|condition| condition.active)
    }

    /// Pushes a token, or what it stands for; on the way, `hidden` has the macros it came from.
    fn expand(&mut self, token: Token, at: u32, hidden: &mut BTreeSet<&'a str>) -> Parsed<()> {
        // A work list; `Err` marks the end of a macro's body.
        let mut work = alloc::vec![Ok(Token { at, ..token })];
        while let Some(item) = work.pop() {
            let token = match item {
                Ok(token) => token,
                Err(name) => {
                    hidden.remove(name);
                    continue;
                }
            };
            let name = if token.kind == Kind::Word { self.word(token) } else { "" };
            match self.out.macros.get(name) {
                Some(m) if !m.takes_arguments && !hidden.contains(name) => {
                    let Some(room) = self.room.checked_sub(m.body.len() + 1) else {
                        let text = "macros stand for too much text".into();
                        return Err(Fault::new(at, Problem::Directive(text)));
                    };
                    self.room = room;
                    hidden.insert(name);
                    work.push(Err(name));
                    work.extend(m.body.iter().rev().map(|&t| Ok(Token { at, ..t })));
                }
                _ => self.out.tokens.push(token),
            }
        }
        Ok(())
    }

    fn directive(&mut self, at: u32, line: &[Token]) -> Parsed<()> {
        let Some((&first, rest)) = line.split_first() else { return Ok(()) };
        let name = self.word(first);
        let fail = |text: String| Err(Fault::new(at, Problem::Directive(text)));
        match name {
            "if" | "ifdef" | "ifndef" => {
                if self.conditions.len() == MOST_NESTED {
                    return Err(Fault::new(at, Problem::TooDeep { max: MOST_NESTED }));
                }
                let outer = self.is_active();
                // Pushed first: a condition that cannot be read still has its `#endif`.
                let (active, taken, last) = (false, true, false);
                self.conditions.push(Condition { at, outer, active, taken, last });
                let active = outer && self.holds(name, first, rest)?;
                self.conditions.pop();
                self.conditions.push(Condition { at, outer, active, taken: active, last });
            }
            "elif" | "else" => {
                let Some(mut open) = self.conditions.pop() else {
                    return fail(format!("`#{name}` without an `#if`"));
                };
                let ended = open.last;
                open.last |= name == "else";
                open.active = false;
                let may = open.outer && !open.taken && !ended;
                let holds =
                    if name == "elif" && may { self.holds("if", first, rest) } else { Ok(true) };
                open.active = may && matches!(holds, Ok(true));
                open.taken |= open.active;
                self.conditions.push(open);
                holds?;
                if ended {
                    return fail(format!("`#{name}` after `#else`"));
                }
            }
            "endif" => match self.conditions.pop() {
                Some(_) => {}
                None => return fail("`#endif` without an `#if`".into()),
            },
            _ if !self.is_active() => {}
            "define" => return self.define(rest),
            "undef" => {
                if let Some(&token) = rest.first() {
                    self.out.macros.remove(self.word(token));
                }
            }
            "pragma" => return self.pragma(at, rest),
            "include" | "include_next" | "import" => {
                let text = "headers are not read: give the preprocessor's output (`cc -E`) where \
                            this one's types are needed";
                self.out.warnings.push((at, text.into()));
            }
            "error" => return fail("the text itself says `#error` here".into()),
            _ => self.marker(at, line),
        }
        Ok(())
    }

    /// A line marker; other directives say nothing that counts here.
    fn marker(&mut self, at: u32, line: &[Token]) {
        let line = if self.word(line[0]) == "line" { &line[1..] } else { line };
        if let [number, file, ..] = line
            && file.kind == Kind::Text
            && let Ok(line) = self.word(*number).parse()
        {
            let file = Arc::from(self.word(*file).trim_matches('"'));
            self.out.markers.push(Marker { at, line, file });
        }
    }

    fn holds(&mut self, name: &str, directive: Token, rest: &[Token]) -> Parsed<bool> {
        let is_defined =
            |this: &Self, token: &Token| this.out.macros.contains_key(this.word(*token));
        match (name, rest) {
            ("if", [_, ..]) => {}
            ("ifdef", [token, ..]) => return Ok(is_defined(self, token)),
            ("ifndef", [token, ..]) => return Ok(!is_defined(self, token)),
            _ => {
                let expected = if name == "if" { "a condition" } else { "a name" };
                return Err(Fault::new(
                    directive.at,
                    Problem::Unexpected {
                        found: "the end of the line".into(),
                        expected: expected.into(),
                    },
                ));
            }
        }
        // `defined NAME` and `defined(NAME)` first, as what is asked must not be replaced.
        let mut tokens = Vec::new();
        let mut rest = rest;
        while let [token, after @ ..] = rest {
            rest = after;
            let asked = match after {
                [name, after @ ..] if name.kind == Kind::Word => Some((name, after)),
                [open, name, close, after @ ..] if open.is("(") && close.is(")") => {
                    Some((name, after))
                }
                _ => None,
            };
            match asked.filter(|_| self.word(*token) == "defined") {
                Some((name, after)) => {
                    rest = after;
                    let holds = is_defined(self, name);
                    tokens.push((*token, Some(i128::from(holds))));
                }
                None => {
                    let keep = core::mem::take(&mut self.out.tokens);
                    let expanded = self.expand(*token, token.at, &mut BTreeSet::new());
                    let new = core::mem::replace(&mut self.out.tokens, keep);
                    expanded?;
                    tokens.extend(new.into_iter().map(|token| (token, None)));
                }
            }
        }
        constant::condition(self.text, &tokens).map(|value| value != 0)
    }

    fn define(&mut self, rest: &[Token]) -> Parsed<()> {
        let Some((&name, body)) = rest.split_first().filter(|(name, _)| name.kind == Kind::Word)
        else {
            return Ok(());
        };
        let takes_arguments =
            body.first().is_some_and(|open| open.is("(") && open.start == name.start + name.len);
        let body = body.to_vec();
        let definition = Macro { at: name.at, body, takes_arguments };
        self.out.macros.insert(self.word(name).to_string(), definition);
        Ok(())
    }

    /// `#pragma pack`, as gcc, clang and Microsoft's compilers know it; others are none of ours.
    fn pragma(&mut self, at: u32, rest: &[Token]) -> Parsed<()> {
        let [pack, open, middle @ .., close] = rest else { return Ok(()) };
        if self.word(*pack) != "pack" || !open.is("(") || !close.is(")") {
            return Ok(());
        }
        for token in middle.iter().filter(|token| !token.is(",")) {
            match (token.kind, self.word(*token)) {
                (Kind::Word, "push") => {
                    if self.packs.len() == MOST_NESTED {
                        return Err(Fault::new(at, Problem::TooDeep { max: MOST_NESTED }));
                    }
                    self.packs.push(self.pack);
                }
                (Kind::Word, "pop") => match self.packs.pop() {
                    Some(before) => self.pack = before,
                    None => {
                        let text = "`#pragma pack(pop)` without a `push` is ignored";
                        self.out.warnings.push((at, text.into()));
                    }
                },
                (Kind::Number, text) => {
                    let value: u32 = text.parse().unwrap_or(u32::MAX);
                    if !matches!(value, 0 | 1 | 2 | 4 | 8 | 16) {
                        let what = "the alignment of `#pragma pack`";
                        let (found, expected) = (value.into(), "1, 2, 4, 8 or 16".into());
                        return Err(Fault::new(
                            token.at,
                            Problem::Number { what, found, expected },
                        ));
                    }
                    self.pack = value;
                }
                // A label for `push` and `pop`, which nest anyway; or a macro.
                (Kind::Word, name) => {
                    let body = self.out.macros.get(name).map(|m| &m.body[..]);
                    if let Some([value]) = body
                        && let Ok(value @ (1 | 2 | 4 | 8 | 16)) = self.word(*value).parse()
                    {
                        self.pack = value;
                    }
                }
                _ => {}
            }
        }
        if middle.is_empty() {
            self.pack = 0;
        }
        self.out.tokens.push(Token { kind: Kind::Pack(self.pack), at, start: at, len: 0 });
        Ok(())
    }
}
