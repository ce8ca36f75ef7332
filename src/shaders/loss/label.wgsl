// What losses make of labels, for kernels with `columns` and `smoothing` among their params: the target
// spreads `smoothing` over all columns and puts the rest on the label. Rows labelled IGNORED get 0.

const IGNORED = 0xffffff9cu;  // -100 as a two's complement word

// Cross entropy, of log Σ exp(x), x of the label, and the mean of x, all of them less the largest x.
// Without smoothing the mean plays no part; it may overflow where columns are masked out.
fn label_loss(log_total: f32, own: f32, mean: f32) -> f32 {
  let spread = select(0.0, params.smoothing * (mean - own), params.smoothing > 0.0);
  return log_total - own - spread;
}

// What the target is in a column.
fn target_share(column: u32, label: u32) -> f32 {
  return params.smoothing / f32(params.columns)
    + select(0.0, 1.0 - params.smoothing, column == label);
}
