//! Random definitions of structs and unions, as C text.

use fastrand::Rng;
use std::fmt::Write;

/// Which shapes there are: a compiler is asked for those of which it has the platform's layout
/// (`docs/differences.md`).
#[derive(Debug, Clone, Copy)]
pub struct Shapes {
    /// Whether there are `aligned` attributes and `_Alignas`.
    pub aligned: bool,
    /// Whether there are `packed` attributes and `#pragma pack`.
    pub packed: bool,
    /// Whether bit-fields may be aligned to less than their type, and where `#pragma pack` is in
    /// force.
    pub any_bits: bool,
    /// Whether there are bit-fields in unions and in what has a `packed` attribute, and ones of no
    /// width where `#pragma pack` is in force.
    pub packed_bits: bool,
    /// The bits of a `long`.
    pub long: u32,
}

/// Definitions without end: `struct s0 { … };`, `union s1 { … };` and so on. The same seed gives
/// the same ones.
pub fn definitions(seed: u64, shapes: Shapes) -> impl Iterator<Item = String> {
    let (rng, tags) = (Rng::with_seed(seed), Vec::new());
    let mut random = Random { rng, tags, members: 0, pragma: false, shapes };
    std::iter::repeat_with(move || random.definition())
}

/// After so many a new batch begins, which has none of those before it as members.
pub const BATCH: usize = 1_000;

/// What is declared before them.
pub const BEFORE: &str = "\
enum small { SMALL = 1 }; enum negative { NEGATIVE = -1 }; enum big { BIG = 0xffffffff };
typedef short v8 __attribute__((vector_size(8)));
typedef float v16 __attribute__((vector_size(16)));
typedef int v32 __attribute__((vector_size(32)));
typedef double v64 __attribute__((vector_size(64)));
typedef short wide __attribute__((aligned(8)));
";

const TYPES: [&str; 30] = [
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
    "unsigned __int128",
    "_Float16",
    "float",
    "double",
    "long double",
    "float _Complex",
    "double _Complex",
    "long double _Complex",
    "void *",
    "enum small",
    "enum negative",
    "enum big",
    "v8",
    "v16",
    "v32",
    "v64",
    "wide",
];

/// With the most bits that a field of the type has; 0 is for `long`'s.
const BIT_TYPES: [(&str, u32); 16] = [
    ("_Bool", 1),
    ("char", 8),
    ("signed char", 8),
    ("unsigned char", 8),
    ("short", 16),
    ("unsigned short", 16),
    ("int", 32),
    ("unsigned int", 32),
    ("long", 0),
    ("unsigned long", 0),
    ("long long", 64),
    ("unsigned long long", 64),
    ("__int128", 128),
    ("unsigned __int128", 128),
    ("enum negative", 32),
    ("enum big", 32),
];

struct Random {
    rng: Rng,
    /// Those that later ones may have as members.
    tags: Vec<String>,
    /// So that every member has another name, anonymous ones' members too.
    members: usize,
    /// Whether `#pragma pack` is in force.
    pragma: bool,
    shapes: Shapes,
}

impl Random {
    fn one_in(&mut self, n: u32) -> bool {
        self.rng.u32(0..n) == 0
    }

    fn definition(&mut self) -> String {
        let kind = if self.one_in(6) { "union" } else { "struct" };
        let tag = format!("s{}", self.tags.len());
        self.members = 0;
        let pack = if self.shapes.packed && self.one_in(8) { 1 << self.rng.u32(0..5) } else { 0 };
        self.pragma = pack != 0;
        let text = self.aggregate(kind, &tag, 2);
        self.tags.push(format!("{kind} {tag}"));
        match pack {
            0 => format!("{text};\n"),
            n => format!("#pragma pack(push, {n})\n{text};\n#pragma pack(pop)\n"),
        }
    }

