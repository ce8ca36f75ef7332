// 1 - exp(x) for x ≤ 0. Near 0 the difference would cancel; there it is -x · (1 + x/2 · (1 + x/3 · …)).
fn one_minus_exp(x: f32) -> f32 {
  if (x < -1.0) {
    return 1.0 - exp(max(x, -87.0));
  }
  var sum = 1.0;
  for (var k = 12.0; k > 1.5; k -= 1.0) {
    sum = 1.0 + x / k * sum;
  }
  return -x * sum;
}
