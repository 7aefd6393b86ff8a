//! Structs, unions and enums (C17 6.7.2.1 and 6.7.2.2).

use crate::attributes::Attributes;
use crate::constant;
use crate::ctype::{Basic, DeclaredKind, DeclaredType, Tag, TagId, TagKind};
use crate::error::{Fault, Parsed, Problem};
use crate::items::{Body, Constant, Enumeration, Member, Record, Tagged};
use crate::lex::Kind;
use crate::lower;
use crate::parser::Parser;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use ffi_types::record::{self, Rules};
use ffi_types::{AggregateBuilder, Type};

/// A member as written.
struct Declared {
    name: Option<Arc<str>>,
    ty: DeclaredType,
    width: Option<u32>,
    packed: bool,
    align: Option<u64>,
}

impl Parser<'_> {
    /// What starts with `struct`, `union` or `enum`.
    pub(crate) fn tagged(&mut self, outside: &mut Attributes) -> Parsed<DeclaredType> {
        let kind = match self.word() {
            "struct" => TagKind::Struct,
            "union" => TagKind::Union,
            _ => TagKind::Enum,
        };
        self.bump();
        let mut attributes = Attributes::default();
        while self.attribute(&mut attributes)? {}
        let token = self.peek();
        let named = token.kind == Kind::Word && !self.is_keyword(token);
        let name: Option<Arc<str>> = named.then(|| Arc::from(self.text_of(token)));
        if named {
            self.bump();
        }
        let fixed = match kind {
            TagKind::Enum if self.accept(":") => Some(self.underlying()?),
            _ => None,
        };
        if name.is_none() && !self.peek().is("{") {
            return Err(self.unexpected("a name or `{`"));
        }
        let id = self.tag(kind, name, token.at)?;
        let tag = self.header.tagged[id.0 as usize].tag.clone();
        if self.peek().is("{") {
            self.start(id, token.at)?;
            let body = match kind {
                TagKind::Enum => self.enumerators(fixed, &mut attributes)?,
                _ => self.members(&tag, token.at, &mut attributes)?,
            };
            self.header.tagged[id.0 as usize].body = body;
        } else if attributes.align.is_some() || attributes.packed {
            outside.align = outside.align.max(attributes.align);
        }
        Ok(DeclaredType::new(DeclaredKind::Tagged(tag, id)))
    }

    /// The number of a tag, which is made known if it is not.
    fn tag(&mut self, kind: TagKind, name: Option<Arc<str>>, at: u32) -> Parsed<TagId> {
        if let Some(id) = name.as_ref().and_then(|name| self.header.tags.get(name)) {
            let old = &self.header.tagged[id.0 as usize];
            if old.tag.kind != kind {
                let (what, previous) = (format!("`{}`", old.tag), old.line);
                return Err(Fault::new(at, Problem::Conflict { what, previous }));
            }
            return Ok(*id);
        }
        let id = TagId(self.header.tagged.len() as u32);
        if let Some(name) = &name {
            self.header.tags.insert(name.clone(), id);
        }
        let (tag, line) = (Tag { kind, name }, self.source.line(at));
        self.header.tagged.push(Tagged { tag, line, defined: None, body: Body::Incomplete });
        Ok(id)
    }

    /// Marks a definition as begun; there may be one.
    fn start(&mut self, id: TagId, at: u32) -> Parsed<()> {
        let tagged = &mut self.header.tagged[id.0 as usize];
        if let Some(previous) = tagged.defined.replace(self.source.line(at)) {
            tagged.defined = Some(previous);
            let what = format!("`{}`", tagged.tag);
            return Err(Fault::new(at, Problem::Conflict { what, previous }));
        }
        Ok(())
    }

    /// Whether the type is, or is made of, a struct whose definition has begun and not ended.
    pub(crate) fn is_being_defined(&self, mut ty: &DeclaredType) -> bool {
        while let DeclaredKind::Array(element, _) = ty.kind() {
            ty = element;
        }
        let DeclaredKind::Tagged(_, id) = ty.kind() else { return false };
        let tagged = &self.header.tagged[id.0 as usize];
        tagged.defined.is_some() && matches!(tagged.body, Body::Incomplete)
    }

    /// Behind `enum name :`.
    fn underlying(&mut self) -> Parsed<Basic> {
        let at = self.peek().at;
        let ty = self.type_name()?;
        match ty.kind() {
            DeclaredKind::Basic(basic) if !basic.is_float() => Ok(*basic),
            _ => {
                let what = format!("`{ty}`");
                Err(Fault::new(at, Problem::NotAllowed { what, verb: "be an enum's type" }))
            }
        }
    }

    fn enumerators(&mut self, fixed: Option<Basic>, attributes: &mut Attributes) -> Parsed<Body> {
        self.bump();
        let mut constants = Vec::new();
        let mut next = 0_i128;
        while !self.accept("}") {
            let token = self.peek();
            if token.kind != Kind::Word || self.is_keyword(token) {
                return Err(self.unexpected("a constant's name or `}`"));
            }
            self.bump();
            while self.attribute(&mut Attributes::default())? {}
            if self.accept("=") {
                next = constant::expression(self)?.value;
            }
            let name: Arc<str> = Arc::from(self.text_of(token));
            let value = Constant::Integer(next);
            if let Some(old) = self.header.constants.insert(name.clone(), value.clone())
                && old != value
            {
                let (what, previous) = (format!("constant `{name}`"), 0);
                return Err(Fault::new(token.at, Problem::Conflict { what, previous }));
            }
            constants.push((name, next));
            next += 1;
            if !self.accept(",") {
                self.expect("}", "`,` or `}`")?;
                break;
            }
        }
        while self.attribute(attributes)? {}
        let least = constants.iter().map(|(_, value)| *value).min().unwrap_or(0);
        let most = constants.iter().map(|(_, value)| *value).max().unwrap_or(0);
        let underlying = fixed.unwrap_or_else(|| {
            use Basic::{Int, LongLong, Short, SignedChar, UnsignedChar, UnsignedInt};
            use Basic::{UnsignedLongLong, UnsignedShort};
            let order: &[(Basic, u32)] = match (attributes.packed, least < 0) {
                _ if self.header.options.is_msvc() => &[],
                (true, true) => &[(SignedChar, 7), (Short, 15), (Int, 31)],
                (true, false) => &[(UnsignedChar, 8), (UnsignedShort, 16), (UnsignedInt, 32)],
                (false, true) => &[(Int, 31), (LongLong, 63)],
                (false, false) => &[(UnsignedInt, 32), (UnsignedLongLong, 64)],
            };
            let fits = |bits: u32| most < 1 << bits && -least <= 1 << bits;
            order.iter().find(|(_, bits)| fits(*bits)).map_or(Int, |(basic, _)| *basic)
        });
        Ok(Body::Enum(Enumeration { underlying, constants }))
    }

    fn members(&mut self, tag: &Tag, at: u32, attributes: &mut Attributes) -> Parsed<Body> {
        self.bump();
        let (level, pack) = (self.braces, self.pack);
        let mut members = Vec::new();
        let mut names = BTreeMap::new();
        while !self.accept("}") {
            if self.peek().kind == Kind::End {
                return Err(self.unexpected("a member or `}`"));
            }
            let result = self.member(&mut members, &mut names);
            let Err(fault) = result else { continue };
            // One mistake ends one member, unless there is nothing left to read.
            if matches!(fault.problem, Problem::TooDeep { .. }) || self.peek().kind == Kind::End {
                return Err(fault);
            }
            self.fault(fault);
            self.recover(level);
        }
        while self.attribute(attributes)? {}
        let record = self.lay_out(tag, members, pack, attributes);
        record.map(Body::Record).map_err(|problem| Fault::new(at, problem))
    }

    /// One declaration of members.
    fn member(
        &mut self,
        members: &mut Vec<Declared>,
        names: &mut BTreeMap<Arc<str>, u32>,
    ) -> Parsed<()> {
        if self.accept(";") || self.assertion()? {
            return Ok(());
        }
        let start = self.peek().at;
        let specifiers = self.specifiers()?;
        if self.peek().is(";") {
            let anonymous = match specifiers.ty.kind() {
                DeclaredKind::Tagged(tag, _) => tag.name.is_none() && tag.kind != TagKind::Enum,
                _ => false,
            };
            self.bump();
            if anonymous {
                self.inner_names(&specifiers.ty, start, names)?;
                let Attributes { packed, align, .. } = specifiers.attributes;
                let (name, width) = (None, None);
                members.push(Declared { name, ty: specifiers.ty, width, packed, align });
            } else if !specifiers.tagged {
                self.warn(start, "this declares no member".into());
            }
            return Ok(());
        }
        loop {
            let mut attributes = specifiers.attributes;
            let (name, ty) = match self.peek().is(":") {
                true => (None, specifiers.ty.clone()),
                false => self.declarator(specifiers.ty.clone(), &mut attributes)?,
            };
            let at = name.as_ref().map_or(self.peek().at, |name| name.at);
            let width =
                if self.accept(":") { Some(self.width(&ty, name.is_some())?) } else { None };
            if name.is_none() && width.is_none() {
                return Err(self.unexpected("a member's name"));
            }
            while self.attribute(&mut attributes)? {}
            // The alignment is the member's, and not its type's.
            let align = attributes.align.take();
            let packed = attributes.packed;
            let ty = attributes.apply(self, ty, at)?;
            self.check_member(&ty, at)?;
            let name = name.map(|name| name.text);
            if let Some(name) = &name {
                self.unique(name, at, names)?;
            }
            members.push(Declared { name, ty, width, packed, align });
            if !self.accept(",") {
                return self.expect(";", "`;`, `,`, `:` or `[`").map(drop);
            }
        }
    }

    fn unique(&self, name: &Arc<str>, at: u32, names: &mut BTreeMap<Arc<str>, u32>) -> Parsed<()> {
        match names.insert(name.clone(), at) {
            None => Ok(()),
            Some(previous) => {
                let (what, previous) = (format!("member `{name}`"), self.source.line(previous));
                Err(Fault::new(at, Problem::Conflict { what, previous }))
            }
        }
    }

    /// The members of an anonymous member count as those of what it is in (C17 6.7.2.1, 13).
    fn inner_names(
        &self,
        ty: &DeclaredType,
        at: u32,
        names: &mut BTreeMap<Arc<str>, u32>,
    ) -> Parsed<()> {
        let mut work = alloc::vec![ty];
        while let Some(ty) = work.pop() {
            for member in self.header.record(ty).map_or(&[][..], Record::members) {
                match &member.name {
                    Some(name) => self.unique(name, at, names)?,
                    None => work.push(&member.ty),
                }
            }
        }
        Ok(())
    }

    fn check_member(&self, ty: &DeclaredType, at: u32) -> Parsed<()> {
        let what = format!("`{ty}`");
        if matches!(ty.kind(), DeclaredKind::Void | DeclaredKind::Function(_)) {
            return Err(Fault::new(at, Problem::NotAllowed { what, verb: "be a member" }));
        }
        let flexible = matches!(ty.kind(), DeclaredKind::Array(_, None));
        if !flexible && lower::size_align(self.header, ty).is_none() {
            let itself = self.is_being_defined(ty);
            return Err(Fault::new(at, Problem::Incomplete { what, itself }));
        }
        Ok(())
    }

    /// Behind a `:`.
    fn width(&mut self, ty: &DeclaredType, named: bool) -> Parsed<u32> {
        let at = self.peek().at;
        let integer = match ty.kind() {
            DeclaredKind::Basic(basic) => !basic.is_float(),
            DeclaredKind::Tagged(tag, _) => tag.kind == TagKind::Enum,
            _ => false,
        };
        let size = lower::size_align(self.header, ty).filter(|_| integer).map(|(size, _)| size);
        let Some(size) = size else {
            let what = format!("`{ty}`");
            return Err(Fault::new(at, Problem::NotAllowed { what, verb: "be a bit-field" }));
        };
        let found = constant::expression(self)?.value;
        let most = if matches!(ty.kind(), DeclaredKind::Basic(Basic::Bool)) { 1 } else { size * 8 };
        let least = u64::from(named);
        match u64::try_from(found) {
            Ok(width) if (least..=most).contains(&width) => Ok(width as u32),
            _ => {
                let (what, expected) = ("a bit-field's width", format!("{least} to {most}"));
                Err(Fault::new(at, Problem::Number { what, found, expected }))
            }
        }
    }

    fn lay_out(
        &self,
        tag: &Tag,
        declared: Vec<Declared>,
        pack: u32,
        attributes: &Attributes,
    ) -> Result<Record, Problem> {
        let options = self.header.options;
        let mut members = Vec::with_capacity(declared.len());
        for member in &declared {
            let (size, align) = self.member_size(&member.ty);
            members.push(record::Member {
                size,
                align,
                width: member.width,
                named: member.name.is_some(),
                packed: attributes.packed || member.packed,
                attribute: member.align,
            });
        }
        let rules = Rules {
            union: tag.kind == TagKind::Union,
            pack: pack.into(),
            attribute: attributes.align,
            convention: attributes.bit_fields_of(options.convention),
        };
        let layout = record::layout(&members, rules).ok();
        // Offsets are told in bits.
        let is_small =
            |layout: &record::Layout| layout.offsets.iter().all(|&o| o <= u64::MAX.into());
        let Some(layout) = layout.filter(is_small) else {
            return Err(Problem::Refused(format!("`{tag}` is larger than any memory")));
        };
        // Each member by itself is the same as the whole.
        let packed = members.iter().all(|member| member.packed) && !members.is_empty();
        let ty = self.record_type(tag, &declared, &members, &layout, rules, packed);
        let members = declared.into_iter().zip(members).zip(layout.offsets);
        let members = members.map(|((member, sizes), bit_offset)| Member {
            name: member.name,
            ty: member.ty,
            bit_offset: bit_offset as u64,
            width: member.width,
            size: sizes.size,
        });
        let (size, align) = (layout.size, layout.align);
        Ok(Record { tag: tag.clone(), members: members.collect(), size, align, ty })
    }

    /// Size and alignment; of a flexible array 0 and that of its element.
    fn member_size(&self, ty: &DeclaredType) -> (u64, u64) {
        let known = lower::size_align(self.header, ty);
        known.unwrap_or_else(|| {
            let element = ty.target().and_then(|element| lower::size_align(self.header, element));
            (0, element.map_or(1, |(_, align)| align))
        })
    }

    /// The type as `ffi-types` has it, or why it cannot be passed by value.
    fn record_type(
        &self,
        tag: &Tag,
        declared: &[Declared],
        members: &[record::Member],
        layout: &record::Layout,
        rules: Rules,
        packed: bool,
    ) -> Result<Type, String> {
        // By AAPCS64 only a struct without members is known to be empty.
        if layout.size == 0 && declared.iter().any(|member| !is_open(member)) {
            return Err("it has members, but no bytes".into());
        }
        let mut fields = Vec::with_capacity(declared.len());
        for member in declared {
            let name = member.name.as_deref().unwrap_or_default();
            if is_open(member) {
                let what = match member.ty.kind() {
                    DeclaredKind::Array(_, None) => "a flexible array",
                    _ => "of size 0",
                };
                return Err(format!("member `{name}` is {what}, so a copy would not be the whole"));
            }
            let ty = lower::lower(self.header, &member.ty);
            fields.push(ty.map_err(|error| format!("member `{name}`: {}", error.reason))?);
        }
        let builder = match (tag.kind, &tag.name) {
            (TagKind::Union, Some(name)) => Type::union(name),
            (TagKind::Union, None) => Type::anonymous_union(),
            (_, Some(name)) => Type::structure(name),
            (_, None) => Type::anonymous_structure(),
        };
        // A member may be packed by itself, or have the alignment of its `typedef`: all are then
        // packed, and each says what it is aligned to. Bit-fields cannot say that.
        let own = |(member, ty): (&record::Member, &Type)| {
            (member.packed && !packed) || member.align != ty.align() as u64
        };
        let each = members.iter().zip(&fields).any(own) || packed && rules.pack != 0;
        let bits = declared.iter().any(|member| member.width.is_some());
        let builder = if declared.is_empty() {
            builder.stated(layout.size as usize, layout.align as usize)
        } else if each && bits {
            stated(builder, declared, layout, fields)
        } else {
            plain(builder, declared, members, rules, fields, packed, each)
        };
        let ty = builder.build().map_err(|error| error.to_string())?;
        debug_assert_eq!(
            (ty.size() as u64, ty.align() as u64),
            (layout.size, layout.align),
            "{ty}"
        );
        Ok(ty)
    }
}

