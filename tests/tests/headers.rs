//! The headers of the C library's mathematics, zlib and SQLite, as installed: read after the
//! preprocessor, and compared with what the compiler itself makes of them.

use fastrand::Rng;
use ffi::{Aapcs64, AggregateBuilder, Convention, Scalar, Signature, Type, Win64};
use ffi_cdecl::{DeclaredType, Header, Options, Record};
use ffi_tests::compile::{Compiler, accepts, compilers, preprocessed};
use ffi_tests::random;
use std::fmt::Write;

/// Reads a header, and has the compiler check sizes, offsets and prototypes.
fn compare(name: &str, some_function: &str, least: usize) {
    for compiler in compilers() {
        let include = format!("#include <{name}>\n#include <stddef.h>\n");
        let text = preprocessed(compiler, &include);
        let header = Header::parse(text)
            .unwrap_or_else(|errors| panic!("{name}, {}: {errors}", compiler.command));
        assert_eq!(header.warnings(), [], "{name}, {}", compiler.command);
        assert!(header.function(some_function).is_some(), "{name} has {some_function}");
        assert!(header.functions().len() >= least, "{name}: {}", header.functions().len());
        let (source, count) = checks(&header, &include);
        if let Err(complaint) = accepts(compiler, &source) {
            let complaint: String = complaint.lines().take(20).collect::<Vec<_>>().join("\n");
            panic!("{name}, {}: {complaint}", compiler.command);
        }
        println!("{name}, {}: {count} checks", compiler.command);
    }
}

/// C that compiles if the header was read right.
fn checks(header: &Header, include: &str) -> (String, usize) {
    let mut source = String::from(include);
    let mut count = 0;
    let mut check = |what: String, value: u64| {
        let _ = writeln!(source, "_Static_assert({what} == {value}, \"{what}\");");
        count += 1;
    };
    for record in header.records() {
        if let Some(name) = &record.tag().name {
            check_record(&format!("{} {name}", record.tag().kind), record, &mut check);
        }
    }
    for (name, ty) in header.typedefs() {
        if let Some((size, align)) = header.size_align(ty) {
            check(format!("sizeof({name})"), size);
            check(format!("_Alignof({name})"), align);
        }
        if let Some(record) = header.record(ty) {
            check_record(name, record, &mut check);
        }
    }
    // A second prototype that says something else is an error; some names are macros too.
    for function in header.functions().iter().filter(|function| !function.is_inline()) {
        let _ = writeln!(source, "#undef {}\n{function};", function.name());
        count += 1;
    }
    (source, count)
}

fn check_record(name: &str, record: &Record, check: &mut impl FnMut(String, u64)) {
    check(format!("sizeof({name})"), record.size());
    check(format!("_Alignof({name})"), record.align());
    for member in record.members().iter().filter(|member| member.width().is_none()) {
        if let Some(member_name) = member.name() {
            check(format!("offsetof({name}, {member_name})"), member.offset());
        }
    }
    // What is passed by value is laid out the same.
    if let Ok(ty) = record.ty() {
        assert_eq!(
            (ty.size() as u64, ty.align() as u64),
            (record.size(), record.align()),
            "{name}"
        );
        for field in ty.fields() {
            let same = |m: &&ffi_cdecl::Member| m.name() == Some(field.name());
            if let Some(member) = record.members().iter().find(same) {
                assert_eq!(field.offset() as u64, member.offset(), "{name}.{}", field.name());
            }
        }
    }
}

#[test]
fn mathematics() {
    compare("math.h", "cbrt", 100);
}

#[test]
fn zlib() {
    compare("zlib.h", "deflateInit2_", 80);
}

#[test]
fn sqlite() {
    compare("sqlite3.h", "sqlite3_prepare_v2", 200);
}

/// The names of its vectors are known before it says them, and say the same.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[test]
fn vector_instructions() {
    for compiler in compilers() {
        let text = preprocessed(compiler, "#include <immintrin.h>\n");
        let header =
            Header::parse(text).unwrap_or_else(|errors| panic!("{}: {errors}", compiler.command));
        let known = Header::parse("").expect("nothing");
        for name in ["__m128", "__m128d", "__m128i", "__m256", "__m256i", "__m512", "__m512d"] {
            let known = known.ty(name).expect("it can be passed");
            assert_eq!(header.ty(name), Ok(known), "{}: {name}", compiler.command);
        }
    }
}

