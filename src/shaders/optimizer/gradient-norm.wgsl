// The sum of the squared gradients of each chunk of a segment, over trainable elements. From 2⁴⁸ on
// squares might leave f32; those are summed apart, scaled by 2⁻⁸⁰ before (Blue, "A Portable Fortran
// Program to Find the Euclidean Norm of a Vector", 1978). Elements that are not finite are counted.
struct Params {
  chunks: u32,
  chunk: u32,
  size: u32,
  start: u32,
}

const LARGE = 0x1p48;
const EXPONENT = vec4u(0x7f800000u);

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gradient: array<vec4u>;    // (size) of 4 elements, as bits
@group(0) @binding(2) var<storage, read> flags: array<u32>;         // (size), a byte an element
@group(0) @binding(3) var<storage, read_write> sums: array<vec4f>;  // (chunks of every segment)

@compute @workgroup_size(GROUP)
fn gradient_norm(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let row = row_of(workgroup_index(id, count), local);
  if (row >= params.chunks) {
    return;
  }
  let first = row * params.chunk;
  let end = min(first + params.chunk, params.size);

  var ordinary = vec4f(0.0);
  var large = vec4f(0.0);
  var broken = vec4f(0.0);
  for (var i = first + lane; i < end; i += LANES) {
    let bits = select(vec4u(0u), gradient[i], has_flag(flags[i], TRAINABLE));
    let is_broken = (bits & EXPONENT) == EXPONENT;
    let g = bitcast<vec4f>(select(bits, vec4u(0u), is_broken));
    let is_large = abs(g) >= vec4f(LARGE);
    let small = select(g, vec4f(0.0), is_large);
    let scaled = select(vec4f(0.0), g * 0x1p-80, is_large);
    ordinary += small * small;
    large += scaled * scaled;
    broken += select(vec4f(0.0), vec4f(1.0), is_broken);
  }
  let ones = vec4f(1.0);
  let sum = vec4f(dot(ordinary, ones), dot(large, ones), dot(broken, ones), 0.0);
  let total = sum4_over_row(sum, lane);
  if (lane == 0u) {
    sums[params.start + row] = total;
  }
}
