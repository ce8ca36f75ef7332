// Perturbations x of normalized pixels, counted in parts of the way from black to white: what they come to
// among the pixels if SCALED, else as much of them as leads no farther than black and white. One invocation
// a pixel.
struct Params {
  size: u32,
  channels: u32,
  area: u32,
  black_0: f32,  // what black is in each channel
  black_1: f32,
  black_2: f32,
  white_0: f32,
  white_1: f32,
  white_2: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (images, channels, area): size
@group(0) @binding(2) var<storage, read> pixels: array<f32>;   // (images, channels, area)
@group(0) @binding(3) var<storage, read_write> y: array<f32>;  // (images, channels, area)

@compute @workgroup_size(64)
fn pixel_units(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  let channel = (i / params.area) % params.channels;
  let black = vec3f(params.black_0, params.black_1, params.black_2)[channel];
  let white = vec3f(params.white_0, params.white_1, params.white_2)[channel];
  if (SCALED) {
    y[i] = (white - black) * x[i];
    return;
  }
  let own = (pixels[i] - black) / (white - black);
  y[i] = clamp(x[i], min(0.0, -own), max(0.0, 1.0 - own));
}