    fn aggregate(&mut self, kind: &str, tag: &str, depth: u32) -> String {
        // They are the type's before the tag, and behind the brace also where a name follows.
        let (mut before, mut behind) = (String::new(), String::new());
        let mut attribute = |text: String, first: bool| {
            *(if first { &mut before } else { &mut behind }) +=
                &format!(" __attribute__(({text}))");
        };
        let packed = self.shapes.packed && self.one_in(8);
        if packed {
            attribute("packed".into(), self.one_in(2));
        }
        if self.shapes.aligned && self.one_in(8) {
            attribute(format!("aligned({})", 1 << self.rng.u32(0..6)), self.one_in(2));
        }
        let other = packed || kind == "union";
        let bits = self.one_in(2) && (self.shapes.packed_bits || !other);
        let mut members = String::new();
        for index in 0..self.rng.u32(1..=5) {
            // One at least has a name.
            members += &match self.rng.u32(0..8) {
                0..=4 if bits => self.bit_field(index > 0),
                5 if depth > 0 => self.anonymous(depth),
                _ => self.member(),
            };
        }
        format!("{kind}{before} {tag} {{ {members}}}{behind}")
    }

    fn name(&mut self) -> String {
        self.members += 1;
        format!("m{}", self.members)
    }

    fn anonymous(&mut self, depth: u32) -> String {
        let kind = if self.one_in(3) { "union" } else { "struct" };
        let text = self.aggregate(kind, "", depth - 1);
        let name = if self.one_in(2) { format!(" {}", self.name()) } else { String::new() };
        format!("{text}{name}; ")
    }

    fn member(&mut self) -> String {
        let len = self.tags.len();
        let recent = len.saturating_sub(50).max(len / BATCH * BATCH);
        let ty = match self.rng.u32(0..6) {
            0 if recent < len => self.tags[self.rng.usize(recent..len)].clone(),
            // The last one is aligned.
            _ => TYPES[self.rng.usize(0..TYPES.len() - usize::from(!self.shapes.aligned))].into(),
        };
        let mut text = String::new();
        if self.shapes.aligned && self.one_in(12) {
            // C has none that lowers the type's.
            let align = 1 << self.rng.u32(0..7);
            let _ = write!(text, "_Alignas({align}) _Alignas({ty}) ");
        }
        let _ = write!(text, "{ty} {}", self.name());
        // C has no arrays of what is aligned to more than its size.
        if ty != "wide" && self.one_in(6) {
            let _ = write!(text, "[{}]", self.rng.u32(1..=3));
        }
        text + &self.attributes() + "; "
    }

    fn bit_field(&mut self, may_be_unnamed: bool) -> String {
        let (ty, most) = match BIT_TYPES[self.rng.usize(0..BIT_TYPES.len())] {
            (ty, 0) => (ty, self.shapes.long),
            other => other,
        };
        // `enum big : 5` begins an enum of a type of its own.
        if may_be_unnamed && self.one_in(5) && !ty.starts_with("enum") {
            let zero = self.one_in(2) && (self.shapes.packed_bits || !self.pragma);
            let width = if zero { 0 } else { self.width(most) };
            return format!("{ty} : {width}; ");
        }
        let (name, width) = (self.name(), self.width(most));
        let any = self.shapes.any_bits;
        let least = if any { 1 } else { most.div_ceil(8) };
        let attribute = match self.rng.u32(0..12) {
            0 if self.shapes.packed && self.shapes.packed_bits => " __attribute__((packed))".into(),
            1 if self.shapes.aligned && (any || !self.pragma) => {
                format!(" __attribute__((aligned({})))", least << self.rng.u32(0..4))
            }
            _ => String::new(),
        };
        format!("{ty} {name} : {width}{attribute}; ")
    }

    /// Often that of a whole unit, where rules have their corners.
    fn width(&mut self, most: u32) -> u32 {
        if self.one_in(4) { most } else { self.rng.u32(1..=most) }
    }

    fn attributes(&mut self) -> String {
        let mut text = String::new();
        if self.shapes.packed && self.one_in(12) {
            text += " __attribute__((packed))";
        }
        if self.shapes.aligned && self.one_in(12) {
            let _ = write!(text, " __attribute__((aligned({})))", 1 << self.rng.u32(0..6));
        }
        text
    }
}
