// One pass of resampling a picture of 8 bits, along its rows or DOWN its columns, one invocation a pixel. In
// whole numbers, as Pillow computes it (Resample.c): weights of 22 bits behind the point, sums rounded and
// kept within 0 to 255.
struct Params {
  width: u32,         // of the result
  height: u32,
  source_width: u32,
  taps: u32,          // weights of a sample, at most
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> pixels: array<u32>;   // (source height, width), a byte a channel
@group(0) @binding(2) var<storage, read> windows: array<u32>;  // (samples, 2): the first pixel, how many
@group(0) @binding(3) var<storage, read> weights: array<i32>;  // (samples, taps)
@group(0) @binding(4) var<storage, read_write> y: array<u32>;  // (height, width)

const HALF = 2097152;  // 2²¹

@compute @workgroup_size(64)
fn resample(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.width * params.height) {
    return;
  }
  let row = i / params.width;
  let column = i % params.width;
  let sample = select(column, row, DOWN);
  let first = windows[2u * sample];
  let step = select(1u, params.source_width, DOWN);
  var at = select(row * params.source_width + first, first * params.source_width + column, DOWN);
  var sums = vec4i(HALF);
  for (var tap = 0u; tap < windows[2u * sample + 1u]; tap += 1u) {
    let weight = weights[sample * params.taps + tap];
    sums += weight * vec4i(unpack4xU8(pixels[at]));
    at += step;
  }
  y[i] = pack4xU8(vec4u(clamp(sums >> vec4u(22u), vec4i(0), vec4i(255))));
}
