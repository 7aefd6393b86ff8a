//! Declarations: what a text is made of, and how reading goes on after a mistake.

use crate::ctype::{DeclaredKind, DeclaredType, FunctionType, Tag, TagId, TagKind};
use crate::error::{Fault, ParseErrors, Parsed, Problem, Warning};
use crate::header::Header;
use crate::items::{Body, Function, Tagged, Typedef};
use crate::lex::{self, Kind, Token};
use crate::options::Options;
use crate::preprocess::{Marker, preprocess};
use crate::source::Source;
use crate::specifiers::Storage;
use crate::{lower, names, terms};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// How deep structs, parentheses and parameter lists may nest; C requires 63 (C17 5.2.4.1).
pub(crate) const MAX_DEPTH: usize = 100;
/// The errors that are told the nearest name: looking for it takes time.
const MOST_SUGGESTIONS: usize = 20;
/// The errors that are kept, and the warnings.
const MOST_ERRORS: usize = 1000;

pub(crate) struct Parser<'a> {
    pub(crate) header: &'a mut Header,
    pub(crate) source: &'a Source<'a>,
    pub(crate) tokens: Vec<Token>,
    pub(crate) at: usize,
    /// Of `#pragma pack`; 0 for none.
    pub(crate) pack: u32,
    /// How many `{` are open.
    pub(crate) braces: usize,
    /// Those of them that `extern "C" {` opened.
    linkage: usize,
    pub(crate) depth: usize,
    /// How many parameter lists are being read.
    pub(crate) in_parameters: usize,
    faults: Vec<Fault>,
    warnings: Vec<(u32, String)>,
    pub(crate) markers: Vec<Marker>,
    suggestions: usize,
    /// The functions declared, by their places in the header.
    pub(crate) declared: Vec<usize>,
}

/// A header that knows the names which every text starts with.
pub(crate) fn empty(options: Options) -> Header {
    let mut typedefs = BTreeMap::new();
    names::known(options.convention, options.windows_names, |name, ty| {
        let name: Arc<str> = Arc::from(name);
        typedefs.insert(name.clone(), Typedef { ty: ty.named(name), line: None });
    });
    // Known by name alone, as a pointer to it is all that anybody has.
    let name: Arc<str> = Arc::from(if options.is_microsoft() { "_iobuf" } else { "_IO_FILE" });
    let tag = Tag { kind: TagKind::Struct, name: Some(name.clone()) };
    let ty = DeclaredType::new(DeclaredKind::Tagged(tag.clone(), TagId(0)));
    let file: Arc<str> = Arc::from("FILE");
    typedefs.insert(file.clone(), Typedef { ty: ty.named(file), line: None });
    let stream = Tagged { tag, line: 0, defined: None, body: Body::Incomplete };
    Header {
        options,
        functions: Vec::new(),
        variables: Vec::new(),
        typedefs,
        tags: BTreeMap::from([(name, TagId(0))]),
        tagged: alloc::vec![stream],
        constants: BTreeMap::new(),
        warnings: Vec::new(),
        places: BTreeMap::new(),
    }
}

/// Adds the declarations of a text to a header.
pub(crate) fn parse(header: &mut Header, text: &[u8]) -> Result<(), ParseErrors> {
    run(header, text, |parser| {
        parser.declarations();
        Ok(())
    })
}

/// Adds a declaration to a header, and finds its function.
pub(crate) fn function<'h>(
    header: &'h mut Header,
    text: &[u8],
) -> Result<&'h Function, ParseErrors> {
    let index = run(header, text, |parser| {
        parser.declarations();
        match (parser.faults.pop(), &parser.declared[..]) {
            // Mistakes say more than what they led to.
            (Some(fault), _) => Err(fault),
            (None, [index]) => Ok(*index),
            _ => {
                let found = match parser.declared.len() {
                    0 => "no function".into(),
                    n => format!("{n} functions"),
                };
                let expected = "the prototype of one function".into();
                Err(Fault::new(0, Problem::Unexpected { found, expected }))
            }
        }
    })?;
    Ok(&header.functions[index])
}

/// Reads a type.
pub(crate) fn type_name(header: &mut Header, text: &[u8]) -> Result<DeclaredType, ParseErrors> {
    run(header, text, |parser| {
        let ty = parser.type_name()?;
        match parser.peek().kind {
            Kind::End => Ok(ty),
            _ => Err(parser.unexpected("the end of the type")),
        }
    })
}

