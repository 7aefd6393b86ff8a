//! Declarators: pointers, arrays and parameter lists around a name (C17 6.7.6), and type names.

use crate::attributes::Attributes;
use crate::constant;
use crate::ctype::{DeclaredKind, DeclaredType, FunctionType, Parameter, Qualifiers};
use crate::error::{Fault, Parsed, Problem};
use crate::lex::Kind;
use crate::lower;
use crate::parser::{Parser, function_type};
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use ffi_types::record::MAX_SIZE;

/// A declared name, and where it is.
#[derive(Debug, Clone)]
pub(crate) struct Name {
    pub(crate) text: Arc<str>,
    pub(crate) at: u32,
}

/// A step from the type that a declaration starts with to that of its name.
enum Step {
    Pointer(Qualifiers),
    /// Without a length for `[]`; `open` for one that only a call knows.
    Array {
        len: Option<u64>,
        open: bool,
    },
    Function {
        parameters: Vec<Parameter>,
        variadic: bool,
        unspecified: bool,
    },
}

impl Parser<'_> {
    /// The type of the declarator that is next, and its name if it has one.
    pub(crate) fn declarator(
        &mut self,
        base: DeclaredType,
        attributes: &mut Attributes,
    ) -> Parsed<(Option<Name>, DeclaredType)> {
        let mut steps = Vec::new();
        let name = self.steps(&mut steps, attributes)?;
        let mut ty = base;
        for (step, at) in steps {
            ty = match step {
                Step::Pointer(qualifiers) => ty.pointer_to().qualified(qualifiers),
                Step::Array { len, open } => self.array(ty, len, open, at)?,
                Step::Function { parameters, variadic, unspecified } => {
                    if matches!(ty.kind(), DeclaredKind::Array(..) | DeclaredKind::Function(_)) {
                        let what = alloc::format!("`{ty}`");
                        let verb = "be returned by a function; a pointer to it can";
                        return Err(Fault::new(at, Problem::NotAllowed { what, verb }));
                    }
                    let (result, convention) = (ty, None);
                    function_type(FunctionType {
                        result,
                        parameters,
                        variadic,
                        unspecified,
                        convention,
                    })
                }
            };
            if ty.is_too_deep() {
                return Err(Fault::new(at, Problem::TooDeep { max: crate::ctype::MAX_DEPTH }));
            }
        }
        Ok((name, ty))
    }

    fn array(
        &mut self,
        element: DeclaredType,
        len: Option<u64>,
        open: bool,
        at: u32,
    ) -> Parsed<DeclaredType> {
        let what = || alloc::format!("`{element}`");
        if element.is_void() && open {
            // Manual pages write `void buffer[.count]`.
            return Ok(element.pointer_to());
        }
        if matches!(element.kind(), DeclaredKind::Void | DeclaredKind::Function(_)) {
            let problem = Problem::NotAllowed { what: what(), verb: "be the element of an array" };
            return Err(Fault::new(at, problem));
        }
        match lower::size_align(self.header, &element) {
            Some((size, _)) => {
                if size.checked_mul(len.unwrap_or(0)).is_none_or(|size| size > MAX_SIZE) {
                    let found = len.unwrap_or(0).into();
                    let expected = alloc::format!("at most {}", MAX_SIZE / size.max(1));
                    let what = "the length of an array";
                    return Err(Fault::new(at, Problem::Number { what, found, expected }));
                }
            }
            // `double rows[n][n]` as a parameter: a pointer to what only a call knows.
            None if open && matches!(element.kind(), DeclaredKind::Array(..)) => {}
            None => {
                let itself = self.is_being_defined(&element);
                return Err(Fault::new(at, Problem::Incomplete { what: what(), itself }));
            }
        }
        Ok(DeclaredType::new(DeclaredKind::Array(Arc::new(element), len)))
    }

    /// Collects the steps of a declarator, in the order in which they apply.
    fn steps(
        &mut self,
        out: &mut Vec<(Step, u32)>,
        attributes: &mut Attributes,
    ) -> Parsed<Option<Name>> {
        loop {
            let token = self.peek();
            if token.is("*") || token.is("^") {
                if out.len() > crate::ctype::MAX_DEPTH {
                    let max = crate::ctype::MAX_DEPTH;
                    return Err(Fault::new(token.at, Problem::TooDeep { max }));
                }
                self.bump();
                out.push((Step::Pointer(self.qualifiers(attributes)?), token.at));
            } else if !self.attribute(attributes)? {
                break;
            }
        }
        let mut name = None;
        let mut inner = Vec::new();
        let token = self.peek();
        if token.is("(") && self.is_grouping() {
            self.bump();
            name = self.deeper(|this| this.steps(&mut inner, attributes))?;
            self.expect(")", "`)`")?;
        } else if token.kind == Kind::Word && !self.is_keyword(token) {
            self.bump();
            name = Some(Name { text: Arc::from(self.text_of(token)), at: token.at });
        }
        let mut suffixes = Vec::new();
        loop {
            let at = self.peek().at;
            if self.peek().is("[") && self.ahead(1).is("[") {
                self.attribute(attributes)?;
            } else if self.accept("[") {
                suffixes.push((self.deeper(Self::length)?, at));
            } else if self.accept("(") {
                suffixes.push((self.deeper(Self::parameters)?, at));
            } else {
                break;
            }
            if suffixes.len() > crate::ctype::MAX_DEPTH {
                return Err(Fault::new(at, Problem::TooDeep { max: crate::ctype::MAX_DEPTH }));
            }
        }
        out.extend(suffixes.into_iter().rev());
        out.append(&mut inner);
        Ok(name)
    }

    /// Whether the `(` that is next is part of the declarator, and not of a parameter list.
    fn is_grouping(&self) -> bool {
        let next = self.ahead(1);
        match next.kind {
            Kind::Mark("*" | "^" | "(" | "[") => true,
            Kind::Word => !self.is_type(next),
            _ => false,
        }
    }

    /// Behind a `[`.
    fn length(&mut self) -> Parsed<Step> {
        while matches!(self.word(), "static" | "const" | "volatile" | "restrict" | "__restrict") {
            self.bump();
        }
        if self.accept("]") {
            return Ok(Step::Array { len: None, open: self.in_parameters > 0 });
        }
        if self.peek().is("*") && self.ahead(1).is("]") {
            self.bump();
            self.bump();
            return Ok(Step::Array { len: None, open: true });
        }
        let at = self.peek().at;
        if self.in_parameters > 0 && self.has_dot() {
            self.skip_length();
            self.expect("]", "`]`")?;
            return Ok(Step::Array { len: None, open: true });
        }
        let value = match constant::expression(self) {
            // The length is another parameter.
            Err(Fault { problem: Problem::UnknownConstant { .. }, .. })
                if self.in_parameters > 0 =>
            {
                self.skip_length();
                None
            }
            other => Some(other?.value),
        };
        self.expect("]", "an operator or `]`")?;
        let Some(value) = value else { return Ok(Step::Array { len: None, open: true }) };
        let Ok(len) = u64::try_from(value) else {
            let (what, expected) = ("the length of an array", "0 or more".into());
            return Err(Fault::new(at, Problem::Number { what, found: value, expected }));
        };
        Ok(Step::Array { len: Some(len), open: self.in_parameters > 0 })
    }

    /// Whether the length names a parameter as manual pages do: `void buffer[.count]`.
    fn has_dot(&self) -> bool {
        let ahead = (0..).map(|by| self.ahead(by).kind);
        let mut inside = ahead.take_while(|kind| !ends_length(*kind));
        inside.any(|kind| kind == Kind::Mark("."))
    }

    fn skip_length(&mut self) {
        while !ends_length(self.peek().kind) {
            self.bump();
        }
    }

    /// Behind a `(`.
    fn parameters(&mut self) -> Parsed<Step> {
        self.in_parameters += 1;
        let step = self.parameter_list();
        self.in_parameters -= 1;
        step
    }

    fn parameter_list(&mut self) -> Parsed<Step> {
        let mut parameters = Vec::new();
        let mut variadic = false;
        if self.accept(")") {
            return Ok(Step::Function { parameters, variadic, unspecified: true });
        }
        loop {
            if self.accept("...") {
                variadic = true;
                self.expect(")", "`)` behind `...`")?;
                break;
            }
            let at = self.peek().at;
            let specifiers = self.specifiers()?;
            let mut attributes = specifiers.attributes;
            let (name, ty) = self.declarator(specifiers.ty, &mut attributes)?;
            while self.attribute(&mut attributes)? {}
            let ty = attributes.apply(self, ty, at)?;
            if ty.is_void() {
                let alone = parameters.is_empty() && name.is_none();
                if alone && ty.qualifiers().is_empty() && self.accept(")") {
                    break;
                }
                let what = "`void`".to_string();
                return Err(Fault::new(at, Problem::NotAllowed { what, verb: "be a parameter" }));
            }
            parameters.push(Parameter { name: name.map(|name| name.text), ty: adjusted(ty) });
            if !self.accept(",") {
                self.expect(")", "`,` or `)`")?;
                break;
            }
        }
        Ok(Step::Function { parameters, variadic, unspecified: false })
    }

    /// A type without a name, as in a cast.
    pub(crate) fn type_name(&mut self) -> Parsed<DeclaredType> {
        let at = self.peek().at;
        let specifiers = self.specifiers()?;
        let mut attributes = specifiers.attributes;
        let (name, ty) = self.declarator(specifiers.ty, &mut attributes)?;
        while self.attribute(&mut attributes)? {}
        if let Some(name) = name {
            let (found, expected) = (alloc::format!("`{}`", name.text), "a type without a name");
            let problem = Problem::Unexpected { found, expected: expected.into() };
            return Err(Fault::new(name.at, problem));
        }
        attributes.apply(self, ty, at)
    }
}

fn ends_length(kind: Kind) -> bool {
    matches!(kind, Kind::Mark("]" | ")" | ";" | "," | "{") | Kind::End)
}

/// What a parameter of the type really is (C17 6.7.6.3, 7 and 8).
fn adjusted(ty: DeclaredType) -> DeclaredType {
    match ty.kind() {
        DeclaredKind::Array(element, _) => {
            DeclaredType::new(DeclaredKind::Pointer(element.clone()))
        }
        DeclaredKind::Function(_) => ty.pointer_to(),
        _ => ty,
    }
}
