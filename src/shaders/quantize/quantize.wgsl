// Rows of weights into blocks, one invocation a block: w = s·q + b with q from 0 to 2^BITS - 1. s and b are
// those of the least squares among some: each clips the range a little more, then fits a line to the codes
// that this gives.
struct Params {
  columns: u32,
  pitch: u32,
  row_blocks: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// @binding(1) weight: (rows, columns) with rows of `pitch`
@group(0) @binding(2) var<storage, read> place: array<u32>;  // the first row's number, and the rows
@group(0) @binding(3) var<storage, read_write> blocks: array<u32>;

const MOST = f32((1u << BITS) - 1u);
// How often the range is clipped, each time by so much of a step more.
const CLIPS = select(0u, 12u, BITS == 4u);
const CLIP = 0.4;

// Of infinities, and of what is no number.
const EXPONENT = 0x7f800000u;

var<private> values: array<f32, SIZE>;

fn nearest_code(value: f32, scale: vec2f) -> f32 {
  return select(clamp(round((value - scale.y) / scale.x), 0.0, MOST), 0.0, scale.x == 0.0);
}

// The line nearest to the values, by the codes that another one gives them.
fn fitted(scale: vec2f, count: u32) -> vec2f {
  var codes = 0.0;
  var squares = 0.0;
  var sum = 0.0;
  var products = 0.0;
  for (var i = 0u; i < count; i += 1u) {
    // Values from the middle: sums of what all have in common would cost digits.
    let value = values[i] - scale.y;
    let code = nearest_code(values[i], scale);
    codes += code;
    squares += code * code;
    sum += value;
    products += code * value;
  }
  let n = f32(count);
  let spread = n * squares - codes * codes;
  if (spread <= 0.0) {
    return scale;
  }
  let s = (n * products - codes * sum) / spread;
  return vec2f(s, scale.y + (sum - s * codes) / n);
}

fn error_of(scale: vec2f, count: u32) -> f32 {
  var error = 0.0;
  for (var i = 0u; i < count; i += 1u) {
    let difference = fma(nearest_code(values[i], scale), scale.x, scale.y) - values[i];
    error = fma(difference, difference, error);
  }
  return error;
}

@compute @workgroup_size(64)
fn quantize(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= place[1] * params.row_blocks) {
    return;
  }
  let row = i / params.row_blocks;
  let column = SIZE * (i % params.row_blocks);
  let size = min(SIZE, params.columns - column);
  var low = weight_at(row * params.pitch + column);
  var high = low;
  var is_finite = true;
  for (var k = 0u; k < size; k += 1u) {
    values[k] = weight_at(row * params.pitch + column + k);
    low = min(low, values[k]);
    high = max(high, values[k]);
    is_finite &= (bitcast<u32>(values[k]) & EXPONENT) != EXPONENT;
  }
  var best = stored_scale(vec2f((high - low) / MOST, low));
  if (CLIPS > 0u) {
    var least = error_of(best, size);
    for (var clip = 0u; clip < CLIPS; clip += 1u) {
      // Half of it at each end.
      let off = CLIP * f32(clip);
      let step = (high - low) / (MOST + off);
      let scale = stored_scale(fitted(vec2f(step, fma(0.5 * off, step, low)), size));
      let error = error_of(scale, size);
      if (error < least) {
        least = error;
        best = scale;
      }
    }
  }

  let block = place[0] * params.row_blocks + i;
  if (is_finite) {
    store_scale(block, best);
  } else {
    store_nan(block);
  }
  for (var word = 0u; word < SIZE * BITS / 32u; word += 1u) {
    var codes = 0u;
    for (var k = 0u; k < 32u / BITS; k += 1u) {
      let at = word * (32u / BITS) + k;
      if (at < size) {
        codes |= u32(nearest_code(values[at], best)) << (k * BITS);
      }
    }
    store_codes(block, word, codes);
  }
}