fn run<T>(
    header: &mut Header,
    text: &[u8],
    read: impl FnOnce(&mut Parser<'_>) -> Parsed<T>,
) -> Result<T, ParseErrors> {
    let source = Source::new(&text[..text.len().min(u32::MAX as usize / 2)]);
    let fail = |faults: Vec<Fault>| {
        ParseErrors(faults.into_iter().map(|fault| fault.located(&source)).collect())
    };
    let tokens = lex::tokens(&source.text).map_err(|fault| fail(alloc::vec![fault]))?;
    let preprocessed = preprocess(&source.text, &tokens);
    let mut parser = Parser {
        header,
        source: &source,
        tokens: preprocessed.tokens,
        at: 0,
        pack: 0,
        braces: 0,
        linkage: 0,
        depth: 0,
        in_parameters: 0,
        faults: preprocessed.faults,
        warnings: preprocessed.warnings,
        markers: preprocessed.markers,
        suggestions: 0,
        declared: Vec::new(),
    };
    parser.skip_pragmas();
    let result = read(&mut parser);
    let result = result.map_err(|fault| parser.fault(fault)).ok();
    parser.constants(preprocessed.macros);
    let (mut faults, warnings) = (parser.faults, parser.warnings);
    faults.sort_by_key(|fault| fault.at);
    if text.len() > u32::MAX as usize / 2 {
        faults.push(Fault::new(u32::MAX, Problem::Directive("the text is too long".into())));
    }
    let warnings = warnings.into_iter();
    header
        .warnings
        .extend(warnings.map(|(at, message)| Warning { place: source.place(at), message }));
    sign(header);
    match result.filter(|_| faults.is_empty()) {
        Some(value) => Ok(value),
        None => Err(fail(faults)),
    }
}

/// Gives the functions their signatures: by now every struct that the text defines is known.
fn sign(header: &mut Header) {
    for index in 0..header.functions.len() {
        let function = &header.functions[index];
        if function.signature.is_err() {
            let signature = lower::signature(header, &function.ty, function.convention);
            header.functions[index].signature = signature;
        }
    }
}

impl<'a> Parser<'a> {
    pub(crate) fn peek(&self) -> Token {
        self.ahead(0)
    }

    pub(crate) fn ahead(&self, by: usize) -> Token {
        let last = self.tokens.len() - 1;
        self.tokens[(self.at + by).min(last)]
    }

    pub(crate) fn bump(&mut self) -> Token {
        let token = self.peek();
        self.braces = match token.kind {
            Kind::Mark("{") => self.braces + 1,
            Kind::Mark("}") => self.braces.saturating_sub(1),
            _ => self.braces,
        };
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        self.skip_pragmas();
        token
    }

    fn skip_pragmas(&mut self) {
        while let Kind::Pack(pack) = self.peek().kind {
            self.pack = pack;
            self.at += 1;
        }
    }

    pub(crate) fn text_of(&self, token: Token) -> &'a str {
        let source: &'a Source<'a> = self.source;
        token.text(&source.text)
    }

    /// The word that is next; nothing for another token.
    pub(crate) fn word(&self) -> &'a str {
        match self.peek() {
            token @ Token { kind: Kind::Word, .. } => self.text_of(token),
            _ => "",
        }
    }

    pub(crate) fn accept(&mut self, mark: &str) -> bool {
        let found = self.peek().is(mark);
        if found {
            self.bump();
        }
        found
    }

    pub(crate) fn expect(&mut self, mark: &str, expected: &str) -> Parsed<Token> {
        if self.peek().is(mark) { Ok(self.bump()) } else { Err(self.unexpected(expected)) }
    }

    pub(crate) fn unexpected(&self, expected: &str) -> Fault {
        let token = self.peek();
        if let Kind::Stray(byte) = token.kind
            && !byte.is_ascii_graphic()
        {
            return Fault::new(token.at, Problem::Byte { byte });
        }
        let (found, expected) = (token.found(&self.source.text), expected.into());
        Fault::new(token.at, Problem::Unexpected { found, expected })
    }

    pub(crate) fn warn(&mut self, at: u32, message: String) {
        if self.warnings.len() < MOST_ERRORS {
            self.warnings.push((at, message));
        }
    }

    pub(crate) fn fault(&mut self, fault: Fault) {
        if self.faults.len() < MOST_ERRORS {
            self.faults.push(fault);
        }
    }

    /// Runs `f` one level deeper.
    pub(crate) fn deeper<T>(&mut self, f: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == MAX_DEPTH {
            return Err(Fault::new(self.peek().at, Problem::TooDeep { max: MAX_DEPTH }));
        }
        self.depth += 1;
        let result = f(self);
        self.depth -= 1;
        result
    }

    /// Reads on behind the declaration that a mistake is in: behind the next `;` that is inside
    /// as many braces as `level`, or up to the `}` that ends them.
    pub(crate) fn recover(&mut self, level: usize) {
        loop {
            let token = self.peek();
            let here = self.braces <= level;
            match token.kind {
                Kind::End => return,
                Kind::Mark(";") if here => {
                    self.bump();
                    return;
                }
                Kind::Mark("}") if here && level > 0 => return,
                _ => self.bump(),
            };
        }
    }

    /// The fault of a name that is no type.
    pub(crate) fn unknown_type(&mut self, token: Token) -> Fault {
        let name = self.text_of(token);
        self.suggestions += 1;
        let nearest = if self.suggestions <= MOST_SUGGESTIONS {
            let known = self.header.typedefs.keys().map(|name| &**name);
            crate::unknown::meant(name, known).map(ToString::to_string)
        } else {
            None
        };
        Fault::new(token.at, Problem::UnknownType { name: name.into(), nearest })
    }

    fn declarations(&mut self) {
        while self.peek().kind != Kind::End {
            let before = self.at;
            if let Err(fault) = self.external() {
                self.fault(fault);
                (self.depth, self.in_parameters) = (0, 0);
                self.recover(self.linkage);
                if self.at == before {
                    self.bump();
                }
            }
        }
        if self.linkage > 0 {
            let fault = Fault::new(self.peek().at, Problem::Unterminated("`extern \"C\" {`"));
            self.fault(fault);
        }
    }

    /// One declaration at the outermost level.
    fn external(&mut self) -> Parsed<()> {
        if self.accept(";") {
            return Ok(());
        }
        if self.linkage > 0 && self.accept("}") {
            self.linkage -= 1;
            return Ok(());
        }
        let word = self.word();
        if word == "extern" && self.ahead(1).kind == Kind::Text {
            self.bump();
            self.bump();
            if self.accept("{") {
                self.linkage += 1;
            }
            return Ok(());
        }
        if self.assertion()? {
            return Ok(());
        }
        if matches!(word, "asm" | "__asm__" | "__asm") {
            self.bump();
            self.parentheses()?;
            return self.end_of_declaration();
        }
        let mut specifiers = self.specifiers()?;
        let at = self.peek().at;
        if specifiers.tagged && self.peek().kind == Kind::End {
            return self.end_of_declaration();
        }
        if self.accept(";") {
            if !specifiers.tagged {
                self.warn(at, "this declares nothing".into());
            }
            return Ok(());
        }
        loop {
            let base = specifiers.ty.clone();
            let mut attributes = specifiers.attributes;
            let (name, ty) = self.declarator(base, &mut attributes)?;
            let Some(name) = name else { return Err(self.unexpected("a name")) };
            let symbol = self.label_and_attributes(&mut attributes)?;
            let ty = attributes.apply(self, ty, name.at)?;
            let is_function = matches!(ty.kind(), DeclaredKind::Function(_));
            if is_function && self.peek().is("{") {
                self.braced()?;
                specifiers.storage |= Storage::INLINE;
                self.define(&specifiers, name, ty, symbol)?;
                return Ok(());
            }
            if self.accept("=") {
                self.initializer();
            }
            self.define(&specifiers, name, ty, symbol)?;
            if !self.accept(",") {
                return self.end_of_declaration();
            }
        }
    }

    /// The last declaration of a text may do without its semicolon: a prototype or a struct by
    /// itself often does.
    pub(crate) fn end_of_declaration(&mut self) -> Parsed<()> {
        if self.peek().kind == Kind::End && self.braces == self.linkage {
            return Ok(());
        }
        self.expect(";", "`;`, `,` or `(`").map(drop)
    }

    /// `_Static_assert(…);`, which is left to compilers.
    pub(crate) fn assertion(&mut self) -> Parsed<bool> {
        if !matches!(self.word(), "_Static_assert" | "static_assert") {
            return Ok(false);
        }
        self.bump();
        self.parentheses()?;
        self.end_of_declaration()?;
        Ok(true)
    }

    /// Reads over what is in parentheses.
    pub(crate) fn parentheses(&mut self) -> Parsed<()> {
        self.expect("(", "`(`")?;
        let mut open = 1_usize;
        while open > 0 {
            let token = self.bump();
            match token.kind {
                Kind::Mark("(") => open += 1,
                Kind::Mark(")") => open -= 1,
                Kind::End => {
                    return Err(Fault::new(token.at, Problem::Unterminated("parentheses")));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads over a function's body.
    fn braced(&mut self) -> Parsed<()> {
        let outside = self.braces;
        self.bump();
        while self.braces > outside {
            let token = self.bump();
            if token.kind == Kind::End {
                return Err(Fault::new(token.at, Problem::Unterminated("a function's body")));
            }
        }
        Ok(())
    }

    /// Reads over a value, up to the `,` or `;` behind it.
    fn initializer(&mut self) {
        let mut open = 0_usize;
        loop {
            match self.peek().kind {
                Kind::End => return,
                Kind::Mark("," | ";") if open == 0 => return,
                Kind::Mark("(" | "[" | "{") => open += 1,
                Kind::Mark(")" | "]" | "}") => open = open.saturating_sub(1),
                _ => {}
            }
            self.bump();
        }
    }

    /// `__asm__("symbol")` and attributes behind a declarator.
    fn label_and_attributes(
        &mut self,
        attributes: &mut crate::attributes::Attributes,
    ) -> Parsed<Option<Arc<str>>> {
        let mut symbol = None;
        loop {
            if matches!(self.word(), "asm" | "__asm__" | "__asm") {
                self.bump();
                self.expect("(", "`(`")?;
                let mut text = Vec::new();
                while self.peek().kind == Kind::Text {
                    let token = self.bump();
                    text.extend(terms::literal(self.text_of(token)));
                }
                self.expect(")", "a string or `)`")?;
                symbol = String::from_utf8(text).ok().map(Arc::from);
            } else if !self.attribute(attributes)? {
                return Ok(symbol);
            }
        }
    }
}

/// A function's type, boxed up.
pub(crate) fn function_type(function: FunctionType) -> DeclaredType {
    DeclaredType::new(DeclaredKind::Function(Arc::new(function)))
}
