// The mean of x from `first` to `end`, which is a row, and the standard deviation, over the row's lanes. Two
// passes: the deviation is taken about the mean.
fn row_moments(first: u32, end: u32, lane: u32) -> vec2f {
  let size = f32(end - first);
  var total = 0.0;
  for (var i = first + lane; i < end; i += LANES) {
    total += x[i];
  }
  let mean = sum_over_row(total, lane) / size;
  var squares = 0.0;
  for (var i = first + lane; i < end; i += LANES) {
    let centred = x[i] - mean;
    squares += centred * centred;
  }
  return vec2f(mean, sqrt(sum_over_row(squares, lane) / size));
}
