(module
  (memory $m 2)
  (func (export "imul") (param $n i32) (result i32) (local $i i32) (local $x i32)
    (local.set $x (i32.const 1))
    (loop $l
      (local.set $x
        (i32.add (i32.mul (local.get $x) (i32.const 1103515245)) (i32.const 12345)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $l (i32.lt_u (local.get $i) (local.get $n))))
    (local.get $x))
  (func (export "sum") (param $n i32) (result i32) (local $i i32) (local $x i32)
    (loop $l
      (local.set $x (i32.add (local.get $x)
        (i32.load $m (i32.and (i32.shl (local.get $i) (i32.const 2)) (i32.const 65532)))))
      (i32.store $m
        (i32.and (i32.shl (local.get $i) (i32.const 3)) (i32.const 65528)) (local.get $x))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $l (i32.lt_u (local.get $i) (local.get $n))))
    (local.get $x))
  (func (export "float") (param $n i32) (result i32) (local $i i32) (local $x f64) (local $y f64)
    (local.set $x (f64.const 0.5))
    (local.set $y (f64.const 1.5))
    (loop $l
      (local.set $x (f64.add
        (f64.mul (local.get $x) (f64.const 0.999)) (f64.div (local.get $y) (f64.const 3.7))))
      (local.set $y (f64.sub
        (f64.sqrt (f64.abs (local.get $x))) (f64.mul (local.get $y) (f64.const 0.3))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $l (i32.lt_u (local.get $i) (local.get $n))))
    (i32.trunc_f64_s (local.get $x)))
  (func (export "matmul") (param $n i32) (local $i i32) (local $j i32) (local $k i32) (local $s f64)
    (loop $a
      (local.set $j (i32.const 0))
      (loop $b
        (local.set $k (i32.const 0))
        (local.set $s (f64.const 0))
        (loop $c
          (local.set $s (f64.add (local.get $s) (f64.mul
            (f64.load $m (i32.shl
              (i32.add (i32.mul (local.get $i) (local.get $n)) (local.get $k)) (i32.const 3)))
            (f64.load $m (i32.add (i32.const 20000) (i32.shl
              (i32.add (i32.mul (local.get $k) (local.get $n)) (local.get $j)) (i32.const 3)))))))
          (local.set $k (i32.add (local.get $k) (i32.const 1)))
          (br_if $c (i32.lt_u (local.get $k) (local.get $n))))
        (f64.store $m (i32.add (i32.const 40000) (i32.shl
          (i32.add (i32.mul (local.get $i) (local.get $n)) (local.get $j)) (i32.const 3)))
          (local.get $s))
        (local.set $j (i32.add (local.get $j) (i32.const 1)))
        (br_if $b (i32.lt_u (local.get $j) (local.get $n))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $a (i32.lt_u (local.get $i) (local.get $n))))))
