;;; Guile's (system foreign): pointer->procedure and procedure->pointer are libffi's calls and
;;; closures; structs are passed by value as lists.
(use-modules (system foreign) (rnrs bytevectors) (ice-9 format) (srfi srfi-1))

(define shapes (dynamic-link (cadr (command-line))))
(define libc (dynamic-link "libc.so.6"))
(define libm (dynamic-link "libm.so.6"))
(define sqlite (dynamic-link "libsqlite3.so.0"))
(define libz (dynamic-link "libz.so.1"))
(define (say name value) (format #t "~a: ~s~%" name value))
(define (function library result name . arguments)
  (pointer->procedure result (dynamic-func name library) arguments))

(define small (list int8 float))
(define point (list double double))
(define triple (list float float float))
(define mixed (list int64 double))
(define large (make-list 5 int64))
(define nested (list small triple uint16))

(for-each
 (lambda (name type values)
   (let ((next (function shapes type (string-append "next_" name) type)))
     (for-each (lambda (v) (say (format #f "next_~a ~a" name v) (next v))) values)))
 '("i8" "u8" "i16" "u16" "i32" "u32" "i64" "u64")
 (list int8 uint8 int16 uint16 int32 uint32 int64 uint64)
 (append-map
  (lambda (bits)
    (list (list 0 -1 (- (ash 1 (1- bits))) (1- (ash 1 (1- bits)))) (list 0 1 (1- (ash 1 bits)))))
  '(8 16 32 64)))
(say "float" ((function shapes float "half_float" float) 2.5))
(say "double" ((function shapes double "half_double" double) 1e300))
(define out (make-bytevector 300 0))
(define (text) (pointer->string (bytevector->pointer out)))
(say "describe"
     ((function shapes int "describe" '* int8 uint8 int16 uint16 int32 uint32 int64 uint64 float
                double '* float double)
      (bytevector->pointer out) -1 255 -2 65535 -3 4294967295 -4 (1- (ash 1 64)) 0.5 0.25
      (string->pointer "text") -0.5 1e9))
(say "described" (text))
(say "weigh" (apply (apply function shapes double "weigh" (make-list 10 double)) (iota 10 1.0)))

;; Structs by value, there and back.
(define (turn name result types . values)
  (parse-c-struct (apply (apply function shapes result name types) values) result))
(define a-small (make-c-struct small '(-7 1.25)))
(define a-point (make-c-struct point '(3.5 -4.5)))
(define a-triple (make-c-struct triple '(1.0 2.0 3.0)))
(define a-mixed (make-c-struct mixed (list (ash 1 40) 12.5)))
(define a-large (make-c-struct large '(1 2 3 4 5)))
(define a-nested (make-c-struct nested '((-7 1.25) (1.0 2.0 3.0) 1)))
(say "small" (turn "turn_small" small (list small) a-small))
(say "point" (turn "turn_point" point (list point double) a-point 2.0))
(say "triple" (turn "turn_triple" triple (list triple) a-triple))
(say "mixed" (turn "turn_mixed" mixed (list int32 mixed) -5 a-mixed))
(say "large" (turn "turn_large" large (list large int64) a-large -3))
(say "nested" (turn "turn_nested" nested (list nested) a-nested))
(say "spill" ((function shapes double "spill" int64 int64 int64 int64 int64 mixed mixed point large)
              1 2 3 4 5 a-mixed a-mixed a-point a-large))
(define (divided name type n d)
  (parse-c-struct ((function libc (list type type) name type type) n d) (list type type)))
(say "div" (divided "div" int -17 5))
(say "ldiv" (divided "ldiv" long (- (ash 1 50)) 1000))

;; Complex numbers are values of their own here.
(say "csqrt" ((function libm complex-double "csqrt" complex-double) -4.0+0.0i))
(say "conjf" ((function libm complex-float "conjf" complex-float) 1.5+2.5i))
(say "cabs" ((function libm double "cabs" complex-double) 3.0+4.0i))

;; libc, libm, zlib.
(say "pow" ((function libm double "pow" double double) 2.0 0.5))
(say "hypotf" ((function libm float "hypotf" float float) 3.0 4.0))
(say "strlen" ((function libc size_t "strlen" '*) (string->pointer "twelve bytes")))
(say "getenv of nothing" (null-pointer? ((function libc '* "getenv" '*) (string->pointer "NO_SUCH"))))
(call-with-values
    (lambda () ((pointer->procedure int (dynamic-func "open" libc) (list '* int) #:return-errno? #t)
                (string->pointer "/no/such/file") 0))
  (lambda (result errno) (say "open" (list result errno))))
(say "crc32" ((function libz unsigned-long "crc32" unsigned-long '* unsigned-int)
              0 (string->pointer "123456789") 9))

;; Callbacks.
(define (callback result arguments procedure) (procedure->pointer result procedure arguments))
(define numbers (map (lambda (i) (- (modulo (* i 7919) 1009) 500)) (iota 200)))
;; The bytevector is kept: a pointer alone does not keep what it was made of.
(define bytes (make-bytevector 800))
(for-each (lambda (i n) (bytevector-s32-native-set! bytes (* 4 i) n)) (iota 200) numbers)
(define (s32 pointer) (bytevector-s32-native-ref (pointer->bytevector pointer 4) 0))
((function libc void "qsort" '* size_t size_t '*) (bytevector->pointer bytes) 200 4
 (callback int '(* *) (lambda (a b) (- (s32 a) (s32 b)))))
(define sorted (map (lambda (i) (bytevector-s32-native-ref bytes (* 4 i))) (iota 200)))
(say "qsort" sorted)
(say "qsort is right" (equal? sorted (sort numbers <)))
(say "via_i8" ((function shapes int8 "via_i8" '* int8)
               (callback int8 (list int8) (lambda (v) (* v 2))) -33))
(say "via_u16" ((function shapes uint16 "via_u16" '* uint16)
                (callback uint16 (list uint16) 1-) 65535))
(say "via_float" ((function shapes float "via_float" '* float double)
                  (callback float (list float double) *) 1.5 4.0))
(define seen #f)
(say "via_many" ((function shapes int64 "via_many" '*)
                 (callback int64 (list int8 uint8 int16 uint16 int32 uint32 int64 uint64 float double)
                           (lambda all (set! seen all) (- (ash 1 40))))))
(say "via_many saw" seen)
(define integrate (function shapes double "integrate" '* double double int))
(define square (callback double (list double) (lambda (x) (* x x))))
(say "integrate" (integrate square 0.0 3.0 1000))
(say "within a callback"
     (integrate (callback double (list double) (lambda (x) (integrate square 0.0 x 10))) 0.0 1.0 20))
(say "via_point"
     (parse-c-struct
      ((function shapes point "via_point" '* point)
       (callback point (list point)
                 (lambda (p) (make-c-struct point (reverse (parse-c-struct p point)))))
       a-point)
      point))
(say "via_large"
     (parse-c-struct
      ((function shapes large "via_large" '* large)
       (callback large (list large int)
                 (lambda (p k)
                   (make-c-struct large (map (lambda (v) (* v k)) (parse-c-struct p large)))))
       a-large)
      large))
(say "thrown" (catch 'told
                (lambda ()
                  (integrate (callback double (list double) (lambda (x) (throw 'told x))) 0.0 1.0 2))
                (lambda (key x) (list key x))))

;; SQLite, whose rows and whose order come through callbacks.
(define handle (make-bytevector 8))
(say "open" ((function sqlite int "sqlite3_open" '* '*)
             (string->pointer ":memory:") (bytevector->pointer handle)))
(define base (make-pointer (bytevector-u64-native-ref handle 0)))
(define (backwards pointer length) (string-reverse (pointer->string pointer length)))
(define collate
  (callback int (list '* int '* int '*)
            (lambda (_ n a m b)
              (let ((a (backwards a n)) (b (backwards b m)))
                (cond ((string<? a b) -1) ((string>? a b) 1) (else 0))))))
(say "collation" ((function sqlite int "sqlite3_create_collation" '* '* int '* '*)
                  base (string->pointer "backward") 1 %null-pointer collate))
(define rows '())
(define (entry pointer i)
  (pointer->string (dereference-pointer (make-pointer (+ (pointer-address pointer) (* 8 i))))))
(define row
  (callback int (list '* int '* '*)
            (lambda (_ count values names)
              (set! rows (cons (map (lambda (i) (list (entry names i) (entry values i))) (iota count)) rows))
              (if (< (length rows) 6) 0 1))))
(define (exec sql callback)
  ((function sqlite int "sqlite3_exec" '* '* '* '* '*)
   base (string->pointer sql) callback %null-pointer %null-pointer))
(say "fill" (exec "create table t(w text, n int);
insert into t values('abc',1),('cba',2),('bac',3),('zzb',4)" %null-pointer))
(say "select" (exec "select w, n * n as square from t order by w collate backward" row))
(say "stopped by the callback" (exec "select 1 as a union select 2 union select 3" row))
(say "rows" (reverse rows))
(say "error" (exec "select absent" %null-pointer))
(say "message" (pointer->string ((function sqlite '* "sqlite3_errmsg" '*) base)))
