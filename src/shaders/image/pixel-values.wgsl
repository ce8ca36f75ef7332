// What a model takes of a picture: a rectangle of it, which may reach beyond its edges, each byte as a table
// of its channel has it, channels apart. One invocation a number.
struct Params {
  channels: u32,
  height: u32,         // of the result
  width: u32,
  source_height: u32,
  source_width: u32,
  top: u32,            // the row of the picture that comes first, before it where the sign is set
  left: u32,
  image: u32,          // which one of `y` it becomes
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> pixels: array<u32>;   // (source height, width), a byte a channel
@group(0) @binding(2) var<storage, read> values: array<f32>;   // (channels, 256)
@group(0) @binding(3) var<storage, read_write> y: array<f32>;  // (images, channels, height, width)

@compute @workgroup_size(64)
fn pixel_values(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  let plane = params.height * params.width;
  if (i >= params.channels * plane) {
    return;
  }
  let channel = i / plane;
  let inside = vec2u((i % plane) / params.width, i % params.width);
  let place = bitcast<vec2i>(inside + vec2u(params.top, params.left));
  let size = vec2i(vec2u(params.source_height, params.source_width));
  var byte = 0u;
  if (all(place >= vec2i(0)) && all(place < size)) {
    byte = (pixels[place.x * size.y + place.y] >> (8u * channel)) & 255u;
  }
  y[params.image * params.channels * plane + i] = values[256u * channel + byte];
}
