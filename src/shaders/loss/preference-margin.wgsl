// How much farther the chosen text of a pair lies from the reference than the rejected one, times beta.
struct Params {
  pairs: u32,
  length: u32,
  beta: f32,
  smoothing: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;          // (2, pairs, length)
@group(0) @binding(2) var<storage, read> reference: array<f32>;  // (2, pairs, length)

fn preference_margin(row: u32, lane: u32) -> f32 {
  let first = row * params.length;
  let rejected = params.pairs * params.length;
  var gain = 0.0;
  for (var i = first + lane; i < first + params.length; i += LANES) {
    gain += (reference[i] - x[i]) - (reference[rejected + i] - x[rejected + i]);
  }
  return params.beta * sum_over_row(gain, lane);
}