/// The names that are known from the start are what the platform's own headers make of them.
#[test]
fn known_names() {
    const NAMES: &str = "bool int8_t uint8_t int16_t uint16_t int32_t uint32_t int64_t uint64_t \
        int_least8_t uint_least8_t int_least16_t uint_least16_t int_least32_t uint_least32_t \
        int_least64_t uint_least64_t int_fast8_t uint_fast8_t int_fast64_t uint_fast64_t \
        intmax_t uintmax_t intptr_t uintptr_t ptrdiff_t size_t ssize_t off_t off64_t time_t \
        clock_t clockid_t useconds_t pid_t mode_t dev_t ino_t wint_t wchar_t char16_t char32_t";
    const POSIX: &str = "uid_t gid_t id_t key_t suseconds_t blkcnt_t socklen_t in_addr_t in_port_t";
    let mut source = String::from(
        "#define _GNU_SOURCE\n#define _POSIX_C_SOURCE 200809L\n#include <stdint.h>\n\
         #include <stddef.h>\n#include <stdbool.h>\n#include <wchar.h>\n#include <uchar.h>\n\
         #include <time.h>\n#include <sys/types.h>\n#include <unistd.h>\n",
    );
    if !cfg!(windows) {
        source += "#include <sys/socket.h>\n#include <netinet/in.h>\n";
    }
    let header = Header::parse("").expect("nothing");
    let posix = if cfg!(windows) { "" } else { POSIX };
    for name in NAMES.split_whitespace().chain(posix.split_whitespace()) {
        let ty = header.ty(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        let scalar = ty.as_scalar().expect(name);
        let (size, signed) = (scalar.size(), u8::from(scalar.is_signed()));
        let _ = writeln!(source, "_Static_assert(sizeof({name}) == {size}, \"{name}\");");
        let _ = writeln!(source, "_Static_assert((({name})-1 < 0) == {signed}, \"{name}\");");
    }
    for compiler in compilers() {
        if let Err(complaint) = accepts(compiler, &source) {
            panic!("{}: {complaint}", compiler.command);
        }
    }
}

/// Everything that the type system has, in structs of no library.
const CORNERS: &str = "
    struct bits { unsigned a : 3, b : 30; char c : 2; long long d : 40; short : 0; char e; };
    struct more_bits { char a : 1; short b : 9; int c : 17; unsigned char d : 8; char e; };
    union bit_union { int a : 5; char b[3]; };
    struct bool_bits { _Bool a : 1, b : 1; signed char c : 6; long long d : 33; };
    struct __attribute__((packed)) packed { char a; double b; short c; };
    struct packed_member { char a; double b __attribute__((packed)); char c; int d; };
    struct aligned_member { char a; int b __attribute__((aligned(16))); char c; };
    struct aligned { char a[3]; } __attribute__((aligned(8)));
    struct nested { struct aligned one; struct { char x; struct packed y[2]; }; };
    #pragma pack(push, 2)
    struct pragma { char a; long long b; struct { int c; } d; };
    #pragma pack(pop)
    struct after { char a; long long b; };
    typedef short wide __attribute__((aligned(8)));
    struct with_wide { char a; wide b; char c; };
    struct long_double { char a; long double b; float _Complex c; };
    struct vectors { char a; float b __attribute__((vector_size(16))); };
    struct int128 { char a; unsigned __int128 b; };
    struct flexible { char a; int b[]; };
    enum small { SMALL = 1 }; enum negative { NEGATIVE = -1 }; enum big { BIG = 0xffffffff };
    struct enums { char a; enum small b; enum negative c; enum big d; };
    struct array { char rows[2][3][sizeof(long)]; void (*f[4])(void); };
    typedef char *(*function)(struct bits *, const int (*)[5], enum small, ...);
    function choose(function, struct nested, union bit_union *const *);
";

#[test]
fn corners() {
    for compiler in compilers() {
        // To clang bit-fields do not count for the alignment of a union, as to Microsoft's own
        // compiler; to gcc for Windows, whose platform this is, they do.
        let differs = cfg!(windows) && compiler.command.contains("clang");
        let text = CORNERS.replace("int a : 5;", if differs { "int a;" } else { "int a : 5;" });
        let header = Header::parse(&text).unwrap_or_else(|errors| panic!("{errors}"));
        let (source, count) = checks(&header, &format!("#include <stddef.h>\n{text}"));
        if let Err(complaint) = accepts(compiler, &source) {
            panic!("{}: {complaint}", compiler.command);
        }
        assert!(count > 70, "{count}");
    }
}

/// The same as the other platforms have it, by the compiler that knows them all.
#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
#[test]
fn corners_of_other_platforms() {
    for (convention, target) in [
        (Convention::SysV, "--target=x86_64-linux-gnu"),
        (Convention::SysV, "--target=x86_64-apple-macos11"),
        (Convention::Win64(Win64::Msvc), "--target=x86_64-pc-windows-msvc"),
        (Convention::Aapcs64(Aapcs64::Windows), "--target=aarch64-pc-windows-msvc"),
        (Convention::Aapcs64(Aapcs64::Apple), "--target=arm64-apple-macos11"),
    ] {
        let header = Options::for_convention(convention).parse(CORNERS);
        let header = header.unwrap_or_else(|errors| panic!("{errors}"));
        let before = format!("#define offsetof __builtin_offsetof\n{CORNERS}");
        let (source, count) = checks(&header, &before);
        ffi_tests::compile::object_file(&[target, "-ffreestanding"], &source);
        assert!(count > 70, "{target}: {count}");
    }
}

/// The comparison notices: a compiler does not accept a size, or a prototype, that is wrong.
#[test]
fn a_difference_is_noticed() {
    let compiler: Compiler = compilers()[0];
    let read = |text: &str| Header::parse(text).expect("it is C");
    let (ours, theirs) = ("struct s { int a; char b; };", "struct s { char b; int a; };");
    let (source, _) = checks(&read(ours), &format!("#include <stddef.h>\n{theirs}\n"));
    assert!(
        accepts(compiler, &source).expect_err("offsets differ").contains("offsetof(struct s, a)")
    );
    let (source, _) = checks(&read("int f(int);"), "int f(long);\n");
    assert!(accepts(compiler, &source).expect_err("types differ").contains("conflicting types"));
}

/// Each declaration printed and read again is the same type.
#[test]
fn what_is_printed_reads_back() {
    let text = preprocessed(compilers()[0], "#include <sqlite3.h>\n");
    let mut header = Header::parse(text).unwrap_or_else(|errors| panic!("{errors}"));
    let printed: Vec<(String, String)> = header
        .functions()
        .iter()
        .map(|function| (function.name().into(), function.to_string()))
        .collect();
    for (name, prototype) in printed {
        // A prototype that says something else is a conflict.
        let again = header.parse_function(&prototype).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!((again.name(), again.to_string()), (&*name, prototype));
    }
    let types: Vec<(String, DeclaredType)> =
        header.typedefs().map(|(name, ty)| (name.to_string(), ty.clone())).collect();
    for (name, ty) in types {
        assert_eq!(header.parse_type(&name).unwrap_or_else(|e| panic!("{e}")), ty);
    }
}

/// Any type, printed as C for any platform and read there again, is the same type.
#[test]
fn printed_types_read_back() {
    let (seed, count) = random::from_environment(random::COUNT);
    for convention in [
        Convention::SysV,
        Convention::Win64(Win64::Msvc),
        Convention::Win64(Win64::Gnu),
        Convention::Aapcs64(Aapcs64::Standard),
        Convention::Aapcs64(Aapcs64::Apple),
        Convention::Aapcs64(Aapcs64::Windows),
    ] {
        let mut any = AnyType { rng: Rng::with_seed(seed), convention, tags: 0 };
        for _ in 0..count {
            let types = [(); 3].map(|()| any.ty(3));
            let [result, arguments @ ..] = types;
            let signature = Signature::new(convention, result, arguments).expect("a signature");
            let text = signature.to_string();
            let mut header = Options::for_convention(convention).empty();
            let again = header.parse_type(&text).unwrap_or_else(|errors| panic!("{errors}"));
            let function = again.function().unwrap_or_else(|| panic!("{text} is no function"));
            let again = header.signature_of(function, []).expect(&text);
            assert_eq!(again, signature, "{convention}: {text}\n{again}");
        }
    }
}

/// Types of every kind that C text can say, which leaves out stated layouts, and bit-fields under
/// `#pragma pack`: no attribute stands for that.
struct AnyType {
    rng: Rng,
    convention: Convention,
    tags: usize,
}

impl AnyType {
    fn one_in(&mut self, n: u32) -> bool {
        self.rng.u32(0..n) == 0
    }

    fn scalar(&mut self, of: fn(Scalar) -> bool) -> Scalar {
        let all = Scalar::ALL.into_iter().filter(|&scalar| of(scalar)).collect::<Vec<_>>();
        all[self.rng.usize(0..all.len())]
    }

    fn ty(&mut self, depth: u32) -> Type {
        match self.rng.u32(0..8) {
            0 => Type::complex(self.scalar(|s| s.is_float() && s != Scalar::BF16)).expect("C's"),
            1 => {
                let element =
                    self.scalar(|s| s.size() <= 8 && !matches!(s, Scalar::Bool | Scalar::Pointer));
                // By AAPCS64 no vector is larger.
                let most = if matches!(self.convention, Convention::Aapcs64(_)) { 2 } else { 4 };
                let size = 8 << self.rng.u32(0..most);
                Type::vector(element, size / element.size()).expect("a vector")
            }
            2..=4 if depth > 0 => self.aggregate(depth),
            _ => Type::scalar(self.scalar(|_| true)),
        }
    }

    fn aggregate(&mut self, depth: u32) -> Type {
        self.tags += 1;
        let tag = format!("s{}", self.tags);
        let mut builder = match self.rng.u32(0..8) {
            0 => return Type::structure(&tag).stated(0, 1).build().expect("GNU C's"),
            1 => Type::union(&tag),
            2 => Type::anonymous_union(),
            3..=5 => Type::structure(&tag),
            _ => Type::anonymous_structure(),
        };
        let bits = self.one_in(2);
        if self.one_in(4) {
            builder = builder.bit_fields_of(self.other_bit_fields());
        } else {
            builder = builder.bit_fields_of(self.convention);
        }
        for index in 0..self.rng.usize(1..=5) {
            let name = format!("f{index}");
            builder = match self.rng.u32(0..6) {
                0..=2 if bits => self.bit_field(builder, &name, index > 0),
                3 => builder.aligned_field(&name, self.ty(depth - 1), 1 << self.rng.u32(0..6)),
                4 => {
                    let array = Type::array(self.ty(depth - 1), self.rng.usize(1..=3));
                    builder.field(&name, array.expect("an array"))
                }
                _ => builder.field(&name, self.ty(depth - 1)),
            };
        }
        match self.rng.u32(0..8) {
            0 => builder = builder.packed(),
            1 if !bits => builder = builder.pack(1 << self.rng.u32(0..4)),
            2 => builder = builder.align(1 << self.rng.u32(0..7)),
            _ => {}
        }
        let ty = builder.build().expect("a C type");
        // What has members and no bytes is not read.
        if ty.size() == 0 { Type::I8 } else { ty }
    }

    fn bit_field(
        &mut self,
        builder: AggregateBuilder,
        name: &str,
        may_be_unnamed: bool,
    ) -> AggregateBuilder {
        let scalar = self.scalar(Scalar::is_integer);
        let most = if scalar == Scalar::Bool { 1 } else { 8 * scalar.size() as u32 };
        let ty = Type::scalar(scalar);
        if may_be_unnamed && self.one_in(5) {
            return builder.bit_field("", ty, self.rng.u32(0..=most));
        }
        let width = self.rng.u32(1..=most);
        match self.one_in(6) {
            true => builder.aligned_bit_field(name, ty, width, 1 << self.rng.u32(0..5)),
            false => builder.bit_field(name, ty, width),
        }
    }

    /// Those of `ms_struct` or `gcc_struct`.
    fn other_bit_fields(&self) -> Convention {
        match self.convention {
            Convention::SysV => Convention::Win64(Win64::Gnu),
            Convention::Win64(_) => Convention::SysV,
            Convention::Aapcs64(Aapcs64::Windows) => Convention::Aapcs64(Aapcs64::Standard),
            _ => Convention::Aapcs64(Aapcs64::Windows),
        }
    }
}

/// Any signature, printed as C and read again, is the same signature.
#[test]
fn printed_signatures_read_back() {
    let (seed, count) = random::from_environment(random::COUNT);
    for case in random::cases(seed, Convention::native().expect("a supported platform")).take(count)
    {
        let signature = &case.signature;
        let text = signature.to_string();
        let mut header = Options::default().empty();
        let again = header.parse_type(&text).unwrap_or_else(|errors| panic!("{errors}"));
        let function = again.function().unwrap_or_else(|| panic!("{text} is no function"));
        let variadic =
            signature.first_variadic().map_or(signature.arguments().len(), |first| first);
        let variadic = signature.arguments()[variadic..].iter().cloned();
        let again = header.signature_of(function, variadic).expect(&text);
        assert_eq!(&again, signature, "{text}\n{again}");
    }
}
