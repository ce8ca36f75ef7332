// The gates of the delta rule, of a head: how much of a value is learned, and the logarithm of what stays of
// a state, -exp(A) · softplus(x + b). For kernels with `heads` among their params, weight (2, heads), b and
// A, among their bindings.

// The argument of exp is clamped: WGSL may assume that no infinity occurs.
fn rate_of(x: f32) -> f32 {
  return 1.0 / (1.0 + exp(min(-x, 87.0)));
}

fn log_decay(x: f32, head: u32) -> f32 {
  let shifted = x + weight[head];
  let softplus = max(shifted, 0.0) + log(1.0 + exp(-abs(shifted)));
  return -exp(weight[params.heads + head]) * softplus;
}
