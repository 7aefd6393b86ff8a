//! Random definitions of structs and unions, as C text.

use fastrand::Rng;
use std::fmt::Write;

/// What the definitions may have besides.
#[derive(Debug, Clone, Copy)]
pub struct Kinds {
    /// Attributes `aligned`.
    pub aligned: bool,
    /// Bit-fields that are packed, or in unions, or of width 0 under `#pragma pack`.
    pub odd_bits: bool,
}

/// Definitions without end: `struct s0 { … };`, `union s1 { … };` and so on. The same seed gives
/// the same ones.
pub fn definitions(seed: u64, kinds: Kinds) -> impl Iterator<Item = String> {
    let (rng, tags) = (Rng::with_seed(seed), Vec::new());
    let mut random = Random { rng, tags, members: 0, packed: false, kinds };
    std::iter::repeat_with(move || random.definition())
}

/// What is declared before them.
pub const BEFORE: &str = "\
enum small { SMALL = 1 }; enum negative { NEGATIVE = -1 }; enum big { BIG = 0xffffffff };
typedef short v8 __attribute__((vector_size(8)));
typedef float v16 __attribute__((vector_size(16)));
typedef int v32 __attribute__((vector_size(32)));
typedef double v64 __attribute__((vector_size(64)));
typedef short wide __attribute__((aligned(8)));
";

const TYPES: [&str; 26] = [
    "_Bool",
    "char",
    "signed char",
    "unsigned char",
    "short",
    "unsigned short",
    "int",
    "unsigned int",
    "long",
    "unsigned long",
    "long long",
    "unsigned long long",
    "__int128",
    "float",
    "double",
    "long double",
    "float _Complex",
    "double _Complex",
    "void *",
    "enum small",
    "enum negative",
    "v8",
    "v16",
    "v32",
    "v64",
    "wide",
];

/// With the most bits that a field of the type has, `long`'s on every platform.
const BIT_TYPES: [(&str, u32); 11] = [
    ("_Bool", 1),
    ("signed char", 8),
    ("unsigned char", 8),
    ("short", 16),
    ("unsigned short", 16),
    ("int", 32),
    ("unsigned int", 32),
    ("long", 32),
    ("unsigned long long", 64),
    ("long long", 64),
    ("enum big", 32),
];

struct Random {
    rng: Rng,
    /// Those that later ones may have as members.
    tags: Vec<String>,
    /// So that every member has another name, anonymous ones' members too.
    members: usize,
    /// Whether `#pragma pack` is in force.
    packed: bool,
    kinds: Kinds,
}

impl Random {
    fn one_in(&mut self, n: u32) -> bool {
        self.rng.u32(0..n) == 0
    }

    fn definition(&mut self) -> String {
        let kind = if self.one_in(6) { "union" } else { "struct" };
        let tag = format!("{kind} s{}", self.tags.len());
        self.members = 0;
        let pack = if self.one_in(8) { 1 << self.rng.u32(0..5) } else { 0 };
        self.packed = pack != 0;
        let body = self.body(2, kind == "union");
        self.tags.push(tag.clone());
        match pack {
            0 => format!("{tag} {body};\n"),
            n => format!("#pragma pack(push, {n})\n{tag} {body};\n#pragma pack(pop)\n"),
        }
    }

    /// From the opening brace to the attributes behind the closing one.
    fn body(&mut self, depth: u32, union: bool) -> String {
        let bits = self.one_in(2) && (self.kinds.odd_bits || !union);
        let mut text = String::from("{ ");
        for index in 0..self.rng.u32(1..=5) {
            // One at least has a name.
            text += &match self.rng.u32(0..8) {
                0..=4 if bits => self.bit_field(index > 0),
                5 if depth > 0 => self.anonymous(depth),
                _ => self.member(),
            };
        }
        text.push('}');
        if (self.kinds.odd_bits || !bits) && self.one_in(8) {
            text += " __attribute__((packed))";
        }
        if self.kinds.aligned && self.one_in(8) {
            let _ = write!(text, " __attribute__((aligned({})))", 1 << self.rng.u32(0..6));
        }
        text
    }

    fn name(&mut self) -> String {
        self.members += 1;
        format!("m{}", self.members)
    }

    fn anonymous(&mut self, depth: u32) -> String {
        let kind = if self.one_in(3) { "union" } else { "struct" };
        let body = self.body(depth - 1, kind == "union");
        let name = if self.one_in(2) { format!(" {}", self.name()) } else { String::new() };
        // An attribute behind the brace is the type's, also where a name follows.
        format!("{kind} {body}{name}; ")
    }

    fn member(&mut self) -> String {
        let recent = self.tags.len().saturating_sub(50);
        let ty = match self.rng.u32(0..6) {
            0 if !self.tags.is_empty() => {
                self.tags[self.rng.usize(recent..self.tags.len())].clone()
            }
            // The last one is aligned.
            _ => TYPES[self.rng.usize(0..TYPES.len() - usize::from(!self.kinds.aligned))].into(),
        };
        let mut text = format!("{ty} {}", self.name());
        // C has no arrays of what is aligned to more than its size.
        if ty != "wide" && self.one_in(6) {
            let _ = write!(text, "[{}]", self.rng.u32(1..=3));
        }
        text + &self.attributes() + "; "
    }

    fn bit_field(&mut self, may_be_unnamed: bool) -> String {
        let (ty, most) = BIT_TYPES[self.rng.usize(0..BIT_TYPES.len())];
        // `enum big : 5` begins an enum of a type of its own.
        if may_be_unnamed && self.one_in(5) && !ty.starts_with("enum") {
            let least = u32::from(self.packed && !self.kinds.odd_bits);
            return format!("{ty} : {}; ", self.rng.u32(least..=most));
        }
        let (name, width) = (self.name(), self.rng.u32(1..=most));
        // Where gcc and clang differ (docs/differences.md): what `#pragma pack` leaves of `aligned`,
        // and an alignment below the type's.
        let attribute = match self.rng.u32(0..12) {
            0 if self.kinds.odd_bits => " __attribute__((packed))".into(),
            1 if self.kinds.aligned && !self.packed => {
                format!(" __attribute__((aligned({})))", 8 << self.rng.u32(0..3))
            }
            _ => String::new(),
        };
        format!("{ty} {name} : {width}{attribute}; ")
    }

    fn attributes(&mut self) -> String {
        let mut text = String::new();
        if self.one_in(12) {
            text += " __attribute__((packed))";
        }
        if self.kinds.aligned && self.one_in(12) {
            let _ = write!(text, " __attribute__((aligned({})))", 1 << self.rng.u32(0..6));
        }
        text
    }
}
