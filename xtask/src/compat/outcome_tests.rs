//! Reading what runtimes print, and comparing it.

use super::*;

fn said(pairs: &[(&str, &str)]) -> Vec<Said> {
    pairs.iter().map(|(test, result)| verdict(test, result)).collect()
}

fn values(pairs: &[(&str, &str)]) -> Vec<Said> {
    let passes = |said: Said| Said { kind: Kind::Passes, ..said };
    said(pairs).into_iter().map(passes).collect()
}

#[test]
fn lines_are_tests_whatever_system_ended_them() {
    let read = Reads::Lines.read("", "one: 1\r\n\ntwo: a: b\nthree\n", "");
    assert_eq!(read, values(&[("one", "1"), ("two", "a: b"), ("three", "")]));
}

#[test]
fn ctypes_verdicts_are_found_whatever_is_printed_before_them() {
    let output = "== CPython 3.11.2\n0:00:00 [1/1] test_ctypes\n\
        test_a (ctypes.test.A.test_a) ... ok\n\
        test_b (ctypes.test.A.test_b)\nWhat it is for. ... ok\n\
        test_c (ctypes.test.A.test_c) ... skipped 'not enough memory: 2.0G minimum needed'\n\
        test (ctypes.test.B.test) ... Trying:\n    array\nExpecting nothing\nok\nTrying:\nFAIL\n\
        test_d (ctypes.test.B.test_d) ... test_d printed this\nFAIL\n\
        test_e (ctypes.test.B.test_e) ... expected failure\n\
        test_f (ctypes.test.B.test_f) ... \n\
        ======\nFAIL: test_d (ctypes.test.B.test_d)\n-----\nok\nTraceback\n-----\nRan 7 tests in 1s\n";
    let expected = said(&[
        ("ctypes.test.A.test_a", "ok"),
        ("ctypes.test.A.test_b", "ok"),
        ("ctypes.test.A.test_c", "skipped"),
        ("ctypes.test.B.test", "FAIL"),
        ("ctypes.test.B.test_d", "FAIL"),
        ("ctypes.test.B.test_e", "expected failure"),
        ("ctypes.test.B.test_f", "no verdict"),
    ]);
    assert_eq!(Reads::Unittest.read("", output, ""), expected);
}

#[test]
fn a_crash_leaves_its_test_without_a_verdict() {
    let output = "test_a (m.A.test_a) ... ok\ntest_b (m.A.test_b) ... Fatal Python error\n";
    let read = Reads::Unittest.read("", output, "");
    assert_eq!(read, said(&[("m.A.test_a", "ok"), ("m.A.test_b", "no verdict")]));
}

#[test]
fn rusts_tests_are_read_without_their_reasons() {
    let output = "running 3 tests\ntest a::b ... ok\ntest c ... ignored, for want of time\n\
                  test src/lib.rs - d (line 7) ... FAILED\n\ntest result: FAILED. 1 passed\n";
    let expected = said(&[("a::b", "ok"), ("c", "ignored"), ("src/lib.rs - d (line 7)", "FAILED")]);
    assert_eq!(Reads::Libtest.read("", output, ""), expected);
}

#[test]
fn a_command_is_one_test_by_its_end_and_its_output() {
    let read = Reads::Whole.read("sort", "1\n2\n", "exit status: 0");
    assert_eq!(read, values(&[("sort", "exit status: 0 1\n2")]));
}

#[test]
fn what_is_the_same_passes_if_it_passed() {
    let both = said(&[("a", "ok"), ("b", "FAIL"), ("c", "skipped")]);
    let comparison = compare(&both, &both);
    assert_eq!(comparison, Comparison { run: 2, passed: 1, differences: vec![] });
}

#[test]
fn every_difference_is_named_missing_and_new_tests_too() {
    let debian = values(&[("a", "1"), ("b", "2"), ("b", "3"), ("c", "4")]);
    let ours = values(&[("a", "1"), ("b", "2"), ("b", "9"), ("d", "5")]);
    let comparison = compare(&debian, &ours);
    assert_eq!((comparison.run, comparison.passed), (4, 2));
    let expected = [
        "b (2): expected 3, found 9",
        "c: expected 4, found nothing",
        "d: expected nothing, found 5",
    ];
    assert_eq!(comparison.differences, expected);
}

#[test]
fn another_order_is_no_difference() {
    let debian = values(&[("a", "1"), ("b", "2"), ("c", "3")]);
    let ours = values(&[("c", "3"), ("a", "1"), ("b", "2")]);
    assert_eq!(compare(&debian, &ours).differences, [] as [&str; 0]);
}

#[test]
fn long_values_are_cut_between_characters() {
    assert_eq!(short("a\n b"), "a b");
    assert_eq!(short(&"ä".repeat(300)), format!("{}…", "ä".repeat(200)));
}