/// Whether it is a flexible array, or what GNU C has for one: an array of length 0.
fn is_open(member: &Declared) -> bool {
    matches!(member.ty.kind(), DeclaredKind::Array(_, None | Some(0)))
}

/// The attributes as they were written, or for `each` member by itself.
fn plain(
    mut builder: AggregateBuilder,
    declared: &[Declared],
    members: &[record::Member],
    rules: Rules,
    fields: Vec<Type>,
    packed: bool,
    each: bool,
) -> AggregateBuilder {
    for ((member, sizes), ty) in declared.iter().zip(members).zip(fields) {
        let name = member.name.as_deref().unwrap_or_default();
        let align = match each {
            true => Some(record::align_of(sizes, rules)),
            false => sizes.attribute,
        };
        let align = align.map(|align| align as usize);
        builder = match (member.width, align) {
            (Some(width), Some(align)) => builder.aligned_bit_field(name, ty, width, align),
            (Some(width), None) => builder.bit_field(name, ty, width),
            (None, Some(align)) => builder.aligned_field(name, ty, align),
            (None, None) => builder.field(name, ty),
        };
    }
    builder = builder.bit_fields_of(rules.convention);
    builder = match (packed || each, rules.pack) {
        (true, _) => builder.packed(),
        (false, 0) => builder,
        (false, most) => builder.pack(most as usize),
    };
    match rules.attribute {
        Some(align) => builder.align(align as usize),
        None => builder,
    }
}

/// What no attributes on the whole can say: the layout as it was computed.
fn stated(
    mut builder: AggregateBuilder,
    declared: &[Declared],
    layout: &record::Layout,
    fields: Vec<Type>,
) -> AggregateBuilder {
    for ((member, &offset), ty) in declared.iter().zip(&layout.offsets).zip(fields) {
        let name = member.name.as_deref().unwrap_or_default();
        builder = match member.width {
            // It takes no bits, and what it does to the others is done.
            Some(0) => builder,
            Some(width) => builder.bit_field_at(name, ty, width, offset as usize),
            None => builder.field_at(name, ty, (offset / 8) as usize),
        };
    }
    builder.stated(layout.size as usize, layout.align as usize)
}
