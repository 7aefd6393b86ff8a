//! What a declaration does to the header: a new name, or the same one once more.

use crate::ctype::{DeclaredKind, DeclaredType};
use crate::declarator::Name;
use crate::error::{Fault, Parsed, Problem, UnsupportedTypeError};
use crate::items::{Function, Place, Typedef, Variable};
use crate::parser::Parser;
use crate::specifiers::{Specifiers, Storage};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;

impl Parser<'_> {
    pub(crate) fn define(
        &mut self,
        specifiers: &Specifiers,
        name: Name,
        ty: DeclaredType,
        symbol: Option<Arc<str>>,
    ) -> Parsed<()> {
        if specifiers.storage.contains(Storage::TYPEDEF) {
            return self.define_type(name, ty);
        }
        let Name { text: name, at } = name;
        let (file, line) = self.presumed(at);
        let conflict = |previous: usize| {
            let what = format!("`{name}`");
            Err(Fault::new(at, Problem::Conflict { what, previous }))
        };
        let internal = specifiers.storage.intersects(Storage::STATIC | Storage::INLINE);
        match (ty.kind(), self.header.places.get(&name)) {
            (DeclaredKind::Function(new), None) => {
                let index = self.header.functions.len();
                self.header.places.insert(name.clone(), Place::Function(index));
                self.declared.push(index);
                self.header.functions.push(Function {
                    name,
                    symbol,
                    convention: new.convention.unwrap_or(self.header.options.convention),
                    signature: Err(UnsupportedTypeError {
                        what: String::new(),
                        reason: String::new(),
                        position: None,
                    }),
                    ty: new.clone(),
                    inline: internal,
                    file,
                    line,
                });
            }
            (DeclaredKind::Function(new), Some(&Place::Function(index))) => {
                let old = &mut self.header.functions[index];
                let same = DeclaredType::new(DeclaredKind::Function(old.ty.clone())) == ty;
                if !(same || old.ty.unspecified || new.unspecified) {
                    return conflict(old.line);
                }
                if old.ty.unspecified {
                    old.ty = new.clone();
                }
                old.symbol = symbol.or(old.symbol.take());
                self.declared.push(index);
            }
            (_, None) => {
                if ty.is_void() {
                    let what = format!("`void {name}`");
                    return Err(Fault::new(
                        at,
                        Problem::NotAllowed { what, verb: "be a variable" },
                    ));
                }
                let index = self.header.variables.len();
                self.header.places.insert(name.clone(), Place::Variable(index));
                self.header.variables.push(Variable { name, symbol, ty, internal, file, line });
            }
            (_, Some(&Place::Variable(index))) => {
                let old = &self.header.variables[index];
                // `extern int list[]; int list[3];` is how arrays get their length.
                let is_array = |ty: &DeclaredType| matches!(ty.kind(), DeclaredKind::Array(..));
                if old.ty != ty && !(is_array(&old.ty) && is_array(&ty)) {
                    return conflict(old.line);
                }
            }
            (_, Some(&Place::Function(index))) => {
                return conflict(self.header.functions[index].line);
            }
        }
        Ok(())
    }

    /// The file and line that the text says a declaration is from; without a file, its own line.
    fn presumed(&self, at: u32) -> (Option<Arc<str>>, usize) {
        let line = self.source.line(at);
        let before = self.markers.partition_point(|marker| marker.at <= at);
        match before.checked_sub(1).map(|index| &self.markers[index]) {
            Some(marker) => {
                let behind = line.saturating_sub(self.source.line(marker.at) + 1);
                (Some(marker.file.clone()), marker.line.saturating_add(behind))
            }
            None => (None, line),
        }
    }

    fn define_type(&mut self, name: Name, ty: DeclaredType) -> Parsed<()> {
        let Name { text: name, at } = name;
        if let Some(Typedef { ty: old, line: Some(previous) }) = self.header.typedefs.get(&name)
            && *old != ty
        {
            let what = format!("type `{name}`");
            let previous = *previous;
            return Err(Fault::new(at, Problem::Conflict { what, previous }));
        }
        let ty = ty.named(name.clone());
        self.header.typedefs.insert(name, Typedef { ty, line: Some(self.source.line(at)) });
        Ok(())
    }
}
